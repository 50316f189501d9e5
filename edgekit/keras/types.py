"""What EdgeKit asks of models, layers and tensors of any Keras: protocols, since Keras has no types of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from edgekit.tensors import Array

__all__ = ["KerasLayer", "KerasModel"]


class KerasLayer(Protocol):
    """A layer of Keras 3 or tf_keras that is built, where its kind is not that of a model."""

    name: str
    trainable: bool

    @property
    def weights(self) -> Sequence[Any]: ...

    def get_config(self) -> dict[str, Any]: ...

    # Of the kinds that have them: see `keras.kinds`.

    @property
    def layer(self) -> KerasLayer: ...

    @property
    def kernel(self) -> Any: ...

    @property
    def kernel_size(self) -> tuple[int, ...]: ...

    @property
    def groups(self) -> int: ...

    @property
    def depth_multiplier(self) -> int: ...

    @property
    def filters(self) -> int: ...

    @property
    def units(self) -> int: ...

    @property
    def equation(self) -> str: ...


class KerasModel(Protocol):
    """A built Keras 3 or tf_keras model, Functional or Sequential."""

    @property
    def name(self) -> str: ...

    @property
    def layers(self) -> Sequence[Any]: ...

    @property
    def inputs(self) -> Sequence[Any]: ...

    @property
    def outputs(self) -> Sequence[Any]: ...

    @property
    def weights(self) -> Sequence[Any]: ...

    @property
    def submodules(self) -> Sequence[Any]: ...

    @property
    def output_names(self) -> Sequence[str]: ...

    @property
    def input_shape(self) -> Any: ...

    @property
    def output_shape(self) -> Any: ...

    def get_layer(self, name: str) -> Any: ...

    def get_config(self) -> dict[str, Any]: ...

    def get_weights(self) -> list[Array]: ...

    def set_weights(self, weights: Sequence[Array]) -> None: ...

    def count_params(self) -> int: ...

    @property
    def predict(self) -> Callable[..., Array]: ...

    @property
    def fit(self) -> Callable[..., Any]: ...

    @property
    def call(self) -> Callable[..., Any]: ...

    @property
    def compile(self) -> Callable[..., None]: ...

    @property
    def save(self) -> Callable[..., None]: ...

    def __call__(self, inputs: Any, *, training: bool | None = ...) -> Any: ...

    # What Keras 2 keeps of a model's graph, and shows nobody else.

    @property
    def _nodes_by_depth(self) -> Mapping[int, Sequence[Any]]: ...

    @property
    def _nested_inputs(self) -> Any: ...

    @property
    def _nested_outputs(self) -> Any: ...

    def _flatten_layers(self) -> Iterator[Any]: ...
