"""What EdgeKit asks of models, layers and tensors of any Keras: protocols, since Keras has no types of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import EllipsisType
from typing import Any, Protocol, SupportsInt, TypeAlias

import numpy as np

from edgekit.tensors import Array

__all__ = ["Keras3Node", "KerasLayer", "KerasModel", "KerasNode", "KerasTensor", "KerasVariable", "Shape"]

Operand: TypeAlias = "KerasTensor | KerasVariable | Array | np.generic | float | Sequence[Operand]"
"""The other side of an operator of tensors."""
Index: TypeAlias = "int | slice | KerasTensor | EllipsisType | list[int] | None | tuple[Index, ...]"
Shape = tuple[int, ...]
"""Of tensors and variables; an axis of open size is None there, and whoever multiplies sizes looks for it first."""


class DType(Protocol):
    """A type of numbers in TensorFlow."""

    name: str
    is_floating: bool
    is_integer: bool
    is_bool: bool
    size: int
    as_numpy_dtype: type
    max: int


class KerasHistory(Protocol):
    """Where a symbolic tensor comes from."""

    layer: KerasLayer


class Operation(Protocol):
    """What made a tensor inside a TensorFlow function."""

    type: str
    inputs: Sequence[KerasTensor]


class KerasTensor(Protocol):
    """A symbolic tensor or, where a model runs, an eager one."""

    shape: Shape
    dtype: DType
    op: Operation
    _keras_history: KerasHistory
    _keras_mask: KerasTensor

    @property
    def name(self) -> str: ...

    def numpy(self) -> Array: ...

    def __add__(self, other: Operand, /) -> KerasTensor: ...

    def __radd__(self, other: Operand, /) -> KerasTensor: ...

    def __sub__(self, other: Operand, /) -> KerasTensor: ...

    def __rsub__(self, other: Operand, /) -> KerasTensor: ...

    def __mul__(self, other: Operand, /) -> KerasTensor: ...

    def __rmul__(self, other: Operand, /) -> KerasTensor: ...

    def __truediv__(self, other: Operand, /) -> KerasTensor: ...

    def __rtruediv__(self, other: Operand, /) -> KerasTensor: ...

    def __mod__(self, other: Operand, /) -> KerasTensor: ...

    def __floordiv__(self, other: Operand, /) -> KerasTensor: ...

    def __pow__(self, other: Operand, /) -> KerasTensor: ...

    def __rpow__(self, other: Operand, /) -> KerasTensor: ...

    def __lt__(self, other: Operand, /) -> KerasTensor: ...

    def __le__(self, other: Operand, /) -> KerasTensor: ...

    def __gt__(self, other: Operand, /) -> KerasTensor: ...

    def __ge__(self, other: Operand, /) -> KerasTensor: ...

    def __and__(self, other: Operand, /) -> KerasTensor: ...

    def __or__(self, other: Operand, /) -> KerasTensor: ...

    def __neg__(self) -> KerasTensor: ...

    def __invert__(self) -> KerasTensor: ...

    def __int__(self) -> int: ...

    def __float__(self) -> float: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[KerasTensor]: ...

    def __getitem__(self, index: Index, /) -> KerasTensor: ...


class KerasVariable(Protocol):
    """A weight."""

    name: str
    shape: Shape
    dtype: DType
    trainable: bool

    def numpy(self) -> Array: ...

    @property
    def assign(self) -> Callable[[Any], Any]: ...

    @property
    def assign_add(self) -> Callable[[Array], Any]: ...


class KerasNode(Protocol):
    """One call of a layer in a graph."""

    layer: KerasLayer
    is_input: bool
    call_args: Sequence[Any]
    call_kwargs: Mapping[str, Any]
    outputs: Any
    inbound_layers: Any
    outbound_layer: KerasLayer
    input_shapes: Any
    output_shapes: Any
    input_tensors: Any
    keras_inputs: Sequence[KerasTensor]


class Keras3Arguments(Protocol):
    """What a call of Keras 3 was made with."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]


class Keras3Node(Protocol):
    """One call in a graph of Keras 3."""

    arguments: Keras3Arguments
    operation: KerasLayer


class CallSpec(Protocol):
    """What a layer's `call` takes."""

    expects_training_arg: bool


