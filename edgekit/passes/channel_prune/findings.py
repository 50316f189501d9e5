"""What is wrong with the layers that a recipe names, said before any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.errors import Finding
from edgekit.keras.types import KerasModel
from edgekit.methods.channels import Channels
from edgekit.passes import matches, unmatched_patterns

__all__ = ["wrong_names"]


def wrong_names(
    model: KerasModel, channels: Channels, ratios: Mapping[str, float], skip: Sequence[str]
) -> list[Finding]:
    """Findings for names and patterns that fit no layer, or layers that cannot be pruned as they say.

    Args:
        model: The tf_keras model.
        channels: What `analyse` gave for it.
        ratios: Fractions of channels to remove, by name or pattern.
        skip: Names or patterns of layers whose channels stay.
    """
    free = [name for group in channels.groups for name in group.layers]
    names = [layer.name for layer in model.layers] + free
    findings = unmatched_patterns("ratios", ratios, names) + unmatched_patterns("skip", skip, names)
    for pattern in ratios:
        fitting = [name for name in names if matches(name, [pattern])]
        if fitting and not any(name in free for name in fitting):
            why = channels.unsafe.get(fitting[0], "it makes no channels of its own")
            findings.append(Finding("The layer can be pruned", f"{fitting[0]!r}: {why}", where="ratios"))
    return findings + _torn(channels, ratios)


def _torn(channels: Channels, ratios: Mapping[str, float]) -> list[Finding]:
    """Groups of which two layers are given different ratios."""
    findings = []
    for group in channels.groups:
        given = {layer: ratios[p] for layer in group.layers if (p := matches(layer, ratios))}
        if len(set(given.values())) > 1:
            said = ", ".join(f"{layer!r}: {ratio:g}" for layer, ratio in given.items())
            findings.append(Finding("Layers whose channels go together lose the same fraction", said, where="ratios"))
    return findings
