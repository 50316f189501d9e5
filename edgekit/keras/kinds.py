"""The table of Keras layer kinds: what is known of each, said once; every algorithm asks it.

A new kind is a row. What only one algorithm can do with a kind (how channels pass through it, say) is a word of the row
that the algorithm has a rule for, so that a row never stands for something that nobody does. `keras/files/kinds.py`
is another table: which classes a foreign file may name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from edgekit.keras import mac_rules
from edgekit.keras.mac_rules import MacRule
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["KINDS", "Flow", "Kernel", "LayerKind", "Scales", "is_of_tfmot", "is_own", "kind_of", "unknown_kernels"]

Flow = Literal[
    "activation", "attention", "concatenate", "convolution", "dense", "depthwise", "embedding", "flatten",
    "normalization", "operation", "permute", "prelu", "recurrent", "rescaling", "reshape", "same", "separable", "tied",
    "transposed",
]  # fmt: skip
Scales = Literal["tensor", "channel", "transposed", "depthwise"]


@dataclass(frozen=True)
class Kernel:
    """A weight of at least two axes that a layer multiplies by or looks up in.

    Attributes:
        path: The way to it from the layer, "cell.kernel".
        inputs: Its axis of input channels, from the end; None where there is no single one.
        outputs: Its axis of output channels, from the end; None where there is no single one.
        pruned: Whether pruning takes it where it takes the layer.
    """

    path: str
    inputs: int | None = -2
    outputs: int | None = -1
    pruned: bool = True


@dataclass(frozen=True)
class LayerKind:
    """What is known of one kind of layer.

    Attributes:
        kernels: Its kernels, in Keras's order.
        home: The module that has its class under its name.
        macs: Counts the products of one call; None where nobody has said how.
        width_key: Key of its config that says its number of output channels; "" if none does.
        inner_widths: Keys of its config with widths that no other layer sees.
        shape_keys: Keys of its config with the shapes of its inputs.
        holds: Keys of its config that hold layers -> the attributes that give them.
        is_wrapper: It adds rounding or masks to the layer that it holds as `layer`, and computes nothing else.
        pruning: Whether its kernels are pruned by default, only where a recipe names the layer (they have few weights,
            rows of rare words or weights that are used again and again, and cost much accuracy), or never.
        channels: How it passes channels on, by the name of a rule in `methods/channels/rules.py`; None if unknown.
        low_rank: Whether a chain of smaller layers can take its place.
        rounded: The weight that is rounded to 8 bits while training; "" where none is.
        scales: What of that weight has a scale of its own.
        folds_batch_norm: The converter folds a batch normalisation that follows into it.
        fuses_relu: Its operator can end in a ReLU or ReLU6.
        scale: own, a scale for its output; same, that of its input (of an embedding: of its table); shared, its inputs
            must come in the scale of its output.
        calibrated: What the converter gives ranges to: all, the inside (more than one operator), or neither.
        is_gone: It does nothing at inference.
        is_activation: It is nothing but an activation.
        is_batch_norm: It is batch normalisation.
        is_pool: It is a pooling over places.
        drops: It is a dropout, with a `rate`.
        first: What it does with integers: kept, they keep their values and dtype; cast, they become floats first.
        indices_key: Key of its config that says how many integers it knows; "" where it takes no indices.
        needs_text_tables: It looks words up, which devices do not.
        renamed: Arguments of Keras 3 -> of tf_keras, where they differ.
    """

    kernels: tuple[Kernel, ...] = ()
    home: str = "tf_keras.layers"
    macs: MacRule | None = None
    width_key: str = ""
    inner_widths: tuple[str, ...] = ()
    shape_keys: tuple[str, ...] = ()
    holds: Mapping[str, str] = field(default_factory=dict)
    is_wrapper: bool = False
    pruning: Literal["default", "on_request", "never"] = "never"
    channels: Flow | None = None
    low_rank: bool = False
    rounded: str = ""
    scales: Scales = "tensor"
    folds_batch_norm: bool = False
    fuses_relu: bool = False
    scale: Literal["own", "same", "shared"] = "own"
    calibrated: Literal["", "inside", "all"] = ""
    is_gone: bool = False
    is_activation: bool = False
    is_batch_norm: bool = False
    is_pool: bool = False
    drops: bool = False
    first: Literal["", "kept", "cast"] = ""
    indices_key: str = ""
    needs_text_tables: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def pruned_kernels(self) -> tuple[Kernel, ...]:
        """Those that pruning takes; none where the kind is never pruned."""
        return () if self.pruning == "never" else tuple(k for k in self.kernels if k.pruned)


def kind_of(layer: KerasLayer) -> LayerKind:
    """What is known of a layer by the name of its class; a row that says nothing where the table has none."""
    return KINDS.get(type(layer).__name__, _UNKNOWN)


def is_of_tfmot(layer: KerasLayer) -> bool:
    """Whether a layer's class is TF-MOT's: a wrapper, or the rounding of an input."""
    return type(layer).__module__.partition(".")[0] == _TFMOT


def is_own(layer: KerasLayer) -> bool:
    """Whether a layer's class is the very one that the table means, not another of the same name."""
    row = KINDS.get(type(layer).__name__)
    return row is not None and type(layer) is getattr(sys.modules.get(row.home), type(layer).__name__, None)


