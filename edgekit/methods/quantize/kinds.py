"""What each kind of layer becomes in an integer file, as tables: where ranges belong and where none may stand."""

from __future__ import annotations

from typing import Any

from edgekit import _tf

__all__ = [
    "FIXED_RANGES",
    "FOLDS_BATCH_NORM",
    "FUSES_RELU",
    "IDENTITY",
    "RECURRENT",
    "SAME_SCALE",
    "TAKES_ONE_SCALE",
    "WEIGHTS",
    "activation_name",
    "is_fused_relu",
]

WEIGHTS = {
    "Conv2D": "kernel",
    "DepthwiseConv2D": "depthwise_kernel",
    "Conv2DTranspose": "kernel",
    "Dense": "kernel",
    "Embedding": "embeddings",
    "PReLU": "alpha",
}
"""Kinds whose weights are rounded while training, and the weight that is; others are rewritten into these or left."""

FOLDS_BATCH_NORM = ("Conv2D", "DepthwiseConv2D", "Dense")
"""The converter folds a batch normalisation into these; after a transposed convolution it stays on its own."""

FUSES_RELU = (*FOLDS_BATCH_NORM, "BatchNormalization", "Add", "Subtract", "Multiply")
"""Operators that end in a fused ReLU or ReLU6: the value before it exists in no file, so it has no range."""

IDENTITY = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "ActivityRegularization",
)
"""Gone at inference."""

SAME_SCALE = (
    *IDENTITY,
    "InputLayer",
    "Flatten",
    "Reshape",
    "Permute",
    "RepeatVector",
    "Cropping1D",
    "Cropping2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "AveragePooling1D",
    "AveragePooling2D",
    "UpSampling1D",
    "UpSampling2D",
    "Resizing",
    "Embedding",
)
"""Their operators have one scale for input and output (for an embedding: for the table and its rows)."""

TAKES_ONE_SCALE = ("Concatenate", "Maximum", "Minimum")
"""Inputs must come in the output's scale, so a producer for these alone is rounded once, by them."""

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM2D", "ConvLSTM1D", "TimeDistributed")
"""The converter refuses a range after an LSTM whose input has one, and calibrates the others well enough."""

FIXED_RANGES = {
    "sigmoid": (0.0, 255 / 256),
    "softmax": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}
"""Outputs whose scale the operator's specification fixes: LOGISTIC and SOFTMAX 1/256, TANH 1/128."""


def activation_name(layer: Any) -> str:
    """The function that a layer ends in: linear where it has none; a ReLU layer's variants are told apart."""
    kind = type(layer).__name__
    if kind == "Softmax":
        return "softmax" if layer.axis in (-1, len(layer.input_shape) - 1) else "softmax_inside"
    if kind == "ReLU":
        plain = not float(layer.negative_slope or 0) and not float(layer.threshold or 0)
        if plain and layer.max_value is None:
            return "relu"
        return "relu6" if plain and float(layer.max_value) == 6 else "clipped_relu"
    function = getattr(layer, "activation", None)
    if function is None or function is _tf.tf_keras().activations.linear:
        return "linear"
    return str(getattr(function, "__name__", type(function).__name__))


def is_fused_relu(layer: Any) -> bool:
    """Whether a layer is nothing but a ReLU or ReLU6, which the converter fuses into the operator before it."""
    return type(layer).__name__ in ("ReLU", "Activation") and activation_name(layer) in ("relu", "relu6")
