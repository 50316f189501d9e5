"""What is wrong with the layers that a recipe names, said before any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.models.channels import Channels
from edgekit.passes import matches, misnamed

__all__ = ["misnamed_layers"]


def misnamed_layers(model: Any, channels: Channels, ratios: Mapping[str, float], skip: Sequence[str]) -> list[str]:
    """Findings for names and patterns that fit no layer, or layers that cannot be pruned as they say.

    Args:
        model: The tf_keras model.
        channels: What `analyse` gave for it.
        ratios: Fractions of channels to remove, by name or pattern.
        skip: Names or patterns of layers whose channels stay.
    """
    free = [name for group in channels.groups for name in group.layers]
    names = [layer.name for layer in model.layers] + free
    findings = misnamed("ratios", ratios, names) + misnamed("skip", skip, names)
    for pattern in ratios:
        fitting = [name for name in names if matches(name, [pattern])]
        if fitting and not any(name in free for name in fitting):
            why = channels.unsafe.get(fitting[0], "it makes no channels of its own")
            findings.append(f"ratios names {pattern!r}, but the layer {fitting[0]!r} cannot be pruned: {why}")
    return findings + _torn(channels, ratios)


def _torn(channels: Channels, ratios: Mapping[str, float]) -> list[str]:
    """Groups of which two layers are given different ratios."""
    findings = []
    for group in channels.groups:
        given = {layer: ratios[p] for layer in group.layers if (p := matches(layer, ratios))}
        if len(set(given.values())) > 1:
            said = ", ".join(f"{layer!r}: {ratio:g}" for layer, ratio in given.items())
            findings.append(f"ratios gives layers different fractions whose channels go together: {said}")
    return findings
