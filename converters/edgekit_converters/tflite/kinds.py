"""What integer kernels ask of the scales on their two sides, by operator."""

from __future__ import annotations

__all__ = ["BIASED", "COPYING", "RESCALING"]

COPYING = ("BATCH_TO_SPACE_ND", "BROADCAST_TO", "DEPTH_TO_SPACE", "EXPAND_DIMS", "GATHER", "GATHER_ND", "MIRROR_PAD",
           "RESHAPE", "REVERSE_SEQUENCE", "REVERSE_V2", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SQUEEZE",
           "STRIDED_SLICE", "TILE", "TRANSPOSE", "UNPACK")  # fmt: skip
"""Those that only move the integers of their first operand: all results have its scale."""
RESCALING = ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MUL", "SUB", "TRANSPOSE_CONV")
"""Those whose result takes any scale, and has no bounds but those of a fused activation."""
BIASED = {"FULLY_CONNECTED": (0, 1, 2), "CONV_2D": (0, 1, 2), "DEPTHWISE_CONV_2D": (0, 1, 2),
          "TRANSPOSE_CONV": (2, 1, 3)}  # fmt: skip
"""Input, weights and bias of those whose bias is stored in the scale of the input times that of the weights."""
