"""Each kind of layer: the rounded Keras model and its .tflite give the same values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.measure.predict import predict
from edgekit.methods.quantize import calibrate, quantize, settled
from edgekit_converters.tflite import ConvertSpec, convert_keras

IMAGE, SERIES = (6, 6, 3), (8, 3)


def layers() -> Any:
    return _tf.tf_keras().layers


def chain(*makers: Callable[[], Any]) -> Callable[[Any], Any]:
    def build(x: Any) -> Any:
        for make in makers:
            x = make()(x)
        return x

    return build


def conv(**options: Any) -> Any:
    return layers().Conv2D(4, 3, padding="same", **options)


def two(merge: str) -> Callable[[Any], Any]:
    return lambda x: getattr(layers(), merge)()([conv()(x), conv()(x)])


def images(x: Any) -> Any:
    """Convolutions of all kinds, with the batch normalisation and activation that fold and fuse."""
    x = layers().ReLU()(layers().BatchNormalization()(conv(use_bias=False)(x)))
    x = layers().ReLU(6.0)(layers().BatchNormalization()(layers().DepthwiseConv2D(3, padding="same")(x)))
    return layers().Activation("swish")(layers().SeparableConv2D(4, 3)(x))


def series(x: Any) -> Any:
    x = layers().ReLU()(layers().BatchNormalization()(layers().Conv1D(4, 3, padding="causal")(x)))
    return layers().GlobalAveragePooling1D()(layers().SeparableConv1D(4, 3, activation="tanh")(x))


EXACT: dict[str, tuple[Callable[[Any], Any], tuple[int, ...], list[str]]] = {
    "images": (images, IMAGE, ["CONV_2D", "DEPTHWISE_CONV_2D", "LOGISTIC", "MUL"]),
    "series": (series, SERIES, ["CONV_2D", "DEPTHWISE_CONV_2D", "TANH", "MEAN", "PAD", "RESHAPE"]),
    "transposed": (chain(lambda: layers().Conv2DTranspose(4, 3, strides=2)), IMAGE, ["TRANSPOSE_CONV"]),
    "hard_swish": (
        lambda x: (lambda y: layers().Multiply()([y, layers().ReLU(6.0)(y + 3.0) * (1 / 6)]))(conv()(x)),
        IMAGE,
        ["CONV_2D", "HARD_SWISH"],
    ),
    "gelu": (chain(lambda: layers().Dense(8, activation="gelu"), lambda: layers().Dense(4)), (12,), ["GELU"]),
    "merged": (
        lambda x: layers().Concatenate()([two("Add")(x), two("Multiply")(x), two("Maximum")(x), two("Subtract")(x)]),
        IMAGE,
        ["ADD", "MUL", "MAXIMUM", "SUB", "CONCATENATION"],
    ),
    "prelu": (
        lambda x: layers().LeakyReLU(0.2)(layers().PReLU(shared_axes=[1, 2])(conv()(x))),
        IMAGE,
        ["PRELU", "LEAKY_RELU"],
    ),
    "softmax": (
        chain(conv, lambda: layers().Flatten(), lambda: layers().Dense(4, activation="softmax")),
        IMAGE,
        ["SOFTMAX"],
    ),
}


def convert(build: Callable[[Any], Any], shape: tuple[int, ...], path: Path, dtype: str = "float32") -> tuple[Any, Any]:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(1)
    inputs = layers().Input(shape, dtype=dtype)
    model = keras.Model(inputs, build(inputs))
    random = np.random.default_rng(0)
    for layer in model.layers:
        if hasattr(layer, "moving_mean"):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    x = (
        random.normal(size=(96, *shape)).astype("f4")
        if dtype == "float32"
        else random.integers(0, 9, (96, *shape)).astype("i4")
    )
    made = quantize(model, skip=lambda name: False)
    calibrate(made.model, x[:64])
    result = settled(made.model)
    convert_keras(result, path, ConvertSpec(format="int8"), representative=x[:32])
    return made, (result.predict(x[64:], verbose=0), predict(path, x[64:]))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ("images", "softmax") else pytest.mark.slow) for name in EXACT]
)
def test_the_file_gives_what_the_model_gives(name: str, tmp_path: Path) -> None:
    build, shape, operators = EXACT[name]
    made, (expected, found) = convert(build, shape, tmp_path / "m.tflite")
    inspection = tflite.inspect(tmp_path / "m.tflite")
    assert set(operators) <= {o.name for o in inspection.operators}, "known operators, fused"
    step = np.ptp(expected) / 255
    wrong = np.abs(expected - found.reshape(expected.shape)) > step / 2
    assert wrong.mean() < 0.02
    if name != "hard_swish":  # whose inside is bare operations
        assert not made.left and not made.inside


def test_embeddings(tmp_path: Path) -> None:
    build = chain(
        lambda: layers().Embedding(9, 4), lambda: layers().GlobalAveragePooling1D(), lambda: layers().Dense(3)
    )
    made, (expected, found) = convert(build, (5,), tmp_path / "m.tflite", "int32")
    assert not made.left
    assert np.abs(expected - found).max() <= np.ptp(expected) / 255


def test_masks_are_not_lost() -> None:
    keras = _tf.tf_keras()
    inputs = layers().Input((5,), dtype="int32")
    x = layers().GlobalAveragePooling1D()(layers().Embedding(9, 4, mask_zero=True, name="table")(inputs))
    model = keras.Model(inputs, layers().Dense(3)(x))
    made = quantize(model, skip=lambda name: False)
    x = np.array([[1, 2, 0, 0, 0], [3, 0, 0, 0, 0]], dtype="int32")
    calibrate(made.model, x)
    assert "table" in made.left
    np.testing.assert_allclose(made.model(x).numpy(), model(x).numpy(), atol=0.05)


def test_depthwise_kernels_have_a_scale_for_each_channel() -> None:
    keras = _tf.tf_keras()
    inputs = layers().Input(IMAGE)
    model = keras.Model(inputs, layers().DepthwiseConv2D(3, use_bias=False, name="d")(inputs))
    kernel = np.ones((3, 3, 3, 1), dtype="f4") * np.array([1.0, 0.01, 0.0001], dtype="f4")[:, None]
    model.get_layer("d").set_weights([kernel])
    made = quantize(model, skip=lambda name: False)
    calibrate(made.model, np.random.default_rng(0).normal(size=(8, *IMAGE)).astype("f4"))
    _, _, variables = made.model.get_layer("quant_d")._weight_vars[0]
    np.testing.assert_allclose(variables["max_var"].numpy(), [1.0, 0.01, 0.0001], rtol=1e-6)
