"""The only door to what TF-MOT's public API does not name: its classes, and the attributes of its wrappers.

TF-MOT takes seconds to load, so that only functions which need it ask. Where TF-MOT changes, this module does.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, Protocol

from edgekit import _tf
from edgekit.keras.types import KerasLayer, KerasTensor, KerasVariable

__all__ = [
    "Ranges",
    "hold_ranges",
    "internals",
    "loading_scope",
    "make_masks",
    "mask_blocks",
    "output_quantizer",
    "pruning_wrapper_class",
    "set_output_quantizer",
    "weight_quantizers",
]

Ranges = dict[str, Any]
"""A quantizer's variables, `min_var` and `max_var`."""


class QuantizeConfig(Protocol):
    """What a wrapper of TF-MOT's is told to round."""

    activation_quantizer: Any


class RoundedLayer(Protocol):
    """A layer or a wrapper of TF-MOT's that rounds; each has one half of these."""

    quantizer: Any
    quantizer_vars: Ranges
    quantize_config: QuantizeConfig
    _output_quantizers: list[Any]
    _trainable_weights: list[KerasVariable]
    _non_trainable_weights: list[KerasVariable]


class Masks(Protocol):
    """What makes a pruning wrapper's masks."""

    _maybe_update_block_mask: Callable[[KerasTensor], Any]
    _update_mask: Callable[[KerasTensor], Any]

    def conditional_mask_update(self) -> None: ...

    def weight_mask_op(self) -> None: ...


class PruningWrapper(Protocol):
    """TF-MOT's wrapper of pruning, built."""

    pruning_obj: Masks
    pruning_step: KerasVariable


@functools.cache
def internals() -> Any:
    """TF-MOT's classes of quantisation that its public API does not name."""
    _tf.tfmot()
    base = "tensorflow_model_optimization.python.core.quantization.keras"
    load = importlib.import_module
    registry = load(f"{base}.default_8bit.default_8bit_quantize_registry")
    return SimpleNamespace(
        Wrapper=load(f"{base}.quantize_wrapper").QuantizeWrapperV2,
        Layer=load(f"{base}.quantize_layer").QuantizeLayer,
        quantizers=load(f"{base}.quantizers"),
        Fixed=load(f"{base}.quantize_config").FixedQuantizeConfig,
        PerTensor=registry.Default8BitQuantizeConfig,
        PerChannel=registry.Default8BitConvQuantizeConfig,
        Transposed=registry.Default8BitConvTransposeQuantizeConfig,
    )


@contextmanager
def loading_scope() -> Iterator[None]:
    """While models are loaded, TF-MOT's wrappers are known to tf_keras."""
    tools = _tf.tfmot()
    module = importlib.import_module("tensorflow_model_optimization.python.core.clustering.keras.cluster_wrapper")
    left_out = {name: vars(module)[name] for name in ("ClusterWeightsMHA", "ClusterWeightsRNN")}
    with ExitStack() as scopes:
        scopes.enter_context(tools.quantization.keras.quantize_scope())
        scopes.enter_context(_wrappers_read())
        scopes.enter_context(tools.sparsity.keras.prune_scope())
        scopes.enter_context(tools.clustering.keras.cluster_scope())
        scopes.enter_context(_tf.tf_keras().utils.custom_object_scope(left_out))
        yield


@contextmanager
def _wrappers_read() -> Iterator[None]:
    """Wrappers of quantisation take their own weights out of what a `.keras` file has of them.

    A wrapper begins its list with the weights of the layer inside it where that was built before. So it was when the
    model was made, and is not when it is loaded: there are as many weights more in the file, in front of the others.
    """
    wrapper = internals().Wrapper
    load = wrapper.load_own_variables

    def load_own_variables(self: RoundedLayer, store: Mapping[str, Any]) -> None:
        more = len(store) - len(self._trainable_weights) - len(self._non_trainable_weights)
        if more > 0:
            store = {str(number - more): store[str(number)] for number in range(more, len(store))}
        load(self, store)

    wrapper.load_own_variables = load_own_variables
    try:
        yield
    finally:
        wrapper.load_own_variables = load


def weight_quantizers(layer: KerasLayer) -> list[tuple[Any, Any, Ranges]]:
    """(weight, quantizer, its ranges) of each weight that a layer rounds; none for layers without rounding."""
    return list(getattr(layer, "_weight_vars", ()))


def output_quantizer(layer: KerasLayer) -> tuple[Any, Ranges] | None:
    """(quantizer, its ranges) of what a layer gives, if it rounds that; a fixed range has no variables."""
    alone: type[RoundedLayer] = internals().Layer
    around: type[RoundedLayer] = internals().Wrapper
    if isinstance(layer, alone):
        return layer.quantizer, layer.quantizer_vars or {}
    if isinstance(layer, around) and layer._output_quantizers:
        return layer._output_quantizers[0], getattr(layer, "_output_quantizer_vars", {}) or {}
    return None


def set_output_quantizer(layer: RoundedLayer, quantizer: Any) -> None:
    """Let another quantizer work with the ranges that there are."""
    if isinstance(layer, internals().Layer):
        layer.quantizer = quantizer
    else:
        layer.quantize_config.activation_quantizer = quantizer
        layer._output_quantizers = [quantizer]


def hold_ranges(layer: RoundedLayer, ranges: Ranges) -> None:
    """Trained ranges become weights that do not train, in the order in which a loaded layer has them."""
    low, high = ranges["min_var"], ranges["max_var"]
    is_layer = isinstance(layer, internals().Layer)
    if is_layer:
        # Keras finds what trains in a dictionary that it has seen assigned, and lists it again.
        del layer.quantizer_vars
        layer.__dict__["quantizer_vars"] = {"min_var": low, "max_var": high}
    trained, others = layer._trainable_weights, layer._non_trainable_weights
    trained[:] = [w for w in trained if w is not low and w is not high]  # in place: Keras watches assignments
    others[:] = [low, high, *others] if is_layer else [*others, low, high]


@functools.cache
def pruning_wrapper_class() -> Any:
    """The class of TF-MOT's pruning wrapper."""
    return type(_tf.tfmot().sparsity.keras.prune_low_magnitude(_tf.tf_keras().layers.Dense(1)))


def mask_blocks(wrapper: PruningWrapper, masked: Callable[[Callable[[KerasTensor], Any], KerasTensor], Any]) -> None:
    """Let a built pruning wrapper make masks by `masked`, given TF-MOT's own masking and a weight."""
    pruning = wrapper.pruning_obj
    pruning._maybe_update_block_mask = lambda weight: masked(pruning._update_mask, weight)


def make_masks(wrapper: PruningWrapper) -> None:
    """Prune what a wrapper holds now, without a training."""
    wrapper.pruning_step.assign(1)  # TF-MOT makes N:M masks at step 1 and no other
    wrapper.pruning_obj.conditional_mask_update()
    wrapper.pruning_obj.weight_mask_op()
