"""residual: up to three stages of residual blocks with free depth, width and window; after He et al. 2015
(arXiv:1512.03385, section 3.3), and in its usual form the size of MLPerf Tiny's ResNet8.
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
    Pool,
    Stride,
    Wide,
    blocks,
    head,
    norm,
    norm_relu,
    relu,
    rounded,
    stem,
)
from edgekit.keras.plain import Description, Drawing, built_from


def describe(
    input_shape: tuple[int, ...],
    classes: int,
    stem_width: Wide = 16,
    stem_kernel: Kernel = 3,
    stem_stride: Stride = 1,
    stem_pool: Pool = 1,
    width1: Wide = 16,
    width2: Wide = 32,
    width3: Wide = 64,
    depth1: Depth = 1,
    depth2: Depth = 1,
    depth3: Depth = 1,
    kernel1: Kernel = 3,
    kernel2: Kernel = 3,
    kernel3: Kernel = 3,
    stride1: Stride = 1,
    stride2: Stride = 2,
    stride3: Stride = 2,
    expansion: Expansion = 1.0,
    activation: Activation = "relu",
    multiple: Multiple = 1,
    dropout: Dropout = 0.0,
) -> Description:
    """Two convolutions a block around `expansion` times its channels; softmax output."""
    d = Drawing("residual", input_shape, classes, "image")
    x = stem(d, rounded(stem_width, multiple), stem_kernel, stem_stride, stem_pool, activation)
    stages = (width1, depth1, kernel1, stride1), (width2, depth2, kernel2, stride2), (width3, depth3, kernel3, stride3)
    for block in blocks(*stages):
        x = _drawn(d, x, block, expansion, multiple, activation)
    head(d, x, classes, dropout)
    return d.description()


def _drawn(d: Drawing, x: str, block: Block, expansion: float, multiple: int, activation: str) -> str:
    name = block.name
    filters = rounded(block.width, multiple)
    inner = rounded(block.width * expansion, multiple)
    y = d.conv(x, inner, block.kernel, f"{name}_conv1", stride=block.stride, padding="same", bias=False)
    y = norm_relu(d, y, f"{name}_conv1", activation)
    y = d.conv(y, filters, block.kernel, f"{name}_conv2", padding="same", bias=False)
    y = norm(d, y, f"{name}_conv2")
    if d.shape(x) != d.shape(y):
        x = d.conv(x, filters, 1, f"{name}_skip", stride=block.stride, padding="same")
    return relu(d, d.add(x, y, f"{name}_add"), name, activation)


build = built_from(describe)
