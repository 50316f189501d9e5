"""Honest models: one for every layer class and operation that a model file may hold, by either Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["LAYERS", "OPERATIONS", "layer_models", "operation_models"]

VECTOR, STEPS, IMAGE, VOLUME, IDS, CLIPS = (6,), (6, 4), (8, 8, 3), (6, 6, 6, 2), (5,), (3, 8, 8, 2)

LAYERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "Activation": ({"activation": "relu"}, VECTOR),
    "ActivityRegularization": ({"l1": 0.1, "l2": 0.1}, VECTOR),
    "AdaptiveAveragePooling1D": ({"output_size": 3}, STEPS),
    "AdaptiveAveragePooling2D": ({"output_size": 2}, IMAGE),
    "AdaptiveAveragePooling3D": ({"output_size": 2}, VOLUME),
    "AdaptiveMaxPooling1D": ({"output_size": 3}, STEPS),
    "AdaptiveMaxPooling2D": ({"output_size": 2}, IMAGE),
    "AdaptiveMaxPooling3D": ({"output_size": 2}, VOLUME),
    "AlphaDropout": ({"rate": 0.1}, VECTOR),
    "AugMix": ({}, IMAGE),
    "AutoContrast": ({}, IMAGE),
    "AveragePooling1D": ({"pool_size": 2}, STEPS),
    "AveragePooling2D": ({"pool_size": 2}, IMAGE),
    "AveragePooling3D": ({"pool_size": 2}, VOLUME),
    "BatchNormalization": ({"gamma_regularizer": "l2"}, IMAGE),
    "CategoryEncoding": ({"num_tokens": 7, "output_mode": "multi_hot"}, IDS),
    "CenterCrop": ({"height": 4, "width": 4}, IMAGE),
    "Conv1D": ({"filters": 3, "kernel_size": 2, "kernel_constraint": "max_norm"}, STEPS),
    "Conv1DTranspose": ({"filters": 3, "kernel_size": 2}, STEPS),
    "Conv2D": ({"filters": 4, "kernel_size": (3, 2), "kernel_regularizer": "l2"}, IMAGE),
    "Conv2DTranspose": ({"filters": 4, "kernel_size": 3, "output_padding": 1, "strides": 2}, IMAGE),
    "Conv3D": ({"filters": 2, "kernel_size": 2}, VOLUME),
    "Conv3DTranspose": ({"filters": 2, "kernel_size": 2}, VOLUME),
    "ConvLSTM1D": ({"filters": 2, "kernel_size": 2}, (3, 6, 2)),
    "ConvLSTM2D": ({"filters": 2, "kernel_size": 2}, CLIPS),
    "ConvLSTM3D": ({"filters": 2, "kernel_size": 2}, (2, *VOLUME)),
    "ContrastLimitedAdaptiveHistogramEqualization": ({}, IMAGE),
    "Cropping1D": ({}, STEPS),
    "Cropping2D": ({"cropping": ((1, 0), (0, 1))}, IMAGE),
    "Cropping3D": ({}, VOLUME),
    "CutMix": ({}, IMAGE),
    "Dense": ({"units": 3, "activation": "softmax", "kernel_initializer": "he_normal"}, VECTOR),
    "DepthwiseConv1D": ({"kernel_size": 2, "depth_multiplier": 2}, STEPS),
    "DepthwiseConv2D": ({"kernel_size": 2}, IMAGE),
    "Discretization": ({"bin_boundaries": [0.0, 0.5, 1.0]}, VECTOR),
    "Dropout": ({"rate": 0.5, "noise_shape": (None, 1), "seed": 3}, VECTOR),
    "ELU": ({"alpha": 0.5}, VECTOR),
    "EinsumDense": ({"equation": "abc,cd->abd", "output_shape": (None, 5), "bias_axes": "d"}, STEPS),
    "Embedding": ({"input_dim": 9, "output_dim": 3, "mask_zero": True}, IDS),
    "Flatten": ({}, IMAGE),
    "GRU": ({"units": 3}, STEPS),
    "GaussianDropout": ({"rate": 0.1}, VECTOR),
    "GaussianNoise": ({"stddev": 0.1}, VECTOR),
    "GlobalAveragePooling1D": ({}, STEPS),
    "GlobalAveragePooling2D": ({"keepdims": True}, IMAGE),
    "GlobalAveragePooling3D": ({}, VOLUME),
    "GlobalMaxPooling1D": ({}, STEPS),
    "GlobalMaxPooling2D": ({}, IMAGE),
    "GlobalMaxPooling3D": ({}, VOLUME),
    "GroupNormalization": ({"groups": 3}, IMAGE),
    "Hashing": ({"num_bins": 4}, IDS),
    "Identity": ({}, VECTOR),
    "IntegerLookup": ({"vocabulary": [3, 5, 7]}, IDS),
    "LSTM": ({"units": 3, "return_sequences": True, "go_backwards": True}, STEPS),
    "LayerNormalization": ({"axis": (1, 2)}, STEPS),
    "LeakyReLU": ({}, VECTOR),
    "LocallyConnected1D": ({"filters": 2, "kernel_size": 2}, STEPS),
    "LocallyConnected2D": ({"filters": 2, "kernel_size": 2}, IMAGE),
    "Masking": ({"mask_value": -1.0}, STEPS),
    "MaxPooling1D": ({"pool_size": 3, "padding": "same"}, STEPS),
    "MaxPooling2D": ({}, IMAGE),
    "MaxPooling3D": ({}, VOLUME),
    "MelSpectrogram": ({"fft_length": 64, "sequence_stride": 16, "sampling_rate": 800, "num_mel_bins": 8}, (256,)),
    "MixUp": ({}, IMAGE),
    "Normalization": ({"mean": [0.5] * 6, "variance": [1.0] * 6}, VECTOR),
    "PReLU": ({"shared_axes": [1]}, STEPS),
    "Permute": ({"dims": (2, 1)}, STEPS),
    "RMSNormalization": ({}, STEPS),
    "RandAugment": ({}, IMAGE),
    "RandomBrightness": ({"factor": 0.1}, IMAGE),
    "RandomColorDegeneration": ({"factor": 0.1}, IMAGE),
    "RandomColorJitter": ({"brightness_factor": 0.1, "hue_factor": 0.1}, IMAGE),
    "RandomContrast": ({"factor": 0.1}, IMAGE),
    "RandomCrop": ({"height": 4, "width": 4}, IMAGE),
    "RandomElasticTransform": ({}, IMAGE),
    "RandomErasing": ({}, IMAGE),
    "RandomFlip": ({"mode": "horizontal"}, IMAGE),
    "RandomFourierFeatures": ({"output_dim": 5}, VECTOR),
    "RandomGaussianBlur": ({}, IMAGE),
    "RandomGrayscale": ({}, IMAGE),
    "RandomHeight": ({"factor": 0.2}, IMAGE),
    "RandomHue": ({"factor": 0.1}, IMAGE),
    "RandomInvert": ({}, IMAGE),
    "RandomPerspective": ({}, IMAGE),
    "RandomPosterization": ({"factor": 4}, IMAGE),
    "RandomRotation": ({"factor": 0.1}, IMAGE),
    "RandomSaturation": ({"factor": 0.1}, IMAGE),
    "RandomSharpness": ({"factor": 0.1}, IMAGE),
    "RandomShear": ({"x_factor": 0.1}, IMAGE),
    "RandomTranslation": ({"height_factor": 0.1, "width_factor": 0.1}, IMAGE),
    "RandomWidth": ({"factor": 0.2}, IMAGE),
    "RandomZoom": ({"height_factor": 0.1}, IMAGE),
    "ReLU": ({"max_value": 6.0}, VECTOR),
    "RepeatVector": ({"n": 3}, VECTOR),
    "Rescaling": ({"scale": 1 / 255}, IMAGE),
    "Reshape": ({"target_shape": (3, -1)}, VECTOR),
    "Resizing": ({"height": 4, "width": 4}, IMAGE),
    "ReversibleEmbedding": ({"input_dim": 9, "output_dim": 3}, IDS),
    "STFTSpectrogram": ({"frame_length": 16, "frame_step": 8, "fft_length": 16}, (64, 1)),
    "SeparableConv1D": ({"filters": 3, "kernel_size": 2}, STEPS),
    "SeparableConv2D": ({"filters": 3, "kernel_size": 2, "depth_multiplier": 2}, IMAGE),
    "SimpleRNN": ({"units": 3, "unroll": True}, STEPS),
    "Softmax": ({"axis": -1}, VECTOR),
    "Solarization": ({}, IMAGE),
    "SpatialDropout1D": ({"rate": 0.1}, STEPS),
    "SpatialDropout2D": ({"rate": 0.1}, IMAGE),
    "SpatialDropout3D": ({"rate": 0.1}, VOLUME),
    "StringLookup": ({"vocabulary": ["a", "b"]}, IDS),
    "TextVectorization": ({"vocabulary": ["a", "b"], "output_sequence_length": 4}, (1,)),
    "ThresholdedReLU": ({"theta": 0.5}, VECTOR),
    "UnitNormalization": ({}, VECTOR),
    "UpSampling1D": ({"size": 2}, STEPS),
    "UpSampling2D": ({"size": (2, 3), "interpolation": "bilinear"}, IMAGE),
    "UpSampling3D": ({}, VOLUME),
    "ZeroPadding1D": ({"padding": (1, 2)}, STEPS),
    "ZeroPadding2D": ({"padding": ((1, 0), (2, 1))}, IMAGE),
    "ZeroPadding3D": ({}, VOLUME),
}
"""Layers of one input: their arguments and the shape of a sample."""

TEXTS = ("StringLookup", "TextVectorization")
MERGES = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
WRAPPED: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "Attention": (lambda k: _twice(k, k.layers.Attention(use_scale=True, dropout=0.1), STEPS), STEPS),
    "AdditiveAttention": (lambda k: _twice(k, k.layers.AdditiveAttention(), STEPS), STEPS),
    "Bidirectional": (lambda k: k.layers.Bidirectional(k.layers.LSTM(2), merge_mode="sum"), STEPS),
    "Dot": (lambda k: _twice(k, k.layers.Dot(axes=(1, 1), normalize=True), VECTOR), VECTOR),
    "GRUCell": (lambda k: k.layers.RNN(k.layers.GRUCell(3)), STEPS),
    "GroupedQueryAttention": (lambda k: _twice(k, k.layers.GroupedQueryAttention(4, 4, 2), STEPS), STEPS),
    "HashedCrossing": (lambda k: _twice(k, k.layers.HashedCrossing(5), (1,)), (1,)),
    "LSTMCell": (lambda k: k.layers.RNN([k.layers.LSTMCell(3), k.layers.LSTMCell(2)]), STEPS),
    "MultiHeadAttention": (lambda k: _twice(k, k.layers.MultiHeadAttention(2, 3), STEPS), STEPS),
    "RNN": (lambda k: k.layers.RNN(k.layers.SimpleRNNCell(3), return_sequences=True), STEPS),
    "SpectralNormalization": (lambda k: k.layers.SpectralNormalization(k.layers.Dense(3)), VECTOR),
    "StackedRNNCells": (lambda k: k.layers.RNN(k.layers.StackedRNNCells([k.layers.GRUCell(2)])), STEPS),
    "TimeDistributed": (lambda k: k.layers.TimeDistributed(k.layers.Conv2D(2, 3, activation="selu")), CLIPS),
    "Functional": (lambda k: _nested(k), VECTOR),
    "Sequential": (lambda k: k.Sequential([k.layers.Input(VECTOR), k.layers.Dense(3)]), VECTOR),
}

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    name: (lambda ops, x, name=name: getattr(ops, name)(x))
    for name in (
        "abs absolute all any arccos arccosh arcsin arcsinh arctan arctanh argmax argmin argsort average bitwise_not "
        "ceil conj copy cos cosh count_nonzero cumprod cumsum deg2rad diagonal diff elu erf erfinv exp exp2 "
        "expm1 flip floor gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh imag isfinite isinf isnan leaky_relu "
        "log log10 log1p log2 log_sigmoid log_softmax logical_not logsumexp max mean median min nan_to_num "
        "ndim negative normalize ones_like prod ravel real reciprocal relu relu6 round rsqrt selu sigmoid sign silu "
        "sin sinh size soft_shrink softmax softplus softsign sort sparse_plus sparse_sigmoid sparsemax sqrt square "
        "squareplus squeeze std stop_gradient sum tan tanh tanh_shrink trace transpose tril triu trunc var zeros_like "
        "celu nonzero norm"
    ).split()
} | {
    "add": lambda ops, x: ops.add(x, 1.0),
    "append": lambda ops, x: ops.append(x, x, axis=-1),
    "arctan2": lambda ops, x: ops.arctan2(x, x),
    "array_split": lambda ops, x: ops.array_split(x, 2, axis=1)[0],
    "broadcast_to": lambda ops, x: ops.broadcast_to(x, (2, 6, 4)),
    "cast": lambda ops, x: ops.cast(x, "float16"),
    "clip": lambda ops, x: ops.clip(x, -1.0, 1.0),
    "concatenate": lambda ops, x: ops.concatenate([x, x], axis=-1),
    "conv": lambda ops, x: ops.conv(x, np.ones((2, 4, 3), np.float32)),
    "cross": lambda ops, x: ops.cross(x[..., :3], x[..., :3]),
    "digitize": lambda ops, x: ops.digitize(x, np.array([0.0, 0.5])),
    "divide": lambda ops, x: x / 3.0,
    "dot": lambda ops, x: ops.dot(x, np.ones((4, 2), np.float32)),
    "einsum": lambda ops, x: ops.einsum("abc,abd->acd", x, x),
    "equal": lambda ops, x: ops.equal(x, 0.0),
    "expand_dims": lambda ops, x: ops.expand_dims(x, -1),
    "fft": lambda ops, x: ops.rfft(x)[0],
    "floor_divide": lambda ops, x: x // 2.0,
    "full_like": lambda ops, x: ops.full_like(x, 2.0),
    "get_item": lambda ops, x: x[:, ::2, 1],
    "greater": lambda ops, x: x > 0.0,
    "less_equal": lambda ops, x: x <= 0.0,
    "linspace": lambda ops, x: ops.linspace(x, x + 1.0, num=3),
    "logical_and": lambda ops, x: ops.logical_and(x > 0.0, x < 1.0),
    "matmul": lambda ops, x: ops.matmul(x, ops.transpose(x, (0, 2, 1))),
    "maximum": lambda ops, x: ops.maximum(x, 0.1),
    "average_pool": lambda ops, x: ops.average_pool(x, 2),
    "max_pool": lambda ops, x: ops.max_pool(x, 2),
    "minimum": lambda ops, x: ops.minimum(x, 0.1),
    "mod": lambda ops, x: x % 2.0,
    "moveaxis": lambda ops, x: ops.moveaxis(x, 1, 2),
    "multiply": lambda ops, x: 2 * x,
    "one_hot": lambda ops, x: ops.one_hot(ops.argmax(x, axis=-1), 4),
    "pad": lambda ops, x: ops.pad(x, ((0, 0), (1, 1), (0, 0))),
    "power": lambda ops, x: x**2,
    "quantile": lambda ops, x: ops.quantile(x, 0.5),
    "repeat": lambda ops, x: ops.repeat(x, 2, axis=1),
    "reshape": lambda ops, x: ops.reshape(x, (-1, 24)),
    "roll": lambda ops, x: ops.roll(x, 1),
    "split": lambda ops, x: ops.split(x, 2, axis=-1)[1],
    "stack": lambda ops, x: ops.stack([x, x], axis=1),
    "subtract": lambda ops, x: 1.0 - x,
    "swapaxes": lambda ops, x: ops.swapaxes(x, 1, 2),
    "take": lambda ops, x: ops.take(x, np.array([0, 2]), axis=1),
    "tensordot": lambda ops, x: ops.tensordot(x, np.ones((4, 2), np.float32), axes=1),
    "tile": lambda ops, x: ops.tile(x, (1, 2, 1)),
    "top_k": lambda ops, x: ops.top_k(x, 2)[0],
    "unstack": lambda ops, x: ops.unstack(x, axis=-1)[0],
    "where": lambda ops, x: ops.where(x > 0.0, x, 0.0),
    "dot_product_attention": lambda ops, x: ops.dot_product_attention(*[ops.expand_dims(x, 2)] * 3),
    "moments": lambda ops, x: ops.moments(x, axes=[1])[0],
    "threshold": lambda ops, x: ops.threshold(x, 0.5, 0.0),
    "layer_normalization": lambda ops, x: ops.layer_normalization(x),
    "rms_normalization": lambda ops, x: ops.rms_normalization(x),
}
"""`keras.ops` on a tensor [B, 6, 4]."""


def layer_models(keras: Any) -> Iterator[tuple[str, Any]]:
    """A small model for every layer class that this Keras has."""
    for name, (arguments, shape) in LAYERS.items():
        rooms = (keras.layers, getattr(keras.layers, "experimental", None))
        kind = next((getattr(room, name) for room in rooms if hasattr(room, name)), None)
        if kind is not None:
            yield name, _around(keras, kind(**arguments), shape, _dtype(name))
    for name in MERGES:
        yield name, _around(keras, _twice(keras, getattr(keras.layers, name)(), VECTOR), VECTOR, "float32")
    for name, (make, shape) in WRAPPED.items():
        if hasattr(keras.layers, name) or name in ("Functional", "Sequential"):
            yield name, _around(keras, make(keras), shape, "int32" if name == "HashedCrossing" else "float32")


def operation_models(keras: Any) -> Iterator[tuple[str, Any]]:
    """A Keras 3 model for every operation."""
    for name, call in OPERATIONS.items():
        x = keras.Input(STEPS)
        y = x > 0.0 if name in ("all", "any", "logical_not") else x
        y = keras.ops.cast(x, "int32") if name.startswith("bitwise") else y
        y = call(keras.ops, y)
        yield name, keras.Model(x, y[0] if isinstance(y, list | tuple) else y)


def _around(keras: Any, layer: Any, shape: tuple[int, ...], dtype: str) -> Any:
    x = keras.Input(shape, dtype=dtype)
    return keras.Model(x, layer(x))


def _dtype(name: str) -> str:
    if name in TEXTS:
        return "string"
    return "int32" if LAYERS[name][1] == IDS else "float32"


def _twice(keras: Any, layer: Any, shape: tuple[int, ...]) -> Callable[[Any], Any]:
    if type(layer).__name__ in ("MultiHeadAttention", "GroupedQueryAttention"):
        return lambda x: layer(x, x)
    return lambda x: layer([x, x]) if type(layer).__name__ == "HashedCrossing" else layer([x, keras.layers.ReLU()(x)])


def _nested(keras: Any) -> Any:
    x = keras.Input(VECTOR)
    inner = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
    return keras.Model(x, inner(keras.layers.Dense(4)(x)))
