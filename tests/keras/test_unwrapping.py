"""Files in which TF-MOT's wrappers still are: those of pruning and clustering come off and it is said, others stay."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.keras.unwrapping import unwrapped
from edgekit.measure.predict import predict


def pruned(model: Any) -> Any:
    """With masks that keep about half, and weights that were not masked since the last step."""
    prune = _tf.tfmot().sparsity.keras.prune_low_magnitude
    wrapped = prune(model)
    for layer in wrapped.layers:
        for weight, mask, _ in getattr(layer, "pruning_vars", ()):
            weight.assign(np.random.default_rng(1).uniform(0.5, 1, weight.shape))
            mask.assign(np.random.default_rng(2).integers(0, 2, mask.shape))
    return wrapped


def clustered(model: Any) -> Any:
    tools = _tf.tfmot().clustering.keras
    start = tools.CentroidInitialization.LINEAR
    return tools.cluster_weights(model, number_of_clusters=3, cluster_centroids_init=start)


def quantized(model: Any) -> Any:
    wrapped = _tf.tfmot().quantization.keras.quantize_model(model)
    wrapped.compile("sgd", "mse")
    shapes = (8, *wrapped.input_shape[1:]), (8, *wrapped.output_shape[1:])
    wrapped.fit(*(np.random.default_rng(0).random(shape) for shape in shapes), verbose=0)
    return wrapped


def dense(k: Any) -> Any:
    return k.Sequential([k.Input((4,)), k.layers.Dense(6, activation="relu", name="a"), k.layers.Dense(3, name="b")])


def convolutions(k: Any) -> Any:
    i = k.Input((6, 6, 3))
    y = k.layers.DepthwiseConv2D(3)(k.layers.ReLU()(k.layers.Conv2D(4, 3, padding="same")(i)))
    return k.Model(i, k.layers.Dense(2)(k.layers.GlobalAveragePooling2D()(y)))


def recurrent(k: Any) -> Any:
    return k.Sequential([k.Input((3, 4)), k.layers.LSTM(4, return_sequences=True), k.layers.GRU(3)])


def nested(k: Any) -> Any:
    """Two models whose layers have the same names, both wrapped, inside one that is not."""
    inner = [k.Sequential([k.Input((4,)), k.layers.Dense(4, name="a")], name=name) for name in ("first", "second")]
    return k.Sequential([k.Input((4,)), k.layers.Dense(4), *map(pruned, inner)])


def shared(k: Any) -> Any:
    layer, i = pruned(k.Sequential([k.Input((4,)), k.layers.Dense(4, name="a")])).layers[0], k.Input((4,))
    return k.Model(i, layer(layer(i)))


MODELS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "pruned dense": (lambda k: pruned(dense(k)), "pruning wrappers in {} were taken off these layers: a, b."),
    "pruned convolutions": (lambda k: pruned(convolutions(k)), "pruning wrappers in {} were taken off"),
    "pruned recurrent": (lambda k: pruned(recurrent(k)), "pruning wrappers in {} were taken off"),
    "pruned nested": (nested, "pruning wrappers in {} were taken off these layers: a, a_1."),
    "pruned shared": (shared, "pruning wrappers in {} were taken off these layers: a."),
    "clustered dense": (lambda k: clustered(dense(k)), "clustering wrappers in {} were taken off these layers: a, b."),
    "clustered convolutions": (lambda k: clustered(convolutions(k)), "clustering wrappers in {} were taken off"),
    "clustered recurrent": (lambda k: clustered(recurrent(k)), "clustering wrappers in {} were taken off"),
    "quantized dense": (lambda k: quantized(dense(k)), ""),
    "quantized convolutions": (lambda k: quantized(convolutions(k)), ""),
    "plain": (dense, ""),
}
UNSAVED = {("pruned recurrent", "m.h5"), ("clustered recurrent", "folder")}
"""What TF-MOT's wrappers cannot be saved as."""


@cache
def built(name: str) -> tuple[Any, Any, Any]:
    """The model, an input, and the output."""
    model = MODELS[name][0](_tf.tf_keras())
    x = np.random.default_rng(3).random((4, *model.input_shape[1:])).astype(np.float32)
    return model, x, model(x, training=False).numpy()


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, form) for name in MODELS for form in ("m.h5", "m.keras", "folder") if (name, form) not in UNSAVED],
)
def test_wrappers_in_a_file(name: str, form: str, tmp_path: Path, said: list[str]) -> None:
    model, x, outputs = built(name)
    model.save(tmp_path / form)
    loaded = edgekit.load_model(tmp_path / form)
    np.testing.assert_allclose(loaded(x, training=False), outputs, atol=1e-6)
    left = {type(layer).__name__ for layer in loaded.layers}
    assert not {kind for kind in left if kind.startswith(("Prune", "Cluster"))}
    assert name.startswith("quantized") == ("QuantizeWrapperV2" in left) == ("QuantizeLayer" in left)
    told = MODELS[name][1]
    assert len(said) == bool(told) and all(
        note.startswith(f"Note: TF-MOT's {told.format(tmp_path / form)}") for note in said
    )


@pytest.mark.parametrize("form", ["m.h5", "m.keras"])
@pytest.mark.parametrize("name", ["pruned dense", "clustered convolutions", "quantized dense", "plain"])
def test_the_command_line_says_it(name: str, form: str, cli: Any, tmp_path: Path) -> None:
    model, x, outputs = built(name)
    model.save(tmp_path / form)
    samples, labels = np.tile(x, (20, *[1] * (x.ndim - 1))), np.arange(80) % 2
    np.savez(tmp_path / "d.npz", x_train=samples, y_train=labels, x_test=samples, y_test=labels)
    data = ("--format", "int8", "--data", tmp_path / "d.npz") if "quantized" in name else ("--format", "float32")
    result = cli("convert", tmp_path / form, *data, "-o", tmp_path / "m.tflite")
    assert result.code == 0, result.err
    assert result.err.count("Note: ") == bool(MODELS[name][1]) and "Note: " not in result.out
    assert MODELS[name][1].format(tmp_path / form) in result.err
    if "quantized" not in name:
        np.testing.assert_allclose(predict(tmp_path / "m.tflite", x), outputs, atol=1e-5)


def test_nothing_is_raised_or_printed_in_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built("pruned dense")[0].save(tmp_path / "m.keras")
    edgekit.load_model(tmp_path / "m.keras")
    edgekit.convert(tmp_path / "m.keras", tmp_path / "m.tflite", format="float32")
    assert "Note" not in "".join(capsys.readouterr())


def test_notes_are_short() -> None:
    k = _tf.tf_keras()
    model = pruned(k.Sequential([k.Input((2,)), *(k.layers.Dense(2, name=f"d{n}") for n in range(14))]))
    _, notes = unwrapped(model, "m")
    assert len(notes) == 1 and notes[0].endswith("d10, d11 and 2 more.")


def test_masks_are_in_the_weights(tmp_path: Path) -> None:
    built("pruned dense")[0].save(tmp_path / "m.h5")
    kernel = edgekit.load_model(tmp_path / "m.h5").get_layer("a").get_weights()[0]
    assert 0.2 < np.mean(kernel == 0) < 0.8
