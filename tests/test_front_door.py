"""A model in memory, in a program that has loaded TensorFlow and Keras in its own way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.data.dataset import is_labels
from edgekit.data.memory import raw_of
from edgekit.errors import DataError, ModelError, UsageError

NOTEBOOK = """
import sys, json
from pathlib import Path
{imports}
import numpy as np
from sklearn.datasets import load_digits
digits = load_digits()
x, y = (digits.images / 16).astype("float32")[..., None], digits.target
K = {keras}
K.utils.set_random_seed(3)
model = K.Sequential([
    K.Input((8, 8, 1)), K.layers.Conv2D(8, 3, activation="relu"), K.layers.Flatten(),
    K.layers.Dense(10, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=2, batch_size=32, verbose=0)
import edgekit, edgekit.passes
out = Path(sys.argv[1]) / "m.tflite"
before = model.predict(x[:8], verbose=0)
result = edgekit.convert(model, out, data={data})
assert np.array_equal(before, model.predict(x[:8], verbose=0)), "the model is left as it is"
tflite = edgekit.evaluate(out, (x, y), task="classification").score.value
own = edgekit.evaluate(model, (x, y), task="classification").score.value
passes = [edgekit.passes.ChannelPrune(macs=0.6, finetune="none"), "qat"]
loose = {{"accuracy_drop": 0.3}}  # how well two epochs train hangs on the machine, and is not what this is about
small = edgekit.compress(model, out.parent / "run", data={data_with_labels}, passes=passes, budget=loose)
assert np.array_equal(before, model.predict(x[:8], verbose=0)), "the model is left as it is"
effects = edgekit.sensitivity(model, (x, y), kinds=["channels"], ratios=[0.5], samples=32)
cost = edgekit.benchmark([model, small], launches=1, runs=2)
assert effects and not any(r.error for r in cost.results), "each function takes the model"
assert small.chosen.bytes < len(result.tflite_bytes) and small.budget["met"], small.summary()
model.fit(x, y, epochs=1, batch_size=32, verbose=0)
print(json.dumps({{"db": result.parity.sqnr_db, "bytes": len(result.tflite_bytes), "tflite": tflite, "own": own}}))
"""
PAIR, BATCHES = "(x, y)", "tf.data.Dataset.from_tensor_slices((x, y)).batch(100)"
LEGACY = "TF_USE_LEGACY_KERAS"
ORDERS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "tensorflow first": ("import tensorflow as tf, keras", "keras", PAIR, {}),
    "keras first": ("import keras, tensorflow as tf", "keras", BATCHES, {LEGACY: "0"}),
    "edgekit first": ("import edgekit, keras", "keras", "x", {}),
    "tf_keras": ("import tensorflow as tf, tf_keras", "tf_keras", PAIR, {}),
    "legacy": ("import tensorflow as tf", "tf.keras", PAIR, {LEGACY: "1"}),
    "jax": ("import keras", "keras", PAIR, {"KERAS_BACKEND": "jax"}),
    "torch": ("import keras", "keras", PAIR, {"KERAS_BACKEND": "torch"}),
}


@pytest.mark.parametrize(
    "order", [name if name == "tensorflow first" else pytest.param(name, marks=pytest.mark.slow) for name in ORDERS]
)
def test_any_order_of_imports_works(order: str, tmp_path: Path) -> None:
    imports, keras, data, variables = ORDERS[order]
    if order == "torch" and find_spec("torch") is None:
        pytest.skip("needs torch, which no part of EdgeKit uses: pip install torch")
    environment = {k: v for k, v in os.environ.items() if k not in (LEGACY, "KERAS_BACKEND")} | variables
    labelled = PAIR if data == "x" else data
    code = NOTEBOOK.format(imports=imports, keras=keras, data=data, data_with_labels=labelled)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["db"] > 20 and told["bytes"] == (tmp_path / "m.tflite").stat().st_size
    assert told["own"] > 0.7 and abs(told["tflite"] - told["own"]) < 0.05


X, Y = np.zeros((6, 4), np.float32), np.arange(6) % 2


class Batches:
    """As `tf.data.Dataset` gives its batches."""

    def __init__(self, *batches: Any) -> None:
        self._batches = batches

    def as_numpy_iterator(self) -> Any:
        return iter(self._batches)


@pytest.mark.parametrize(
    ("held", "parts"),
    [
        (X, ("x_train",)),
        ((X, Y), ("x_train", "y_train")),
        ((X, Y, X, Y), ("x_train", "y_train", "x_test", "y_test")),
        ({"x_train": X, "y_train": Y}, ("x_train", "y_train")),
        ({"image": X, "size": X[:, :1]}, ("x_train",)),
        (({"image": X, "size": X[:, :1]}, Y), ("x_train", "y_train")),
        (Batches(X[:4], X[4:]), ("x_train",)),
        (Batches((X[:4], Y[:4]), (X[4:], Y[4:])), ("x_train", "y_train")),
        (Batches(({"a": X[:4]}, Y[:4]), ({"a": X[4:]}, Y[4:])), ("x_train", "y_train")),
    ],
)
def test_every_form_of_data_in_memory(held: Any, parts: tuple[str, ...]) -> None:
    raw = raw_of(held, "here")
    assert tuple(name for name in ("x_train", "y_train", "x_test", "y_test") if getattr(raw, name) is not None) == parts
    sizes = {len(a) for a in (raw.x_train.values() if isinstance(raw.x_train, dict) else [raw.x_train])}  # type: ignore[arg-type]
    assert sizes == {6} and (raw.y_train is None or is_labels(raw.y_train))


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([1, 2], "Data are an array x.*Received: list"),
        ((X, Y, X), "Data are an array x.*Received: tuple"),
        (np.array([object()]), "numeric"),
        ({}, "nothing"),
        (Batches(), "an empty tf.data.Dataset"),
        (lambda: X, "Received: function"),
    ],
)
def test_what_is_no_data(held: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        edgekit.load_data(held)


@pytest.mark.parametrize(("model", "error"), [(object(), ModelError), (None, ModelError), (X, ModelError)])
def test_what_is_no_model(model: Any, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error, match="EdgeKit compresses Keras models.*from the model in memory"):
        edgekit.convert(model, tmp_path / "m.tflite", data=(X, Y))
    assert not list(tmp_path.iterdir())


def test_the_remedy_speaks_python_too(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"data=\(x_train, y_train\)"):
        edgekit.convert(trained.model, tmp_path / "m.tflite")


class Endless(Batches):
    def cardinality(self) -> int:
        return -1


class Single(Batches):
    class element_spec:
        class shape(list):  # type: ignore[type-arg]
            rank = 2

            def __getitem__(self, place: Any) -> int:
                return 28

    element_spec.shape = element_spec.shape()  # type: ignore[misc,assignment]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (Endless(X), "repeats"),
        (Single(X, X), "open size.*drop_remainder"),
        (Batches((X,)), "1 parts"),
        (Batches((X, Y, Y)), "3 parts"),
        (Batches((X[0], Y[0]), (X[1], Y[1])), "batches"),
        (Batches(((X, X), Y)), "give a dict by input"),
        (Batches(X, X[:, :2]), "of one shape"),
        (([[1, 2], [1]], Y), "numeric"),
        ({"x_train": X, "ytrain": Y}, "Did you mean 'y_train'"),
    ],
)
def test_pipelines_and_parts_that_would_be_misread(held: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        edgekit.load_data(held)
