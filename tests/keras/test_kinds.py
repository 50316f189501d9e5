"""The table of layer kinds: what it says is true of Keras, every room asks it, and nothing of Keras is forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.data.dataset import Raw, split
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import ModelError
from edgekit.keras import kinds, mac_rules
from edgekit.keras.kinds import KINDS, Kernel, LayerKind, is_own, kind_of, unknown_kernels
from edgekit.keras.macs import model_macs, uncounted
from edgekit.methods.channels import analyse, rules, shrink
from edgekit.methods.low_rank import Geometry
from edgekit.methods.quantize import quantize
from edgekit.methods.quantize.canonical import TAKEN_APART
from edgekit.methods.sensitivity import sensitivity
from edgekit.passes import Context, parse_pass
from edgekit.target import Budget, load_target
from edgekit.training import Objective, Train, Trainer
from edgekit.training.student import narrower

WITHOUT_ROW = {
    "AbstractRNNCell", "DenseFeatures", "Discretization", "GRUCell",
    "GroupNormalization", "LSTMCell", "Layer", "Masking", "SimpleRNNCell", "Wrapper",
}  # fmt: skip
"""Classes of tf_keras's own with nothing to say: bases, cells inside layers, and preprocessing without weights."""


def tf_keras_kinds() -> set[str]:
    layers = _tf.tf_keras().layers
    return {
        name
        for name, kind in vars(layers).items()
        if inspect.isclass(kind) and issubclass(kind, layers.Layer) and name == kind.__name__ and "Random" not in name
    }


def test_every_layer_of_keras_has_a_row() -> None:
    assert tf_keras_kinds() - KINDS.keys() == WITHOUT_ROW
    at_home = {name for name, row in KINDS.items() if row.home == "tf_keras.layers"}
    assert at_home <= tf_keras_kinds()
    assert is_own(_tf.tf_keras().layers.Dense(1))
    assert not is_own(type("Dense", (_tf.tf_keras().layers.Dense,), {})(1))


MAKERS: Mapping[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "Conv1D": ((8, 4), lambda k: k.Conv1D(6, 3)),
    "Conv1DTranspose": ((8, 4), lambda k: k.Conv1DTranspose(6, 3)),
    "Conv2D": ((8, 8, 4), lambda k: k.Conv2D(6, 3)),
    "Conv2DTranspose": ((8, 8, 4), lambda k: k.Conv2DTranspose(6, 3)),
    "Conv3D": ((4, 4, 4, 4), lambda k: k.Conv3D(6, 3)),
    "Conv3DTranspose": ((4, 4, 4, 4), lambda k: k.Conv3DTranspose(6, 3)),
    "ConvLSTM1D": ((3, 8, 4), lambda k: k.ConvLSTM1D(6, 3)),
    "ConvLSTM2D": ((3, 8, 8, 4), lambda k: k.ConvLSTM2D(6, 3)),
    "ConvLSTM3D": ((3, 4, 4, 4, 4), lambda k: k.ConvLSTM3D(6, 3)),
    "Dense": ((4,), lambda k: k.Dense(6)),
    "DepthwiseConv1D": ((8, 4), lambda k: k.DepthwiseConv1D(3)),
    "DepthwiseConv2D": ((8, 8, 4), lambda k: k.DepthwiseConv2D(3)),
    "EinsumDense": ((5, 4), lambda k: k.EinsumDense("nab,bc->nac", (5, 6))),
    "Embedding": ((8,), lambda k: k.Embedding(9, 6)),
    "GRU": ((5, 4), lambda k: k.GRU(6)),
    "LSTM": ((5, 4), lambda k: k.LSTM(6)),
    "LocallyConnected1D": ((8, 4), lambda k: k.LocallyConnected1D(6, 3)),
    "LocallyConnected2D": ((8, 8, 4), lambda k: k.LocallyConnected2D(6, 3)),
    "MultiHeadAttention": ((5, 4), lambda k: k.MultiHeadAttention(2, 3)),
    "SeparableConv1D": ((8, 4), lambda k: k.SeparableConv1D(6, 3)),
    "SeparableConv2D": ((8, 8, 4), lambda k: k.SeparableConv2D(6, 3)),
    "SimpleRNN": ((5, 4), lambda k: k.SimpleRNN(6)),
}


def built(name: str) -> tuple[Any, Any]:
    """A layer of a kind, and the model that it makes."""
    keras = _tf.tf_keras()
    shape, make = MAKERS[name]
    inputs, layer = keras.Input(shape, dtype="int32" if name == "Embedding" else None), make(keras.layers)
    return layer, keras.Model(inputs, layer(inputs, inputs) if name == "MultiHeadAttention" else layer(inputs))


def test_there_is_a_layer_of_every_kind_with_kernels() -> None:
    assert MAKERS.keys() == {name for name, row in KINDS.items() if row.kernels}


