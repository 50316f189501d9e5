"""The adapter of TF-MOT's quantisation: what its public API does not name, and the scope in which its models load."""

from __future__ import annotations

import functools
import importlib
from types import SimpleNamespace
from typing import Any

from edgekit import _tf

__all__ = ["internals", "quantize_scope"]


@functools.cache
def internals() -> Any:
    """TF-MOT's classes that its public API does not name."""
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


def quantize_scope() -> Any:
    """The scope in which a quantisation-aware model loads: TF-MOT's, with EdgeKit's own classes registered."""
    importlib.import_module("edgekit.methods.quantize.quantizers")
    return _tf.tfmot().quantization.keras.quantize_scope()
