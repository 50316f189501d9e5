"""A call of `import edgekit` leaves the process as it found it, whether it returns or raises."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.errors import EdgekitError

rng = np.random.default_rng(0)
X = rng.standard_normal((120, 6)).astype(np.float32)
Y = (X.sum(1) > 0).astype(np.int64)


LOGGERS = {name: logging.getLogger(name) for name in ("", "tensorflow", "absl", "edgekit")}


def traces() -> dict[str, Any]:
    """What a program would notice, of what can be looked at without changing it."""
    return {
        "random": random.getstate(),
        "numpy": [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],
        "environment": dict(os.environ),
        "path": list(sys.path),
        "folder": os.getcwd(),
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "loggers": {n: (made.level, list(made.handlers)) for n, made in LOGGERS.items()},
        "warnings": list(warnings.filters),
        "files": len(os.listdir("/proc/self/fd")),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.stdout, sys.stderr),
    }


def drawn() -> dict[str, Any]:
    """What the program gets next from TensorFlow and both Keras."""
    tf, keras, tf_keras = _tf.tensorflow(), _tf.keras3(), _tf.tf_keras()
    return {
        "tensorflow": tf.random.uniform((3,)).numpy().tolist(),
        "names": (keras.layers.Dense(1).name, tf_keras.layers.Dense(1).name),
        "policies": (keras.config.dtype_policy().name, tf_keras.mixed_precision.global_policy().name),
        "initializer": tf_keras.initializers.GlorotUniform()((2, 2)).numpy().tolist(),
    }


def model_of(keras: Any) -> Any:
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), keras.layers.Dense(2)], name="mine")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    _tf.keras3().saving.save_model(model_of(_tf.keras3()), folder / "m.keras")
    edgekit.convert(folder / "m.keras", folder / "m.tflite", format="float32")
    return folder


CALLS: dict[str, Callable[[Path, Path, Any], object]] = {
    "load_model": lambda files, out, model: edgekit.load_model(files / "m.keras"),
    "load_data": lambda files, out, model: edgekit.load_data((X, Y)),
    "convert": lambda files, out, model: edgekit.convert(model, out / "m.tflite", data=(X, Y)),
    "evaluate": lambda files, out, model: edgekit.evaluate(files / "m.tflite", (X, Y)),
    "inspect": lambda files, out, model: edgekit.inspect(files / "m.tflite"),
    "benchmark": lambda files, out, model: edgekit.benchmark([files / "m.tflite"], runs=3, launches=1),
    "sensitivity": lambda files, out, model: edgekit.sensitivity(model, (X, Y), kinds=["rank"], ratios=[0.5]),
    "compress": lambda files, out, model: edgekit.compress(
        model,
        out / "run",
        data=(X, Y),
        train={"epochs": 1},
        passes=[{"qat": {"finetune": "none"}}],
        observer=lambda event: None,
    ),
    "a refusal": lambda files, out, model: edgekit.compress(model, out / "run", data=(X, Y[:5])),
}


def seeded(call: Callable[[], object]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Traces before and after a call, and what is drawn then."""
    random.seed(5)
    np.random.seed(5)
    _tf.tf_keras().utils.set_random_seed(5)
    _tf.tf_keras().backend.reset_uids()
    _tf.keras3().utils.clear_session()
    _ = _tf.keras3().layers.Dense(1), _tf.tf_keras().layers.Dense(1)
    before = traces()
    with suppress(EdgekitError):
        call()
    return before, traces(), drawn()


@pytest.mark.parametrize("name", CALLS)
def test_the_process_is_as_it_was(name: str, files: Path, tmp_path: Path) -> None:
    model = model_of(_tf.keras3())
    with suppress(EdgekitError):
        CALLS[name](files, tmp_path / "first", model)  # what loads once is loaded
    before, after, then = seeded(lambda: CALLS[name](files, tmp_path / "second", model))
    assert after == before
    assert then == seeded(lambda: None)[2]


FRESH = """
import json, os, random, signal, sys, logging, warnings
sys.path.insert(0, sys.argv[2])
import numpy as np
import edgekit
import test_no_trace as t
before = t.traces()
edgekit.convert("m.h5", "m.tflite", format="float32", overwrite=True)
after = t.traces()
import tensorflow as tf
from tensorflow.python.framework import config
changed = [key for key in before if repr(before[key]) != repr(after[key]) and key not in ("loggers", "warnings")]
print(json.dumps({"deterministic": config.is_op_determinism_enabled(), "changed": changed}))
"""


def test_a_process_that_has_not_loaded_tensorflow(tmp_path: Path) -> None:
    _tf.tf_keras().models.save_model(model_of(_tf.tf_keras()), tmp_path / "m.h5")
    environment = {k: v for k, v in os.environ.items() if k not in ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND")}
    done = subprocess.run(
        [sys.executable, "-c", FRESH, "", str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"deterministic": False, "changed": []}