class KerasLayer(Protocol):
    """A layer; the second half are attributes of the kinds that have them, as `keras.kinds` says."""

    name: str
    trainable: bool
    built: bool
    call: Any
    compute_mask: Any
    _call_spec: CallSpec
    _outbound_nodes: list[KerasNode]

    @property
    def weights(self) -> Sequence[KerasVariable]: ...

    @property
    def input(self) -> Any: ...

    @property
    def output(self) -> Any: ...

    @property
    def input_shape(self) -> Shape: ...

    @property
    def output_shape(self) -> Shape: ...

    @property
    def inbound_nodes(self) -> Sequence[KerasNode]: ...

    @property
    def outbound_nodes(self) -> Sequence[KerasNode]: ...

    @property
    def dtype_policy(self) -> Any: ...

    def get_config(self) -> dict[str, Any]: ...

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> KerasLayer: ...

    def get_weights(self) -> list[Array]: ...

    def set_weights(self, weights: Sequence[Array]) -> None: ...

    @property
    def build(self) -> Callable[[Any], None]: ...

    @property
    def compute_output_shape(self) -> Callable[[Any], Any]: ...

    @property
    def get_output_at(self) -> Callable[[int], Any]: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    activation: Any
    add_weight: Any
    alpha: Any
    arguments: Any
    axis: Any
    compute_dtype: str | None
    backward_layer: KerasLayer
    beta: KerasVariable
    bias: KerasVariable
    cell: KerasLayer
    center: bool
    data_format: str
    depth_multiplier: int
    depthwise_regularizer: Any
    dilation_rate: tuple[int, ...]
    dims: tuple[int, ...]
    epsilon: float
    equation: str
    filters: int
    forward_layer: KerasLayer
    function: Any
    gamma: KerasVariable
    get_prunable_weights: Callable[[], list[KerasVariable]]
    groups: int
    implementation: int
    input_dim: int
    kernel: KerasVariable
    kernel_regularizer: Any
    kernel_size: tuple[int, ...]
    layer: KerasLayer
    mask: Any
    mask_value: float
    mask_zero: bool
    max_value: float | None
    mean: Any
    moving_mean: KerasVariable
    moving_variance: KerasVariable
    negative_slope: Any
    offset: Any
    padding: str
    pointwise_regularizer: Any
    pool_size: tuple[int, ...]
    quantization_mode: str | None
    rank: int
    rate: float
    recurrent_activation: Any
    return_state: bool
    scale: Any
    shared_axes: Sequence[int] | None
    stateful: bool
    strides: tuple[int, ...]
    target_shape: tuple[int, ...]
    threshold: Any
    units: int
    unroll: bool
    use_bias: bool
    variance: Any
    _output_shape: Any


class KerasOptimizer(Protocol):
    """What a compiled model is trained with."""

    @property
    def iterations(self) -> SupportsInt: ...


class KerasModel(Protocol):
    """A built Keras 3 or tf_keras model, Functional or Sequential."""

    @property
    def name(self) -> str: ...

    @property
    def layers(self) -> Sequence[KerasLayer]: ...

    @property
    def inputs(self) -> Sequence[KerasTensor]: ...

    @property
    def outputs(self) -> Sequence[KerasTensor]: ...

    @property
    def weights(self) -> Sequence[KerasVariable]: ...

    @property
    def submodules(self) -> Sequence[Any]: ...

    @property
    def output_names(self) -> Sequence[str]: ...

    @property
    def input_shape(self) -> Shape: ...

    @property
    def output_shape(self) -> Shape: ...

    def get_layer(self, name: str) -> KerasLayer: ...

    def get_config(self) -> dict[str, Any]: ...

    def get_weights(self) -> list[Array]: ...

    def set_weights(self, weights: Sequence[Array]) -> None: ...

    def count_params(self) -> int: ...

    @property
    def predict(self) -> Callable[..., Array]: ...

    @property
    def fit(self) -> Callable[..., Any]: ...

    @property
    def optimizer(self) -> KerasOptimizer: ...

    @property
    def call(self) -> Callable[..., Any]: ...

    @property
    def predict_on_batch(self) -> Callable[..., Any]: ...

    @property
    def compile(self) -> Callable[..., None]: ...

    @property
    def save(self) -> Callable[..., None]: ...

    def __call__(self, inputs: Any, *, training: bool | None = ...) -> Any: ...

    # What Keras keeps of a model's graph, and shows nobody else; the first is of a Sequential model of Keras 3.

    @property
    def _functional(self) -> KerasModel | None: ...

    @property
    def _nodes_by_depth(self) -> Mapping[int, Sequence[KerasNode]]: ...

    @property
    def _nested_inputs(self) -> Any: ...

    @property
    def _nested_outputs(self) -> Any: ...

    def _flatten_layers(self) -> Iterator[KerasLayer]: ...