def unknown_kernels(model: KerasModel) -> list[str]:
    """Layers with a kernel whose kind is not in the table, as "name (Class)": whoever works on kernels names them."""
    return [
        f"{layer.name} ({type(layer).__name__})"
        for layer in model.layers
        if type(layer).__name__ not in KINDS and any(len(w.shape) >= 2 for w in layer.weights)
    ]


_UNKNOWN = LayerKind()
_PLAIN = (Kernel("kernel"),)
_CELL = (Kernel("cell.kernel"), Kernel("cell.recurrent_kernel"))

_CONVOLUTION = LayerKind(
    _PLAIN, macs=mac_rules.convolution, width_key="filters", pruning="default", channels="convolution"
)
_TRANSPOSED = LayerKind(
    (Kernel("kernel", inputs=-1, outputs=-2),),
    macs=mac_rules.transposed,
    width_key="filters",
    pruning="default",
    channels="transposed",
)
_SEPARABLE = LayerKind(
    (Kernel("depthwise_kernel", outputs=None, pruned=False), Kernel("pointwise_kernel")),
    macs=mac_rules.separable,
    width_key="filters",
    pruning="default",
    channels="separable",
)
_DEPTHWISE = LayerKind(
    (Kernel("depthwise_kernel", outputs=None),), macs=mac_rules.depthwise, pruning="on_request", channels="depthwise"
)
_RECURRENT = LayerKind(_CELL, width_key="units", pruning="on_request", channels="recurrent", calibrated="all")
_LOOP = LayerKind(calibrated="all")
_CONVOLUTION_LOOP = replace(_LOOP, kernels=_CELL, width_key="filters", macs=mac_rules.recurrent_convolution)
_LOCAL = LayerKind((Kernel("kernel", None, None),), macs=mac_rules.local, width_key="filters")
_MERGE = LayerKind(channels="tied")
_PASSED_ON = LayerKind(channels="same", scale="same")
_POOL = LayerKind(channels="same", scale="same", is_pool=True)
_MEAN = LayerKind(channels="same", is_pool=True)
_DROPOUT = LayerKind(channels="same", scale="same", is_gone=True, drops=True)
_NOTHING = LayerKind(channels="same", scale="same", is_gone=True)
_MOVED = LayerKind(channels="same", scale="same", first="kept")
_MOVED_3D = replace(_MOVED, scale="own")  # integer kernels have no such operator
_TFMOT = "tensorflow_model_optimization"

