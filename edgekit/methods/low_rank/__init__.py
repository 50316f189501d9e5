"""Low-rank forms of dense layers and convolutions: what they cost, how they are found, and layers made of them."""

from __future__ import annotations

from edgekit.methods.low_rank.choice import Option, Problem, allocate, at_budget, choose
from edgekit.methods.low_rank.decomposition import Decomposition, decompose, decompose_kernel, low_rank_kernel
from edgekit.methods.low_rank.evbmf import evbmf_rank
from edgekit.methods.low_rank.forms import FORMS, METHODS, Factor, Form, Geometry, Method, Rank
from edgekit.methods.low_rank.moments import Moments, collect_moments, moments_of
from edgekit.methods.low_rank.rebuild import replace_layers

__all__ = [
    "FORMS",
    "METHODS",
    "Decomposition",
    "Factor",
    "Form",
    "Geometry",
    "Method",
    "Moments",
    "Option",
    "Problem",
    "Rank",
    "allocate",
    "at_budget",
    "choose",
    "collect_moments",
    "decompose",
    "decompose_kernel",
    "evbmf_rank",
    "low_rank_kernel",
    "moments_of",
    "replace_layers",
]
