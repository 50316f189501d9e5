"""Classes of the user's own in a file: those of the model are named, those of its training are left out."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras import load_model


def own(k: Any, base: Any, **members: Any) -> Any:
    return type("Mine", (base,), {"call": lambda self, x: x, "__call__": base.__call__, **members})


def in_a_model(k: Any, *layers: Any) -> Any:
    return k.Sequential([k.Input((4, 4)), *layers])


def _own_layer(k: Any) -> Any:
    return own(k, k.layers.Layer, get_config=k.layers.Layer.get_config)(name="a")


def _registered(k: Any) -> Any:
    return k.saving.register_keras_serializable("pkg")(own(k, k.layers.Layer))(name="a")


def _own_model(k: Any) -> Any:
    i = k.Input((4, 4))
    return own(k, k.Model, call=k.Model.call)(i, k.layers.Dense(2)(i))


def _function(k: Any) -> Any:
    def Mine(x: Any) -> Any:
        return x * 2.0

    return k.layers.Dense(4, activation=Mine)


def _initializer(k: Any) -> Any:
    kind = type("Mine", (k.initializers.Zeros,), {})
    return k.layers.Dense(4, kernel_initializer=kind())


def _regularizer(k: Any) -> Any:
    kind = type("Mine", (k.regularizers.L2,), {})
    return k.layers.Dense(4, kernel_regularizer=kind())


def _constraint(k: Any) -> Any:
    return k.layers.Dense(4, kernel_constraint=type("Mine", (k.constraints.NonNeg,), {})())


def _cell(k: Any) -> Any:
    return k.layers.RNN(type("Mine", (k.layers.SimpleRNNCell,), {})(4))


PLACES: dict[str, Callable[[Any], Any]] = {
    "a layer": lambda k: in_a_model(k, _own_layer(k)),
    "a registered layer": lambda k: in_a_model(k, _registered(k)),
    "a layer in a wrapper": lambda k: in_a_model(k, k.layers.TimeDistributed(_own_layer(k))),
    "a layer in a model": lambda k: in_a_model(k, k.layers.Dense(4), in_a_model(k, _own_layer(k))),
    "a model": _own_model,
    "an activation": lambda k: in_a_model(k, _function(k)),
    "an initializer": lambda k: in_a_model(k, _initializer(k)),
    "a regularizer": lambda k: in_a_model(k, _regularizer(k)),
    "a constraint": lambda k: in_a_model(k, _constraint(k)),
    "a cell": lambda k: in_a_model(k, _cell(k)),
}


def without_weights(path: Path) -> None:
    """What is wrong beside the class does not hide it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, b"" if name == "model.weights.h5" else data)
        return
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
        file["model_weights"] = h5py.SoftLink("/nowhere")


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged weights"])
@pytest.mark.parametrize("form", ["m.keras", "m.h5"])
@pytest.mark.parametrize("which", ["tf_keras", "keras3"])
@pytest.mark.parametrize("place", PLACES)
def test_the_message_names_the_class(place: str, which: str, form: str, damaged: bool, tmp_path: Path) -> None:
    PLACES[place](getattr(_tf, which)()).save(tmp_path / form)
    if damaged:
        without_weights(tmp_path / form)
    with pytest.raises(ModelError, match=r"'(pkg>)?Mine'.*module:function.*custom_objects={'Mine': ...}"):
        load_model(tmp_path / form)


@pytest.mark.parametrize("config", [None, 3, []], ids=repr)
def test_the_class_is_named_whatever_its_configuration_is(config: Any, tmp_path: Path) -> None:
    layers = [{"module": None, "class_name": "Mine", "config": config, "registered_name": "Mine", "name": "a"}]
    root = {"class_name": "Functional", "config": {"name": "f", "layers": layers}}
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.8.0"}')
        archive.writestr("config.json", json.dumps(root))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(ModelError, match="class 'Mine' in the layer 'a'.*module:function"):
        load_model(tmp_path / "m.keras")


def trained_by_own_classes(k: Any) -> Any:
    """Saved with an optimizer, a loss and metrics that no other program knows, and with their state."""
    tf = _tf.tensorflow()
    loss = type("OwnLoss", (k.losses.Loss,), {"call": lambda self, a, b: tf.reduce_mean((a - b) ** 2, -1)})

    def own_metric(y_true: Any, y_pred: Any) -> Any:
        return tf.reduce_mean(y_true - y_pred)

    metric = type("OwnMetric", (k.metrics.MeanSquaredError,), {})
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(2)])
    model.compile(type("OwnAdam", (k.optimizers.Adam,), {})(), loss(), metrics=[own_metric, metric(name="m")])
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    return model


@pytest.mark.parametrize(
    ("which", "form"),
    [(which, form) for which in ("tf_keras", "keras3") for form in ("m.keras", "m.h5")] + [("tf_keras", "folder")],
)
def test_training_by_classes_of_the_user_is_left_out(which: str, form: str, tmp_path: Path) -> None:
    model = trained_by_own_classes(getattr(_tf, which)())
    model.save(tmp_path / form)
    x = np.random.default_rng(0).random((5, 3)).astype(np.float32)
    np.testing.assert_allclose(load_model(tmp_path / form)(x), np.asarray(model(x)), atol=1e-6)
