"""Channels of a tf_keras model: which must go together, what each is worth, and the model without some of them."""

from __future__ import annotations

from edgekit.methods.channels.cost import Cost, Unit, cost_of
from edgekit.methods.channels.graph import MAKES_OUTPUT, Channels, Cut, Group, analyse
from edgekit.methods.channels.importance import Criterion, importance, normalized
from edgekit.methods.channels.repair import correct, reconstruct
from edgekit.methods.channels.selection import Limits, least_kept, to_budget, to_fractions, to_measured
from edgekit.methods.channels.shrink import shrink

__all__ = [
    "MAKES_OUTPUT",
    "Channels",
    "Cost",
    "Criterion",
    "Cut",
    "Group",
    "Limits",
    "Unit",
    "analyse",
    "correct",
    "cost_of",
    "importance",
    "least_kept",
    "normalized",
    "reconstruct",
    "shrink",
    "to_budget",
    "to_fractions",
    "to_measured",
]
