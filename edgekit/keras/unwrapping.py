"""TF-MOT's wrappers that training alone needs, taken off: those of pruning and clustering.

Wrappers of quantisation stay: they hold the ranges that an int8 file takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgekit.keras.bridge.compare import assert_same_outputs
from edgekit.keras.bridge.replay import Step
from edgekit.keras.rewriting import Copies, copied, replayed, reserved_names
from edgekit.keras.types import KerasLayer, KerasModel

__all__ = ["unwrapped"]

KINDS = {"PruneLowMagnitude": "pruning", "ClusterWeights": "clustering"}
"""What the wrappers are for, by the class that all of a kind descend from."""
MOST_NAMES = 12
"""Layers that a note names."""


def unwrapped(model: KerasModel, name: str) -> tuple[Any, list[str]]:
    """Take the wrappers of pruning and clustering off a model; what they hold is in the weights of the layers then.

    Args:
        model: A tf_keras Functional or Sequential model.
        name: What notes call it.

    Returns:
        The model, itself where nothing is wrapped, else a flat one, and notes for the user. Both models are run on
        seeded random inputs before the new one is returned.

    Raises:
        ModelError: A layer cannot be copied, or the outputs differ.
    """
    if not any(_kind(layer) for layer in model._flatten_layers()):
        return model, []
    bare = _Bare(reserved_names(model))
    plain = replayed(model, bare.call)
    assert_same_outputs(model, plain)
    return plain, [
        f"Note: TF-MOT's {KINDS[kind]} wrappers in {name} were taken off these layers: {_listed(names)}."
        for kind, names in bare.layers.items()
    ]


@dataclass
class _Bare(Copies):
    """Copies of the layers inside the wrappers, in their place, with their names by kind of wrapper."""

    layers: dict[str, list[str]] = field(default_factory=dict)

    def call(self, step: Step) -> Any:
        kind = _kind(step.operation)
        if kind is None:
            return super().call(step)
        inner, kwargs = step.operation.layer, dict(step.kwargs)
        if step.training is not None and inner._call_spec.expects_training_arg:
            kwargs["training"] = step.training
        if id(inner) in self.made:
            return self.made[id(inner)](*step.args, **kwargs)
        new = self.made[id(inner)] = copied(inner, self.names.of(inner))
        outputs = new(*step.args, **kwargs)
        new.set_weights(_weights(step.operation))
        self.layers.setdefault(kind, []).append(new.name)
        return outputs


def _kind(layer: KerasLayer) -> str | None:
    """Which of `KINDS` a layer is; TF-MOT need not be loaded for it."""
    for base in type(layer).__mro__:
        if base.__name__ in KINDS and base.__module__.startswith("tensorflow_model_optimization"):
            return base.__name__
    return None


def _weights(wrapper: Any) -> list[Any]:
    """Of the layer inside: pruned weights under their masks, clustered ones as their centroids."""
    inner = wrapper.layer
    if _kind(wrapper) == "PruneLowMagnitude":
        for weight, mask, _ in wrapper.pruning_vars:  # a file may be saved between a step and its mask
            weight.assign(weight * mask)
        return list(inner.get_weights())
    wrapper.update_clustered_weights_associations()
    weights = list(inner.get_weights())  # those alone that are not clustered
    for position, name in wrapper.position_original_weights.items():
        weights.insert(position, wrapper.get_weight_from_layer(name).numpy())
    return weights


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
