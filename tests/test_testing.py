"""What is broken in a plug-in is told in a sentence; what other packages have is held to what EdgeKit's own is."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

import edgekit.testing
from edgekit import _tf, tflite
from edgekit.data.dataset import Raw, Wanted
from edgekit.errors import Finding
from edgekit.passes import Context, Pass, Stage
from edgekit.runtimes import PROBE, load_runtime
from edgekit.target import Target
from edgekit.testing import check_exporter, check_network, check_pass, check_runtime, check_source, check_target
from edgekit.testing.samples import tiny_classifier
from edgekit_converters.exporters import Exporter, Source

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_pass"


def copy_of(model: Any) -> Any:
    made = _tf.tf_keras().models.clone_model(model)
    made.set_weights(model.get_weights())
    return made


class Same(Pass):
    """Gives the model again."""

    stage: ClassVar[Stage] = Stage.STRUCTURE
    summary: ClassVar[str] = "Nothing."

    def check(self, model: Any, target: Target, loading: Any = None) -> list[Finding]:
        return []

    def apply(self, model: Any, context: Context) -> Any:
        return copy_of(model)


class TwoLines(Same):
    summary: ClassVar[str] = "One.\nTwo."


class Undescribed(Same):
    strength: float = 0.5


class Unserialised(Same):
    scale: Any = Field(default=None, description="an array")


class NoList(Same):
    def check(self, model: Any, target: Target, loading: Any = None) -> Any:
        return None


class Refusing(Same):
    def check(self, model: Any, target: Target, loading: Any = None) -> list[Finding]:
        return [Finding("It takes no model.", "one")]


class InPlace(Same):
    def apply(self, model: Any, context: Context) -> Any:
        return model


class Spoiling(Same):
    def apply(self, model: Any, context: Context) -> Any:
        made = copy_of(model)
        model.set_weights([weight + 1 for weight in model.get_weights()])
        return made


class Raising(Same):
    def apply(self, model: Any, context: Context) -> Any:
        raise ValueError("no luck")


class Cutting(Same):
    def apply(self, model: Any, context: Context) -> Any:
        made = copy_of(model)
        return _tf.tf_keras().Model(made.input, made.layers[-2].output)


class Losing(Same):
    def lost(self, made: Any, later: Any) -> list[Finding]:
        return [Finding("It keeps its zeros.", "none")]


PASSES: dict[type[Pass], str] = {
    TwoLines: "TwoLines.summary is one line.",
    Undescribed: "Each field of Undescribed has a description, which help texts show. Found: strength",
    NoList: "NoList.check gives a list of edgekit.errors.Finding. Found: None",
    Refusing: "Refusing takes the model that it is tried on; give another one by `model`.",
    InPlace: "InPlace.apply gives a new model. Found: the one that it was given",
    Spoiling: "Spoiling.apply leaves the model as it is that it is given.",
    Raising: "Raising.apply raises ValueError: no luck",
    Cutting: "Cutting keeps the shape of the output, (8, 10). Found: (8, 16)",
    Losing: "Losing.lost finds nothing lost in the very model that the pass gave.",
}


@pytest.mark.parametrize("kind", PASSES)
def test_a_broken_pass_is_told(kind: type[Pass]) -> None:
    with pytest.raises(AssertionError) as caught:
        check_pass(kind())
    assert str(caught.value).startswith(PASSES[kind])


def test_a_good_pass_is_taken() -> None:
    check_pass(Same())


def test_options_survive_json() -> None:
    with pytest.raises(AssertionError, match="Unserialised is the same when its options have been through JSON"):
        check_pass(Unserialised(scale=(1, 2)))


LITERT = load_runtime("litert")
RUNTIMES: dict[str, tuple[Callable[[], Any], str]] = {
    "missing": (lambda: replace(LITERT, probe=lambda: "no such package"), "litert can be used here. Found: no such"),
    "a crashing probe": (lambda: replace(LITERT, probe=lambda: 1 / 0), "litert: probe raises ZeroDivisionError"),
    "nothing in its slots": (
        lambda: replace(LITERT, executor=None, meter=None, timer=None),
        "litert has an executor, a meter or a timer.",
    ),
    "a meter without figures": (lambda: replace(LITERT, meter=Meter(lambda path: None)), "litert has a meter, so it"),
    "takes anything": (
        lambda: replace(LITERT, executor=Executor()),
        "The executor of litert refuses a file that is no",
    ),
    "no runtime": (lambda: LITERT.executor, "RUNTIME is an edgekit.runtimes.Runtime."),
}


class Meter:
    def __init__(self, measure: Callable[[Path], object]) -> None:
        self.measure = measure


class Executor:
    kernels, clocked = ("default",), False

    def open(self, source: Any, **options: Any) -> object:
        return object()


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_broken_runtime_is_told(name: str) -> None:
    make, said = RUNTIMES[name]
    with pytest.raises(AssertionError) as caught:
        check_runtime(make())
    assert str(caught.value).startswith(said)


class Names(Exporter):
    """Writes the names of operators."""

    summary: ClassVar[str] = "The operators."

    def check(self, source: Source, target: Target) -> list[Finding]:
        return []

    def write(self, source: Source, folder: Path) -> None:
        (folder / "inner").mkdir()
        names = [operator.name for operator in source.model.graphs[0].operators]
        (folder / "inner" / f"{self.name}.txt").write_text("\n".join(names))


class Nothing(Names):
    def write(self, source: Source, folder: Path) -> None:
        (folder / "empty").mkdir()


class Changing(Names):
    count: ClassVar[list[int]] = []

    def write(self, source: Source, folder: Path) -> None:
        self.count.append(1)
        (folder / "a.txt").write_text(str(len(self.count)))


class Linking(Names):
    def write(self, source: Source, folder: Path) -> None:
        (folder / "a").symlink_to("/etc/passwd")


class Unknown(Names):
    figures: ClassVar[tuple[str, ...]] = ("no_such_figure",)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Nothing, "Nothing.write writes a file at least."),
        (Changing, "Changing.write writes the same bytes each time. Found: a.txt"),
        (Linking, "Linking.write writes regular files only. Found: a"),
        (Unknown, "Unknown.figures names figures of runtimes. Found: no_such_figure"),
    ],
)
def test_a_broken_exporter_is_told(kind: type[Exporter], said: str) -> None:
    check_exporter(Names(), model=PROBE)
    with pytest.raises(AssertionError) as caught:
        check_exporter(kind())
    assert str(caught.value) == said
    assert tflite.read(PROBE).graphs[0].operators


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("description: d\nformats: [int4]\n", "raises RecipeError"),
        ("formats: [int8]\n", "A target needs the key description"),
        ("description: d\nformats: [int8, int8]\n", "names each format once"),
        ("description: ''\nformats: [int8]\n", "is one line"),
    ],
)
def test_a_broken_target_is_told(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "board.yaml").write_text(text)
    with pytest.raises(AssertionError, match=said):
        check_target(tmp_path / "board.yaml")


def source_module(matches: Callable[[str], object], read: Callable[[str, Wanted], object]) -> Any:
    return SimpleNamespace(matches=matches, read=read)


X, Y = np.random.default_rng(0).random((40, 3)), np.arange(40) % 2
SOURCES: dict[str, tuple[Any, str]] = {
    "takes all": (source_module(lambda s: True, lambda s, w: Raw(X, Y)), "matches says False of what is another"),
    "takes none": (source_module(lambda s: False, lambda s, w: Raw(X, Y)), "matches says True of what the source"),
    "gives a pair": (source_module(lambda s: s == "mine", lambda s, w: (X, Y)), "read gives an edgekit.data"),
    "random": (
        source_module(lambda s: s == "mine", lambda s, w: Raw(np.random.default_rng().random((40, 3)), Y)),
        "read gives the same x_train each time",
    ),
    "empty": (source_module(lambda s: s == "mine", lambda s, w: Raw(None, None)), "read gives x_train or x_test"),
    "labels too few": (source_module(lambda s: s == "mine", lambda s, w: Raw(X, Y[:9])), "Splitting what read"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_broken_source_is_told(name: str) -> None:
    module, said = SOURCES[name]
    with pytest.raises(AssertionError) as caught:
        check_source(module, "mine")
    assert str(caught.value).startswith(said)


def test_a_good_source_is_taken() -> None:
    check_source(source_module(lambda s: s == "mine", lambda s, w: Raw(X, Y)), "mine")


def test_a_broken_network_is_told() -> None:
    layers = _tf.tf_keras().layers

    def linear(input_shape: tuple[int, ...], classes: int) -> Any:
        return _tf.tf_keras().Sequential([layers.Input(input_shape), layers.Dense(classes)], name="linear")

    def other(input_shape: tuple[int, ...], classes: int) -> Any:
        return linear((7,), classes)

    check_network(lambda input_shape, classes: tiny_classifier(), (8, 8, 1))
    for build, said in ((linear, "linear ends in a softmax"), (other, "linear takes batches of samples")):
        with pytest.raises(AssertionError, match=said):
            check_network(build, (5,), 3)


def test_the_example_package_holds_itself_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    found = runpy.run_path(str(EXAMPLE / "tests" / "test_own_pass.py"))
    tests = [run for name, run in found.items() if name.startswith("test_")]
    assert len(tests) == 2
    for run in tests:
        run()


def test_no_test_framework_is_needed() -> None:
    for path in Path(edgekit.testing.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        told = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)}
        assert not any("pytest" in line or "hypothesis" in line for line in told), path
