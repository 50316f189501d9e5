"""What reference networks have in common: a width that scales their channels (MobileNets, arXiv:1704.04861, 3.3)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["Width", "scaled"]

Width = Annotated[float, Field(gt=0, le=8, description="multiplies the channels of hidden layers")]


def scaled(channels: int, width: float) -> int:
    """So many channels at that width, at least one."""
    return max(1, round(channels * width))