KINDS: Mapping[str, LayerKind] = {
    # With kernels
    "Conv1D": _CONVOLUTION,
    "Conv1DTranspose": _TRANSPOSED,
    "Conv2D": replace(
        _CONVOLUTION, low_rank=True, rounded="kernel", scales="channel", folds_batch_norm=True, fuses_relu=True
    ),
    "Conv2DTranspose": replace(_TRANSPOSED, rounded="kernel", scales="transposed"),
    "Conv3D": _CONVOLUTION,
    "Conv3DTranspose": _TRANSPOSED,
    "ConvLSTM1D": _CONVOLUTION_LOOP,
    "ConvLSTM2D": _CONVOLUTION_LOOP,
    "ConvLSTM3D": _CONVOLUTION_LOOP,
    "Dense": LayerKind(
        _PLAIN, macs=mac_rules.dense, width_key="units", pruning="default", channels="dense", low_rank=True,
        rounded="kernel", folds_batch_norm=True, fuses_relu=True,
    ),
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": replace(
        _DEPTHWISE, rounded="depthwise_kernel", scales="depthwise", folds_batch_norm=True, fuses_relu=True
    ),
    "EinsumDense": LayerKind(
        (Kernel("kernel", None, None),), macs=mac_rules.einsum, width_key="output_shape", pruning="on_request"
    ),
    "Embedding": LayerKind(
        (Kernel("embeddings", inputs=None),), macs=mac_rules.looked_up, width_key="output_dim", pruning="on_request",
        channels="embedding", rounded="embeddings", scale="same", indices_key="input_dim",
    ),
    "GRU": replace(_RECURRENT, macs=mac_rules.recurrent(3)),
    "LSTM": replace(_RECURRENT, macs=mac_rules.recurrent(4)),
    "LocallyConnected1D": _LOCAL,
    "LocallyConnected2D": _LOCAL,
    "MultiHeadAttention": LayerKind(
        tuple(Kernel(f"_{part}_dense.kernel", None, None) for part in ("query", "key", "value", "output")),
        macs=mac_rules.attention, inner_widths=("key_dim", "value_dim"),
        shape_keys=("query_shape", "key_shape", "value_shape"), pruning="on_request", channels="attention",
    ),
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "SimpleRNN": replace(_RECURRENT, macs=mac_rules.recurrent(1)),
    # What holds other layers
    "Bidirectional": replace(
        _LOOP, channels="recurrent", holds={"layer": "forward_layer", "backward_layer": "backward_layer"}
    ),
    "ClusterWeights": LayerKind(home=_TFMOT, is_wrapper=True),
    "PruneLowMagnitude": LayerKind(home=_TFMOT, is_wrapper=True),
    "QuantizeWrapper": LayerKind(home=_TFMOT, is_wrapper=True),
    "QuantizeWrapperV2": LayerKind(home=_TFMOT, is_wrapper=True),
    "RNN": replace(_LOOP, holds={"cell": "cell"}),
    "SpectralNormalization": LayerKind(holds={"layer": "layer"}),
    "StackedRNNCells": LayerKind(holds={"cells": "cells"}),
    "TimeDistributed": replace(_LOOP, holds={"layer": "layer"}),
    # Normalisation and activations
    "Activation": LayerKind(channels="activation", is_activation=True),
    "BatchNormalization": LayerKind(channels="normalization", fuses_relu=True, is_batch_norm=True),
    "ELU": LayerKind(channels="same", calibrated="inside"),
    "LayerNormalization": LayerKind(channels="normalization"),
    "LeakyReLU": LayerKind(channels="same", renamed={"negative_slope": "alpha"}),
    "PReLU": LayerKind(channels="prelu", rounded="alpha"),
    "ReLU": LayerKind(channels="same", is_activation=True),
    "Softmax": LayerKind(is_activation=True),
    "ThresholdedReLU": LayerKind(channels="same"),
    "UnitNormalization": LayerKind(calibrated="inside"),
    # Several inputs
    "Add": replace(_MERGE, fuses_relu=True),
    "AdditiveAttention": LayerKind(calibrated="inside"),
    "Attention": LayerKind(calibrated="inside"),
    "Average": replace(_MERGE, calibrated="inside"),
    "Concatenate": LayerKind(channels="concatenate", scale="shared"),
    "Dot": LayerKind(calibrated="inside"),
    "Maximum": replace(_MERGE, scale="shared"),
    "Minimum": replace(_MERGE, scale="shared"),
    "Multiply": replace(_MERGE, fuses_relu=True),
    "Subtract": replace(_MERGE, fuses_relu=True),
    # Gone at inference
    "ActivityRegularization": _NOTHING,
    "AlphaDropout": _DROPOUT,
    "Dropout": _DROPOUT,
    "GaussianDropout": _DROPOUT,
    "GaussianNoise": _NOTHING,
    "Identity": _NOTHING,
    "SpatialDropout1D": _DROPOUT,
    "SpatialDropout2D": _DROPOUT,
    "SpatialDropout3D": _DROPOUT,
    # Values that stay as they are, or the most and the mean of them
    "Cropping1D": _MOVED,
    "Cropping2D": _MOVED,
    "Cropping3D": _MOVED_3D,
    "Flatten": replace(_MOVED, channels="flatten"),
    "InputLayer": LayerKind(scale="same"),
    "Permute": replace(_MOVED, channels="permute"),
    "RepeatVector": _PASSED_ON,
    "Reshape": replace(_MOVED, channels="reshape"),
    "UpSampling1D": _PASSED_ON,
    "UpSampling2D": _PASSED_ON,
    "UpSampling3D": LayerKind(channels="same"),
    "ZeroPadding1D": _MOVED,
    "ZeroPadding2D": _MOVED,
    "ZeroPadding3D": _MOVED_3D,
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D"), _POOL),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D"), _POOL),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"), _MEAN),
    **dict.fromkeys(("AveragePooling3D", "MaxPooling3D", "GlobalMaxPooling3D"), _MEAN),
    # Preprocessing, and functions
    "CategoryEncoding": LayerKind(indices_key="num_tokens"),
    "CenterCrop": LayerKind(first="cast"),
    "Lambda": LayerKind(calibrated="all"),
    "Normalization": LayerKind(first="cast"),
    "Rescaling": LayerKind(channels="rescaling", calibrated="inside", first="cast"),
    "Resizing": LayerKind(channels="same", scale="same", first="cast"),
    "SlicingOpLambda": LayerKind(home="", channels="operation", calibrated="all"),
    "TFOpLambda": LayerKind(home="", channels="operation", calibrated="all"),
    **dict.fromkeys(
        ("HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"),
        LayerKind(needs_text_tables=True),
    ),
}  # fmt: skip
