"""A float model -> the same model with 8-bit rounding: weights by TF-MOT's wrapper, values by it or a layer after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from edgekit import _tf
from edgekit.keras.bridge.replay import Step, leaves, pack, steps_of
from edgekit.keras.kinds import Scales, kind_of
from edgekit.keras.rewriting import TfKerasReader, copied, replayed
from edgekit.keras.types import KerasLayer, KerasModel, KerasTensor
from edgekit.methods.quantize.canonical import canonical
from edgekit.methods.quantize.placement import Placement, has_mask, place, unrounded_inputs
from edgekit.methods.tfmot import internals

__all__ = ["Quantized", "Ranges", "quantize"]

Ranges = Literal["moving_average", "learned"]
PREFIX = "quant_"


@dataclass(frozen=True)
class Quantized:
    """A model with rounding in it, its ranges not yet set.

    Attributes:
        model: tf_keras Functional model; "quant_NAME" gives what the layer NAME gave.
        parts: "layer/weight" of the float model -> "layer/weight" here, where the name changed.
        left: Layers that the converter calibrates: neither weights nor output are rounded.
        inside: Layers whose output is rounded, while the converter calibrates what goes on inside.
    """

    model: KerasModel
    parts: dict[str, str]
    left: list[str]
    inside: list[str]


def quantize(model: KerasModel, *, skip: Callable[[str], bool], ranges: Ranges = "moving_average") -> Quantized:
    """Put 8-bit rounding where the integer file rounds.

    Weights: symmetric, by output channel for convolutions and by tensor else (Krishnamoorthi 2018, arXiv:1806.08342,
    section 3.1.4). Values: asymmetric, by tensor.

    Args:
        model: A flat tf_keras model; left as it is.
        skip: Whether a layer of that name is left to the converter.
        ranges: What the ranges of values are while training.
    """
    masked = {s.operation.name for s in steps_of(TfKerasReader().graph(model)) if has_mask(s)}
    rewritten = canonical(model, lambda layer: skip(layer.name) or layer.name in masked)
    placements = place(rewritten.model, skip)
    outputs = [t._keras_history.layer.name for t in rewritten.model.outputs]
    names = {n: rewritten.ends[n] for n in outputs if n in rewritten.ends}
    wrapper = _Wrapper(placements, ranges, names, unrounded_inputs(rewritten.model, placements))
    result = replayed(rewritten.model, wrapper.call)
    by_converter = {n: p.by_converter for n, p in placements.items()}
    return Quantized(
        result,
        rewritten.parts,
        [n for n, what in by_converter.items() if what == "all"],
        [n for n, what in by_converter.items() if what == "inside"],
    )


@dataclass
class _Wrapper:
    placements: dict[str, Placement]
    ranges: Ranges
    names: dict[str, str]
    """New names of plain layers that end the model: the file's output is called after them."""
    unrounded: set[str]
    made: dict[int, list[Any]] = field(default_factory=dict)
    inputs: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    def call(self, step: Step) -> Any:
        layer, kwargs = step.operation, dict(step.kwargs)
        args = step.args
        if not kind_of(layer).indices_key:  # an embedding takes indices, though its input may be declared as floats
            tensors = [t for t in leaves((args, kwargs)) if hasattr(t, "_keras_history")]
            args, kwargs = pack((args, kwargs), {id(t): self._rounded_input(t) for t in tensors})
        first = id(layer) not in self.made
        if first:
            self.made[id(layer)] = self._layers(layer)
            self._fill(self.made[id(layer)][0], layer)
        head, *after = self.made[id(layer)]
        wrapped = isinstance(head, internals().Wrapper)
        if step.training is not None and not wrapped and layer._call_spec.expects_training_arg:
            kwargs["training"] = step.training
        outputs = head(*args, **kwargs)
        if first and not wrapped:
            head.set_weights(layer.get_weights())
        for part in after:
            outputs = part(outputs)
        return outputs

    def _layers(self, layer: KerasLayer) -> list[Any]:
        """The layer's copy, wrapped where it has weights to round; and what rounds its output."""
        mot, placement = internals(), self.placements[layer.name]
        if placement.weights:
            config = self._config(kind_of(layer).scales, placement)
            return [mot.Wrapper(copied(layer), config, name=PREFIX + layer.name)]
        copy = copied(layer, self.names.get(layer.name))
        if placement.fixed is not None:
            low, high = placement.fixed
            quantizer = mot.quantizers.FixedQuantizer(num_bits=8, init_min=low, init_max=high, narrow_range=False)
            return [copy, mot.Layer(quantizer, name=PREFIX + layer.name)]
        return [copy, mot.Layer(self._range(), name=PREFIX + layer.name)] if placement.ranged else [copy]

    def _fill(self, head: Any, layer: KerasLayer) -> None:
        """Weights go in before the wrapper's first call, which puts rounded tensors in their place."""
        if isinstance(head, internals().Wrapper):
            with _tf.tensorflow().name_scope(layer.name):  # so that "layer/kernel" is the same name as before
                head.layer.build(layer.input_shape)
            head.layer.built = True
            head.layer.set_weights(layer.get_weights())

    def _config(self, scales: Scales, placement: Placement) -> Any:
        from edgekit.methods.quantize import quantizers

        makers: dict[Scales, Any] = {
            "channel": internals().PerChannel,
            "transposed": internals().Transposed,
            "depthwise": quantizers.DepthwiseConfig,
            "tensor": internals().PerTensor,
        }
        config = makers[scales]([placement.weights], [], placement.ranged)
        config.activation_quantizer = self._range()
        return config

    def _range(self) -> Any:
        from edgekit.methods.quantize import quantizers

        return quantizers.LearnedRange() if self.ranges == "learned" else quantizers.MovingRange()

    def _rounded_input(self, tensor: KerasTensor) -> Any:
        """A float input of the model goes through a rounding layer first, one for all who take it."""
        from edgekit.methods.quantize import quantizers

        origin = tensor._keras_history.layer
        is_input = type(origin).__name__ == "InputLayer" and tensor.dtype.is_floating
        if not is_input or origin.name in self.unrounded:
            return tensor
        if id(tensor) not in self.inputs:
            layer = internals().Layer(quantizers.InputRange(), name=PREFIX + origin.name)
            self.inputs[id(tensor)] = (layer(tensor), tensor)
        return self.inputs[id(tensor)][0]
