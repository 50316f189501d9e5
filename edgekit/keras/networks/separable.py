"""separable: up to three stages of depthwise-separable convolutions with free depth, width and window; after Howard et
al. 2017 (arXiv:1704.04861, section 3.1) and the DS-CNN of Zhang et al. 2017 (arXiv:1711.07128, section 3).
"""

from __future__ import annotations

from edgekit.keras.networks._blocks import (
    Activation,
    Depth,
    Dropout,
    Kernel,
    Multiple,
    Pool,
    Stride,
    Wide,
    blocks,
    head,
    norm_relu,
    rounded,
    stem,
)
from edgekit.keras.plain import Description, Drawing, built_from


def describe(
    input_shape: tuple[int, ...],
    classes: int,
    stem_width: Wide = 32,
    stem_kernel: Kernel = 3,
    stem_stride: Stride = 2,
    stem_pool: Pool = 1,
    width1: Wide = 32,
    width2: Wide = 48,
    width3: Wide = 64,
    depth1: Depth = 1,
    depth2: Depth = 2,
    depth3: Depth = 1,
    kernel1: Kernel = 3,
    kernel2: Kernel = 3,
    kernel3: Kernel = 3,
    stride1: Stride = 1,
    stride2: Stride = 2,
    stride3: Stride = 1,
    activation: Activation = "relu",
    multiple: Multiple = 1,
    dropout: Dropout = 0.0,
) -> Description:
    """A block convolves each channel alone and then mixes them; softmax output."""
    d = Drawing("separable", input_shape, classes, "image")
    x = stem(d, rounded(stem_width, multiple), stem_kernel, stem_stride, stem_pool, activation)
    stages = (width1, depth1, kernel1, stride1), (width2, depth2, kernel2, stride2), (width3, depth3, kernel3, stride3)
    for block in blocks(*stages):
        name = block.name
        x = d.depthwise(x, block.kernel, f"{name}_depthwise", stride=block.stride, padding="same", bias=False)
        x = norm_relu(d, x, f"{name}_depthwise", activation)
        x = d.conv(x, rounded(block.width, multiple), 1, f"{name}_pointwise", bias=False)
        x = norm_relu(d, x, f"{name}_pointwise", activation)
    head(d, x, classes, dropout)
    return d.description()


build = built_from(describe)
