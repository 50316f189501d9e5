"""What EdgeKit calls of TensorFlow and of both Keras: protocols of their modules, which have no types of their own.

What functions take is TensorFlow's to say: tensors, arrays, numbers and nests of them. What they give is said here.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from logging import Logger
from typing import Any, Protocol, TypeAlias, TypeVar

from edgekit.keras.types import DType, KerasTensor
from edgekit.tensors import Array

__all__ = ["Batches", "Operation", "TensorFlow", "Tape"]


_Function = TypeVar("_Function", bound=Callable[..., object])

Operation = Callable[..., KerasTensor]
"""A function of TensorFlow's that gives one tensor."""
Several = Callable[..., Sequence[KerasTensor]]


class Batches(Protocol):
    """A `tf.data.Dataset`."""

    def batch(self, size: int, /) -> Batches: ...
    def cache(self) -> Batches: ...
    def flat_map(self, function: Callable[[KerasTensor], Batches], /) -> Batches: ...
    def map(self, function: Callable[..., Structure], /) -> Batches: ...
    def prefetch(self, size: int, /) -> Batches: ...


Structure: TypeAlias = "KerasTensor | Sequence[Structure] | Mapping[str, Structure]"
"""Tensors, or a nest of them."""


class Datasets(Protocol):
    """`tf.data.Dataset`."""

    from_tensor_slices: Callable[..., Batches]
    range: Callable[..., Batches]


class Data(Protocol):
    """`tf.data`."""

    @property
    def Dataset(self) -> Datasets: ...


class Tape(AbstractContextManager["Tape"], Protocol):
    """A `tf.GradientTape`."""

    def watch(self, tensor: KerasTensor | Sequence[KerasTensor], /) -> None: ...

    @property
    def gradient(self) -> Callable[..., Any]: ...


class Math(Protocol):
    """`tf.math`."""

    abs: Operation
    add: Operation
    argmax: Operation
    argmin: Operation
    ceil: Operation
    cos: Operation
    divide: Operation
    divide_no_nan: Operation
    equal: Operation
    erf: Operation
    exp: Operation
    floor: Operation
    floordiv: Operation
    floormod: Operation
    greater: Operation
    greater_equal: Operation
    l2_normalize: Operation
    less: Operation
    less_equal: Operation
    log: Operation
    log1p: Operation
    log_sigmoid: Operation
    logical_and: Operation
    logical_not: Operation
    logical_or: Operation
    maximum: Operation
    minimum: Operation
    multiply: Operation
    negative: Operation
    not_equal: Operation
    pow: Operation
    reciprocal: Operation
    reduce_all: Operation
    reduce_any: Operation
    reduce_logsumexp: Operation
    reduce_max: Operation
    reduce_mean: Operation
    reduce_min: Operation
    reduce_prod: Operation
    reduce_std: Operation
    reduce_sum: Operation
    reduce_variance: Operation
    round: Operation
    rsqrt: Operation
    sign: Operation
    sin: Operation
    sqrt: Operation
    square: Operation
    subtract: Operation
    top_k: Operation


class NeuralNetworks(Protocol):
    """`tf.nn`."""

    batch_normalization: Operation
    depth_to_space: Operation
    elu: Operation
    gelu: Operation
    leaky_relu: Operation
    log_softmax: Operation
    moments: Several
    softmax: Operation
    space_to_depth: Operation


class Nest(Protocol):
    """`tf.nest`."""

    flatten: Callable[..., list[KerasTensor]]
    map_structure: Callable[..., Any]
    pack_sequence_as: Callable[..., Any]


class Images(Protocol):
    """`tf.image`."""

    extract_patches: Operation
    resize: Operation


class Linalg(Protocol):
    """`tf.linalg`."""

    matmul: Operation


class Experiments(Protocol):
    """`tf.autograph.experimental`."""

    def do_not_convert(self, function: _Function, /) -> _Function: ...


