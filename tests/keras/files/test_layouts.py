"""`.keras` files of every version of Keras 2: each layer gets its own weights, whatever the groups are called."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from older_keras import VERSIONS, save_as

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras import Loading, load_model
from edgekit.keras.files.layouts import places_of
from edgekit.keras.files.plain import Tree
from edgekit.keras.files.reading import read_model
from edgekit.keras.loading import model_from


def several_of_a_class(k: Any) -> Any:
    i = k.Input((6, 6, 4))
    a = k.layers.Conv2D(4, 3, padding="same", name="last")(i)
    b = k.layers.Conv2D(4, 3, padding="same", name="first")(a)
    y = k.layers.BatchNormalization()(k.layers.Add()([b, k.layers.Conv2D(4, 3, padding="same")(i)]))
    y = k.layers.SeparableConv2D(4, 3)(k.layers.SeparableConv2D(4, 3)(k.layers.BatchNormalization()(y)))
    return k.Model(i, k.layers.Dense(2)(k.layers.Flatten()(k.layers.PReLU()(y))))


def sequential(k: Any) -> Any:
    return k.Sequential([k.Input((4,)), *(k.layers.Dense(4, name=name) for name in "zyx"), k.layers.ReLU()])


def nested(k: Any) -> Any:
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.Dense(4)])
    weightless = k.Sequential([k.Input((4,)), k.layers.ReLU()])
    outer = k.Sequential([k.Input((4,)), k.layers.Dense(4), inner, weightless, k.layers.Dense(4)])
    return k.Sequential([k.Input((4,)), weightless, outer, k.layers.Dense(4), k.Sequential([k.layers.Dense(4)])])


def shared(k: Any) -> Any:
    """A layer that is called twice, and a model that is."""
    dense, inner = k.layers.Dense(4), k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.Dense(4)])
    i, j = k.Input((4,)), k.Input((4,))
    return k.Model(
        [i, j], k.layers.Dense(4)(k.layers.Concatenate()([inner(dense(i)), dense(inner(k.layers.Dense(4)(j)))]))
    )


def bidirectional(k: Any) -> Any:
    first = k.layers.Bidirectional(k.layers.SimpleRNN(3, return_sequences=True))
    own = k.layers.Bidirectional(k.layers.LSTM(3), backward_layer=k.layers.GRU(3, go_backwards=True))
    return k.Sequential([k.Input((2, 6)), first, own])


def stacked_cells(k: Any) -> Any:
    cells = [k.layers.LSTMCell(3), k.layers.GRUCell(3), k.layers.LSTMCell(3), k.layers.LSTMCell(3)]
    two = k.layers.RNN([k.layers.SimpleRNNCell(3), k.layers.SimpleRNNCell(3)])
    return k.Sequential([k.Input((2, 3)), k.layers.RNN(cells, return_sequences=True), two])


def attention(k: Any) -> Any:
    i = k.Input((4, 4))
    y = k.layers.LayerNormalization()(k.layers.MultiHeadAttention(2, 2)(i, i))
    return k.Model(i, k.layers.LayerNormalization()(k.layers.MultiHeadAttention(2, 2)(y, i)))


def time_distributed(k: Any) -> Any:
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.Dense(4)])
    layers = [k.layers.Dense(4), k.layers.Dense(4), inner]
    return k.Sequential([k.Input((3, 4)), *map(k.layers.TimeDistributed, layers)])


def activations(k: Any) -> Any:
    layers = [k.layers.Dense(4, activation=k.layers.PReLU()), k.layers.Dense(4, activation=k.layers.LeakyReLU(0.2))]
    return k.Sequential([k.Input((4,)), *layers, k.layers.PReLU()])


def trained(k: Any) -> Any:
    """With an optimizer, a loss and metrics, whose state lies beside the layers'."""
    model = sequential(k)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 4)), np.ones((4, 4)), verbose=0)
    return model


MODELS: list[Callable[[Any], Any]] = [
    several_of_a_class, sequential, nested, shared, bidirectional, stacked_cells, attention, time_distributed,
    activations, trained,
]  # fmt: skip