@pytest.mark.parametrize("name", MAKERS)
def test_the_kernels_of_a_row_are_those_of_the_layer(name: str) -> None:
    layer, model = built(name)
    kernels = [attrgetter(kernel.path)(layer) for kernel in KINDS[name].kernels]
    assert [id(k) for k in kernels] == [id(w) for w in layer.weights if "kernel" in w.name or "embeddings" in w.name]
    for kernel, variable in zip(KINDS[name].kernels, kernels, strict=True):
        if kernel.inputs is not None and name != "SeparableConv1D" and name != "SeparableConv2D":
            assert variable.shape[kernel.inputs] in (4, 6)  # 6, of a recurrent layer's state
        if kernel.outputs is not None:
            gates = {"GRU": 3, "LSTM": 4, "ConvLSTM1D": 4, "ConvLSTM2D": 4, "ConvLSTM3D": 4}.get(name, 1)
            assert variable.shape[kernel.outputs] == 6 * gates
    if KINDS[name].width_key:
        assert np.atleast_1d(layer.get_config()[KINDS[name].width_key])[-1] == 6 == model.output_shape[-1]


@pytest.mark.parametrize("name", MAKERS)
def test_macs_by_hand(name: str) -> None:
    by_hand = {
        "Conv1D": 6 * 3 * 4 * 6, "Conv1DTranspose": 8 * 3 * 4 * 6, "Conv2D": 36 * 9 * 4 * 6,
        "Conv2DTranspose": 64 * 9 * 4 * 6, "Conv3D": 8 * 27 * 4 * 6, "Conv3DTranspose": 64 * 27 * 4 * 6,
        "ConvLSTM1D": 3 * 6 * 3 * 24 * (4 + 6), "ConvLSTM2D": 3 * 36 * 9 * 24 * (4 + 6),
        "ConvLSTM3D": 3 * 8 * 27 * 24 * (4 + 6), "Dense": 24, "DepthwiseConv1D": 6 * 3 * 4,
        "DepthwiseConv2D": 36 * 9 * 4, "EinsumDense": 5 * 4 * 6, "Embedding": 0, "GRU": 5 * 18 * (4 + 6),
        "LSTM": 5 * 24 * (4 + 6), "LocallyConnected1D": 6 * 3 * 4 * 6, "LocallyConnected2D": 36 * 9 * 4 * 6,
        "MultiHeadAttention": 2 * (3 * 20 * 3 + 5 * 5 * 6 + 5 * 3 * 4), "SeparableConv1D": 6 * (3 * 4 + 4 * 6),
        "SeparableConv2D": 36 * (9 * 4 + 4 * 6), "SimpleRNN": 5 * 6 * (4 + 6),
    }  # fmt: skip
    _, model = built(name)
    assert model_macs(model) == by_hand[name]
    assert uncounted(model) == []


KNOWN_BY: Mapping[str, str] = {
    "Conv1D": "macs narrowed pruned channels qat sensitivity",
    "Conv1DTranspose": "macs narrowed pruned channels sensitivity",
    "Conv2D": "macs narrowed pruned channels qat sensitivity low_rank",
    "Conv2DTranspose": "macs narrowed pruned channels qat sensitivity",
    "Conv3D": "macs narrowed pruned channels sensitivity",
    "Conv3DTranspose": "macs narrowed pruned channels sensitivity",
    "ConvLSTM1D": "macs narrowed sensitivity",
    "ConvLSTM2D": "macs narrowed sensitivity",
    "ConvLSTM3D": "macs narrowed sensitivity",
    "Dense": "macs narrowed pruned channels qat sensitivity low_rank",
    "DepthwiseConv1D": "macs pruned channels sensitivity",
    "DepthwiseConv2D": "macs pruned channels qat sensitivity",
    "EinsumDense": "macs narrowed pruned sensitivity",
    "Embedding": "macs narrowed pruned channels qat",
    "GRU": "macs narrowed pruned channels sensitivity",
    "LSTM": "macs narrowed pruned channels sensitivity",
    "LocallyConnected1D": "macs narrowed sensitivity",
    "LocallyConnected2D": "macs narrowed sensitivity",
    "MultiHeadAttention": "macs narrowed pruned channels sensitivity",
    "SeparableConv1D": "macs narrowed pruned channels qat sensitivity",
    "SeparableConv2D": "macs narrowed pruned channels qat sensitivity",
    "SimpleRNN": "macs narrowed pruned channels sensitivity",
}
"""Which algorithm knows which kind with kernels; a new one is added here with what it can do."""


@pytest.mark.parametrize("name", MAKERS)
def test_who_knows_a_kind(name: str) -> None:
    """What each algorithm does with a layer of the kind, seen from outside."""
    layer, model = built(name)
    knows = {
        "macs": not uncounted(model),
        "narrowed": narrows(name),
        "pruned": bool(parse_pass({"sparsify": {"layers": {layer.name: 0.5}}})._chosen(model)),  # type: ignore[attr-defined]
        "channels": any(analyse(model).cuts[layer.name].weights),
        "qat": layer.name not in (told := quantize(model, skip=lambda name: False)).left + told.inside,
        "sensitivity": bool(trials(model, name)),
        "low_rank": has_geometry(layer),
    }
    assert " ".join(room for room, known in knows.items() if known) == KNOWN_BY[name]