class Autograph(Protocol):
    """`tf.autograph`."""

    experimental: Experiments


class OpsSets(Protocol):
    """`tf.lite.OpsSet`, of opaque values."""

    EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8: str
    TFLITE_BUILTINS: str
    TFLITE_BUILTINS_INT8: str


class Optimizations(Protocol):
    """`tf.lite.Optimize`."""

    DEFAULT: str


class TargetSpec(Protocol):
    """What a converter may put into a file."""

    supported_ops: list[str]
    supported_types: list[DType]


class Converter(Protocol):
    """A `tf.lite.TFLiteConverter`."""

    optimizations: list[str]
    representative_dataset: Callable[[], Iterator[Mapping[str, Array]]]
    inference_input_type: DType
    inference_output_type: DType

    @property
    def target_spec(self) -> TargetSpec: ...

    def convert(self) -> bytes: ...


class Converters(Protocol):
    """`tf.lite.TFLiteConverter`."""

    def from_saved_model(self, folder: str, /) -> Converter: ...


class Lite(Protocol):
    """`tf.lite`."""

    OpsSet: OpsSets
    Optimize: Optimizations
    TFLiteConverter: Converters
    Interpreter: Callable[..., Any]
    experimental: Any


class Quantization(Protocol):
    """`tf.quantization`."""

    fake_quant_with_min_max_vars: Operation


class Errors(Protocol):
    """`tf.errors`."""

    OpError: type[Exception]


class CheckpointReader(Protocol):
    """What reads a checkpoint."""

    def get_variable_to_shape_map(self) -> Mapping[str, Sequence[int]]: ...
    def get_tensor(self, name: str, /) -> Array: ...


class Checkpoints(Protocol):
    """`tf.train`."""

    def latest_checkpoint(self, folder: str, /) -> str | None: ...
    def load_checkpoint(self, path: str, /) -> CheckpointReader: ...


class TensorFlow(Protocol):
    """TensorFlow."""

    Module: Callable[[], Any]
    TensorSpec: Callable[..., KerasTensor]
    GradientTape: Callable[..., Tape]
    __operators__: Any
    autograph: Autograph
    config: Any
    random: Any
    saved_model: Any

    data: Data
    errors: Errors
    image: Images
    linalg: Linalg
    lite: Lite
    math: Math
    nest: Nest
    nn: NeuralNetworks
    quantization: Quantization
    train: Checkpoints

    bool: DType  # what follows says builtins.bool
    float16: DType
    float32: DType
    int32: DType
    string: DType
    newaxis: None

    def as_dtype(self, name: str | DType | None, /) -> DType: ...
    def executing_eagerly(self) -> builtins.bool: ...
    def get_logger(self) -> Logger: ...

    @property
    def function(self) -> Any: ...

    @property
    def name_scope(self) -> Callable[[str], AbstractContextManager[str]]: ...

    abs: Operation
    cast: Operation
    clip_by_value: Operation
    concat: Operation
    constant: Operation
    ensure_shape: Operation
    expand_dims: Operation
    gather: Operation
    identity: Operation
    matmul: Operation
    maximum: Operation
    minimum: Operation
    numpy_function: Operation
    one_hot: Operation
    ones: Operation
    ones_like: Operation
    pad: Operation
    range: Operation
    reduce_max: Operation
    reduce_mean: Operation
    reduce_min: Operation
    reduce_sum: Operation
    repeat: Operation
    reshape: Operation
    reverse: Operation
    roll: Operation
    round: Operation
    shape: Operation
    sigmoid: Operation
    size: Operation
    split: Callable[..., list[KerasTensor]]
    sqrt: Operation
    square: Operation
    squeeze: Operation
    stack: Operation
    stop_gradient: Operation
    tile: Operation
    transpose: Operation
    unstack: Callable[..., list[KerasTensor]]
    where: Operation
    zeros: Operation
    zeros_like: Operation
