"""mobilenet_v1: width 0.25, as in MLPerf Tiny's visual wake words; Howard et al. 2017 (arXiv:1704.04861, table 1)."""

from __future__ import annotations

from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.plain import Description, Drawing, built_from

BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1))
"""Output channels, those of a MobileNet of width 0.25, and stride of each depthwise-separable block."""


def describe(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Description:
    """A 3x3 convolution and 13 depthwise-separable blocks; 7.5 M MACs on 96x96x3 input; softmax output."""
    d = Drawing("mobilenet_v1", input_shape, classes, "image")
    x = d.conv(d.input, scaled(8, width), 3, "stem", stride=2, padding="same", bias=False)
    x = _norm_relu(d, x, "stem")
    for block, (filters, stride) in enumerate(BLOCKS, start=1):
        x = d.depthwise(x, 3, f"block{block}_depthwise", stride=stride, padding="same", bias=False)
        x = _norm_relu(d, x, f"block{block}_depthwise")
        x = d.conv(x, scaled(filters, width), 1, f"block{block}_pointwise", bias=False)
        x = _norm_relu(d, x, f"block{block}_pointwise")
    d.dense(d.global_pool(x, "pool"), classes, "scores", activation="softmax")
    return d.description()


def _norm_relu(d: Drawing, x: str, name: str) -> str:
    return d.relu(d.norm(x, f"{name}_bn"), f"{name}_relu")


build = built_from(describe)
