"""Putting chains of plain layers into the place of single ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit import _tf
from edgekit.keras.bridge.replay import Names, Step
from edgekit.keras.rewriting import Copies, replayed, reserved_names
from edgekit.keras.types import KerasLayer, KerasModel
from edgekit.methods.low_rank.forms import Factor
from edgekit.tensors import Array

__all__ = ["calls", "plain_layers", "replace_layers"]


OF_ALL = ("trainable", "dtype")
OF_LAST = ("activation", "use_bias", "bias_initializer", "bias_regularizer", "bias_constraint", "activity_regularizer")


def plain_layers(factors: Sequence[Factor], name: str, config: Mapping[str, Any]) -> list[Any]:
    """The tf_keras layers of a chain of factors, not built.

    Args:
        factors: First to last.
        name: Name of the original; the last layer's name, and the stem of the others'.
        config: The original's: the last layer gets its activation and bias; its kernel's initializer and regularizer
            go to every layer.
    """
    layers, made = _tf.tf_keras().layers, []
    for factor in factors:
        last = factor is factors[-1]
        options = {k: config[k] for k in (*OF_ALL, *(OF_LAST if last else ())) if k in config}
        options |= {"name": f"{name}{factor.suffix}"} | ({} if last else {"use_bias": False})
        weight = "depthwise" if factor.kind == "depthwise" else "kernel"
        options |= {
            f"{weight}_{k}": config[f"kernel_{k}"] for k in ("initializer", "regularizer") if config.get(f"kernel_{k}")
        }
        spaced = {"strides": factor.strides, "padding": factor.padding, "dilation_rate": factor.dilation}
        if factor.kind == "dense":
            made.append(layers.Dense(factor.shape[1], **options))
        elif factor.kind == "depthwise":
            made.append(layers.DepthwiseConv2D(factor.shape[:2], depth_multiplier=factor.shape[3], **spaced, **options))
        else:
            made.append(layers.Conv2D(factor.shape[3], factor.shape[:2], **spaced, **options))
    return made


def replace_layers(model: KerasModel, chains: Mapping[str, tuple[Sequence[Any], Sequence[Array]]]) -> Any:
    """A copy of a model with some layers replaced by chains.

    Args:
        model: A flat tf_keras Functional or Sequential model.
        chains: By the name of the layer to replace: new layers, not built, and their weights in the order in which
            the layers have them.

    Returns:
        A flat tf_keras model with copies of the other layers.
    """
    names = reserved_names(model)
    copies, made = Copies(names), dict[int, list[Any]]()

    def call(step: Step) -> Any:
        if step.operation.name not in chains:
            return copies.call(step)
        layers, weights = chains[step.operation.name]
        value = step.args[0] if step.args else step.kwargs["inputs"]
        if id(step.operation) not in made:
            made[id(step.operation)] = [*(_named(layer, names) for layer in layers[:-1]), layers[-1]]
        layers = made[id(step.operation)]
        for layer in layers:
            value = layer(value)
        left = list(weights)
        for layer in layers:
            layer.set_weights([left.pop(0) for _ in layer.weights])
        return value

    return replayed(model, call)


def calls(model: KerasModel) -> dict[str, int]:
    """How often a model calls each of its layers."""
    found: dict[str, int] = {}
    for node in (n for depth in model._nodes_by_depth.values() for n in depth):
        found[node.layer.name] = found.get(node.layer.name, 0) + 1
    return found


def _named(layer: KerasLayer, names: Names) -> Any:
    """The layer, or a copy under another name where an earlier chain has taken its own."""
    fresh = names.fresh(layer.name)
    return layer if fresh == layer.name else type(layer).from_config({**layer.get_config(), "name": fresh})
