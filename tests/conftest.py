"""Shared by all tests: the command line in-process, one tiny network trained and converted once, one finished run."""

from __future__ import annotations

import gc
import os
import random
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_data import DATA, MISSING
from threadpoolctl import threadpool_limits
from workers import made_once

import edgekit
from edgekit import _tf, sandbox
from edgekit.cli import main
from edgekit.data import Dataset, DataSpec, load_data
from edgekit.keras import save_model
from edgekit.observer import Event, notes_to
from edgekit.pipeline import Manifest
from edgekit.testing.samples import tiny_classifier
from edgekit.training import Objective, Train, Trainer
from edgekit_converters.tflite import ConvertSpec, convert_keras

RECIPE = """\
model: digits_cnn
data: {source: digits, calibration: 32}
train: {epochs: 2, learning_rate: 0.005}
passes:
  - sparsify: {sparsity: 0.5, layers: {"conv*": 0}, finetune: none}
  - qat: {finetune: {epochs: 1}}
convert: [int8, float32]
budget: {accuracy_drop: 1.0}
seed: 3
"""


@dataclass(frozen=True)
class Result:
    """How one command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Trained:
    """A tiny classifier of digits: the tf_keras model, its file, and its accuracy on the validation split."""

    model: Any
    h5: Path
    score: float


@dataclass(frozen=True)
class Run:
    """A finished run and its recipe."""

    recipe: Path
    output: Path
    manifest: Manifest
    events: list[Event]

    @property
    def shas(self) -> dict[str, str]:
        return {m.path: m.sha256 for m in self.manifest.models}


def pytest_configure() -> None:
    """BLAS has one thread, here and in the children: two workers fill two cores, and threads that wait for a turn spin.

    Small systems of equations took ten times as long.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threadpool_limits(1, user_api="blas")


@pytest.fixture(autouse=True)
def same_weights_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that a test builds has the same initial weights in every run and order of tests.

    TensorFlow is not loaded for it; where the test is the first that needs it, the seed is set as soon as it is there.
    """
    seed()
    if "tf_keras" not in sys.modules:
        load = _tf.tf_keras

        def seeded() -> Any:
            monkeypatch.setattr(_tf, "tf_keras", load)
            keras = load()
            gc.freeze()
            seed()
            return keras

        monkeypatch.setattr(_tf, "tf_keras", seeded)


def pytest_collection_finish() -> None:
    """Thousands of tests and what their modules imported stay to the end: no collection need look through them."""
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def what_stays_is_looked_through_once() -> Iterator[None]:
    """What a module leaves is collected, and what lives on is kept out of later collections.

    TensorFlow has a million objects, keeps more of every model, and its converter asks for a full collection each time.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> None:
    """What tests share does not depend on which of them asks for it first."""
    if fixturedef.scope != "function":
        seed()


def seed() -> None:
    """Start the generators anew that a network's weights and a training come from."""
    random.seed(0)
    np.random.seed(0)
    if "tf_keras" in sys.modules:
        _tf.tf_keras().utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="session")
def children_that_hold_tensorflow() -> Iterator[None]:
    """TensorFlow is imported once for each kind of job, not by every child; tests/sandbox has both ways."""
    with sandbox.warm():
        yield


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run one command in this process."""

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        code: Any = 0
        try:
            main([str(a) for a in arguments])
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, object]]:
    """What a folder holds, by relative path: bytes of files, targets of links, kinds of all else."""

    def take(root: Path) -> dict[str, object]:
        entries: dict[str, object] = {}
        for path in sorted(root.rglob("*")):
            kind = "link" if path.is_symlink() else stat.filemode(path.lstat().st_mode)[0]
            content = os.readlink(path) if kind == "link" else path.read_bytes() if kind == "-" else None
            entries[str(path.relative_to(root))] = (kind, content)
        return entries

    return take


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_data("digits")


@pytest.fixture(scope="session")
def few_digits() -> Dataset:
    """As digits, with few calibration samples: quantisation-aware training sees each several times, eagerly."""
    return load_data(DataSpec(source="digits", calibration=32))


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What EdgeKit tells people while the test runs."""
    lines: list[str] = []
    with notes_to(lines.append):
        yield lines


@pytest.fixture(scope="session")
def make_trainer(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trainer]:
    def make(dataset: Dataset = digits, *, task: str = "classification", seed: int = 0) -> Trainer:
        folder = tmp_path_factory.mktemp("work")
        return Trainer(dataset, Objective.model_validate({"task": task}), seed, folder, quiet=True)

    return make


@pytest.fixture(scope="session")
def build_tiny() -> Callable[[], Any]:
    """What plug-ins of other packages are tried on too."""
    return tiny_classifier


@pytest.fixture(scope="session")
def trained(
    build_tiny: Callable[[], Any], make_trainer: Callable[..., Trainer], tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    model, trainer = build_tiny(), make_trainer()
    trainer.fit(model, Train(epochs=6, learning_rate=0.01), name="tiny")
    path = tmp_path_factory.mktemp("trained") / "tiny.h5"
    save_model(model, path)
    return Trained(model, path, trainer.score(model))


@pytest.fixture(scope="session")
def tflites(trained: Trained, digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny network in float32 and int8; without sidecars."""
    folder, found = tmp_path_factory.mktemp("tflites"), {}
    for name in ("float32", "int8"):
        found[name] = folder / f"{name}.tflite"
        spec = ConvertSpec.model_validate({"format": name})
        convert_keras(trained.model, found[name], spec, representative=digits.features("calibration"))
    return found


@pytest.fixture(scope="session")
def npz(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 training and 100 test digits, float32 in 0..1."""
    path = tmp_path_factory.mktemp("npz") / "digits.npz"
    x, y = digits.features("train"), digits.labels("train")
    x_test, y_test = digits.features("test"), digits.labels("test")
    np.savez(path, x_train=x[:300], y_train=y[:300], x_test=x_test[:100], y_test=y_test[:100])
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One for all workers; tests that go on with it copy it."""

    def make(folder: Path) -> Run:
        events = list[Event]()
        (folder / "recipe.yaml").write_text(RECIPE)
        manifest = edgekit.compress(folder / "recipe.yaml", folder / "out", observer=events.append)
        return Run(folder / "recipe.yaml", folder / "out", manifest, events)

    return made_once("finished", tmp_path_factory, make)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real models and data."""
    if not DATA.is_dir():
        pytest.skip(MISSING)
    return DATA
