"""inverted_residual: up to three stages of inverted residual blocks with free depth, width and window; after Sandler
et al. 2018 (MobileNetV2, arXiv:1801.04381, section 3.3).
"""

from __future__ import annotations

from edgekit.keras.networks._blocks import (
    Activation,
    Block,
    Depth,
    Dropout,
    Expansion,
    Kernel,
    Multiple,
    Optional,
    Pool,
    Stride,
    Wide,
    blocks,
    head,
    norm,
    norm_relu,
    rounded,
    stem,
)
from edgekit.keras.plain import Description, Drawing, built_from


def describe(
    input_shape: tuple[int, ...],
    classes: int,
    stem_width: Wide = 16,
    stem_kernel: Kernel = 3,
    stem_stride: Stride = 2,
    stem_pool: Pool = 1,
    width1: Wide = 16,
    width2: Wide = 24,
    width3: Wide = 32,
    depth1: Depth = 1,
    depth2: Depth = 2,
    depth3: Depth = 2,
    kernel1: Kernel = 3,
    kernel2: Kernel = 3,
    kernel3: Kernel = 3,
    stride1: Stride = 1,
    stride2: Stride = 2,
    stride3: Stride = 2,
    expansion: Expansion = 4.0,
    head_width: Optional = 0,
    activation: Activation = "relu6",
    multiple: Multiple = 1,
    dropout: Dropout = 0.0,
) -> Description:
    """A block widens by `expansion`, convolves each channel alone and narrows without activation; softmax output."""
    d = Drawing("inverted_residual", input_shape, classes, "image")
    x = stem(d, rounded(stem_width, multiple), stem_kernel, stem_stride, stem_pool, activation)
    stages = (width1, depth1, kernel1, stride1), (width2, depth2, kernel2, stride2), (width3, depth3, kernel3, stride3)
    for block in blocks(*stages):
        x = _drawn(d, x, block, expansion, multiple, activation)
    if head_width:
        x = norm_relu(d, d.conv(x, rounded(head_width, multiple), 1, "head", bias=False), "head", activation)
    head(d, x, classes, dropout)
    return d.description()


def _drawn(d: Drawing, x: str, block: Block, expansion: float, multiple: int, activation: str) -> str:
    name = block.name
    y = x
    if expansion != 1:
        y = d.conv(y, rounded(d.shape(x)[2] * expansion, multiple), 1, f"{name}_expand", bias=False)
        y = norm_relu(d, y, f"{name}_expand", activation)
    y = d.depthwise(y, block.kernel, f"{name}_depthwise", stride=block.stride, padding="same", bias=False)
    y = norm_relu(d, y, f"{name}_depthwise", activation)
    y = d.conv(y, rounded(block.width, multiple), 1, f"{name}_project", bias=False)
    y = norm(d, y, f"{name}_project")
    return d.add(x, y, f"{name}_add") if d.shape(x) == d.shape(y) else y


build = built_from(describe)