def narrows(name: str) -> bool:
    """Whether a student of half the width has less of a layer that stands in front of the last."""
    _, model = built(name)
    layers = _tf.tf_keras().layers
    longer = _tf.tf_keras().Model(model.inputs, layers.Dense(2)(layers.Flatten()(model.output)))
    kept = [w.shape.num_elements() for w in longer.layers[1].weights]
    return [w.shape.num_elements() for w in narrower(longer, 0.5).layers[1].weights] != kept


def trials(model: Any, name: str) -> list[Any]:
    x = np.zeros((1, *MAKERS[name][0]), np.int32 if name == "Embedding" else np.float32)
    return [] if name == "Embedding" else sensitivity(model, x, kinds=["int8_weights"])


def has_geometry(layer: Any) -> bool:
    try:
        return Geometry.of(layer) is not None
    except ModelError:
        return False


def test_every_word_for_channels_has_a_rule() -> None:
    words = {row.channels for row in KINDS.values()} - {None}
    assert words == rules._RULES.keys()


def test_what_is_taken_apart_is_in_the_table() -> None:
    assert TAKEN_APART.keys() <= KINDS.keys()


def scaled_dense() -> Any:
    """A layer kind of the test's own, as another package might bring one."""
    keras = _tf.tf_keras()

    class ScaledDense(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.units, self.use_bias = units, False
            self.activation = keras.activations.linear

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight("kernel", (int(input_shape[-1]), self.units))
            super().build(input_shape)

        def call(self, inputs: Any) -> Any:
            return 2.0 * (inputs @ self.kernel)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return ScaledDense


@pytest.fixture
def own_kind() -> Any:
    return scaled_dense()


@pytest.fixture
def own_model(own_kind: Any) -> Any:
    layers = _tf.tf_keras().layers
    return _tf.tf_keras().Sequential([layers.Input((4,)), own_kind(8, name="own"), layers.Dense(2, name="last")])


@pytest.fixture
def row(own_kind: Any, monkeypatch: pytest.MonkeyPatch) -> LayerKind:
    """One row for it."""
    made = LayerKind(
        (Kernel("kernel"),), home=__name__, macs=mac_rules.dense, width_key="units", pruning="default",
        channels="dense", rounded="kernel",
    )  # fmt: skip
    monkeypatch.setitem(KINDS, "ScaledDense", made)
    monkeypatch.setattr(inspect.sys.modules[__name__], "ScaledDense", own_kind, raising=False)  # type: ignore[attr-defined]
    return made


def is_wrapper(layer: Any) -> bool:
    return kind_of(layer).is_wrapper


def context(tmp_path: Path) -> Context:
    rng = np.random.default_rng(0)
    raw = Raw(rng.normal(size=(60, 4)).astype(np.float32), np.arange(60) % 2)
    data = split(raw, Preprocessing(), calibration=8, validation=0.2, test=0.2, seed=0)
    trainer = Trainer(data, Objective(), 0, tmp_path, quiet=True)
    return Context(trainer, Train(), load_target("generic"), Budget(), 1.0)


def test_one_row_is_all_that_a_new_kind_takes(own_model: Any, row: LayerKind, tmp_path: Path) -> None:
    assert kind_of(own_model.layers[0]) is row
    assert is_own(own_model.layers[0])
    assert (model_macs(own_model), uncounted(own_model), unknown_kernels(own_model)) == (4 * 8 + 8 * 2, [], [])
    assert [layer.weights[0].shape.as_list() for layer in narrower(own_model, 0.5).layers] == [[4, 4], [4, 2]]

    sparse = parse_pass({"sparsify": {"finetune": "none"}}).apply(own_model, context(tmp_path))
    assert np.mean(sparse.get_layer("own").kernel.numpy() == 0) == 0.5

    channels = analyse(own_model)
    keep = channels.all_kept()
    keep[channels.groups[0].channels[:3]] = False
    assert [layer.weights[0].shape.as_list() for layer in shrink(own_model, channels, keep).layers] == [[4, 5], [5, 2]]

    x = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)
    rounded = quantize(own_model, skip=lambda name: False)
    assert (rounded.left, rounded.inside) == ([], [])
    assert is_wrapper(rounded.model.get_layer("quant_own"))
    assert {e.layer for e in sensitivity(own_model, x, kinds=["sparsity"], ratios=[0.5])} == {"own", "last"}


def test_without_a_row_a_kind_is_told(own_model: Any, tmp_path: Path, said: list[str]) -> None:
    assert uncounted(own_model) == unknown_kernels(own_model) == ["own (ScaledDense)"]
    assert quantize(own_model, skip=lambda name: False).inside == ["own"]
    assert analyse(own_model).groups == ()
    parse_pass({"sparsify": {"finetune": "none"}}).apply(own_model, context(tmp_path))
    assert "sparsify: of unknown kinds, left alone: own (ScaledDense)" in said


def test_the_rows_are_frozen() -> None:
    with pytest.raises(AttributeError):
        kinds.KINDS["Dense"].width_key = "filters"  # type: ignore[misc]
    assert replace(KINDS["Dense"], width_key="filters") != KINDS["Dense"]