@cache
def built(build: Callable[[Any], Any]) -> tuple[Any, list[Any], Any]:
    """The model with weights of which no two are the same, inputs, and what comes of them."""
    rng, model = np.random.default_rng(0), build(_tf.tf_keras())
    model.set_weights([rng.uniform(0.2, 0.8, w.shape) for w in model.get_weights()])
    x = [rng.normal(size=(3, *t.shape[1:])).astype(np.float32) for t in model.inputs]
    return model, x, model(x, training=False)


@pytest.mark.parametrize("windows", [False, True], ids=["slashes", "backslashes"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_outputs_are_those_of_the_model(
    build: Callable[[Any], Any], version: str, windows: bool, tmp_path: Path
) -> None:
    model, x, outputs = built(build)
    file = save_as(model, tmp_path / "m.keras", version, windows=windows)
    loaded = model_from(read_model(file), str(file))
    np.testing.assert_allclose(loaded(x, training=False), outputs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("windows", [False, True], ids=["slashes", "backslashes"])
@pytest.mark.parametrize("version", VERSIONS)
def test_classes_of_the_user_whose_names_end_in_numbers(version: str, windows: bool, tmp_path: Path) -> None:
    k = _tf.tf_keras()
    kinds = {name: type(name, (k.layers.Dense,), {}) for name in ("Block_2", "Block")}
    model = k.Sequential([k.Input((4,)), *(kinds[name](4) for name in ("Block_2", "Block_2", "Block_2"))])
    file = save_as(model, tmp_path / "m.keras", version, windows=windows)
    x = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    loaded = load_model(file, Loading(custom_objects=kinds))
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-5)


@pytest.mark.parametrize("version", VERSIONS)
def test_learned_words_are_found(version: str, tmp_path: Path) -> None:
    k = _tf.tf_keras()
    i, layers = k.Input((1,), dtype="string"), [k.layers.StringLookup(), k.layers.TextVectorization()]
    layers += [k.layers.StringLookup()]
    for word, layer in zip("abc", layers, strict=True):
        layer.adapt(np.array([[word]]))
    inner = k.Model(i, [layer(i) for layer in layers])
    config: Any = read_model(save_as(inner, tmp_path / "m.keras", version)).config
    words = [c["config"].get("vocabulary") for c in config["config"]["layers"]]
    assert [w[-1] for w in words if w] == ["a", "b", "c"]


def test_numbers_of_numpy_as_keras_2_12_writes_them(tmp_path: Path) -> None:
    k = _tf.tf_keras()
    model = k.Sequential([k.Input((4,)), k.layers.ReLU(max_value=0.5)])
    file = save_as(model, tmp_path / "m.keras", "2.12.0")
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    number = b'"max_value": {"class_name": "__numpy__", "config": {"value": 0.5, "dtype": "float32"}}'
    assert b'"max_value": 0.5' in members["config.json"]
    members["config.json"] = members["config.json"].replace(b'"max_value": 0.5', number)
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert load_model(file)(np.ones((1, 4), np.float32)).numpy().tolist() == [[0.5] * 4]


@pytest.mark.parametrize(
    "names",
    [
        ("layers\\dense/vars/0", "layers/dense/vars/0"),
        ("layers\\dense", "layers/dense/vars/0"),
        ("layers\\\\dense/vars/0",),
        ("layers\\.\\dense/vars/0",),
        ("layers\\",),
        ("layers/dense/vars/0", "_layer_checkpoint_dependencies/dense_3/vars/0"),
        ("_layer_checkpoint_dependencies/block/vars/0", "_layer_checkpoint_dependencies/block_01/vars/0",
         "_layer_checkpoint_dependencies/block_1/vars/0", "layers/block_2/vars/0"),
    ],
)  # fmt: skip
def test_two_arrays_in_one_place_are_refused(names: tuple[str, ...], tmp_path: Path) -> None:
    file = save_as(sequential(_tf.tf_keras()), tmp_path / "m.keras", "2.15.0")
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO()
    with h5py.File(weights, "w") as h5:
        for name in names:
            h5[name] = np.ones(3, np.float32)
    members["model.weights.h5"] = weights.getvalue()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ModelError, match="place of their own"):
        read_model(file)


def test_a_file_of_this_layout_is_left_as_it_is() -> None:
    groups = ("layers", "layers/dense", "layers/dense_7", "layers/dense_7/vars", "layers/a\\b", "metrics/mean_3")
    assert [places_of(Tree(groups=groups), ["Dense"]).of(path) for path in groups] == list(groups)
