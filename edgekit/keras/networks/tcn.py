"""tcn: a temporal convolution net over (time, channels): dilated convolutions in residual blocks; after Bai et al. 2018
(arXiv:1803.01271, section 3). Steps of time lie side by side as an image of height 1, which every runtime takes.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

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
    norm,
    norm_relu,
    relu,
    rounded,
)
from edgekit.keras.plain import Description, Drawing, built_from

Growth = Annotated[
    int, Field(ge=1, le=4, description="each block of a stage is this many times as dilated as the last")
]
Padding = Literal["same", "causal"]


def describe(
    input_shape: tuple[int, ...],
    classes: int,
    stem_width: Wide = 16,
    stem_kernel: Kernel = 5,
    stem_stride: Stride = 2,
    stem_pool: Pool = 1,
    width1: Wide = 16,
    width2: Wide = 24,
    width3: Wide = 32,
    depth1: Depth = 2,
    depth2: Depth = 2,
    depth3: Depth = 2,
    kernel1: Kernel = 3,
    kernel2: Kernel = 3,
    kernel3: Kernel = 3,
    stride1: Stride = 1,
    stride2: Stride = 2,
    stride3: Stride = 2,
    dilation: Growth = 2,
    padding: Padding = "same",
    separable: bool = False,
    activation: Activation = "relu",
    multiple: Multiple = 1,
    dropout: Dropout = 0.0,
) -> Description:
    """One convolution a block, over time; a "causal" one reads no later step; softmax output.

    Takes [time, channels]; of spectrograms [time, bands, 1] the bands are the channels.
    """
    if len(input_shape) < 2:
        raise ValueError(f"a temporal convolution reads time and channels, not {list(input_shape)}")
    d = Drawing("tcn", input_shape, classes, "features")
    x = d.reshape(d.input, (1, input_shape[0], math.prod(input_shape[1:])), "steps")
    if stem_pool > 1:
        x = d.average_pool(x, "stem_pool", size=(1, stem_pool))
    x = _conv(d, x, rounded(stem_width, multiple), stem_kernel, stem_stride, 1, padding, "stem")
    x = norm_relu(d, x, "stem", activation)
    stages = (width1, depth1, kernel1, stride1), (width2, depth2, kernel2, stride2), (width3, depth3, kernel3, stride3)
    for block in blocks(*stages):
        filters, name = rounded(block.width, multiple), block.name
        distance = 1 if block.stride > 1 else dilation ** (block.place - 1)
        y = _mixed(d, x, filters, block.kernel, block.stride, distance, padding, separable, name, activation)
        if d.shape(x) != d.shape(y):
            x = d.conv(x, filters, 1, f"{name}_skip", stride=(1, block.stride), padding="same")
        x = relu(d, d.add(x, y, f"{name}_add"), name, activation)
    head(d, x, classes, dropout)
    return d.description()


def _mixed(
    d: Drawing,
    x: str,
    filters: int,
    kernel: int,
    stride: int,
    dilation: int,
    padding: str,
    separable: bool,
    name: str,
    activation: str,
) -> str:
    """A block's own part: a convolution, or each channel's and then a mix of them."""
    if not separable:
        y = _conv(d, x, filters, kernel, stride, dilation, padding, f"{name}_conv")
        return norm(d, y, f"{name}_conv")
    y, inside = _padded(d, x, kernel, dilation, padding, f"{name}_depthwise")
    y = d.depthwise(
        y, (1, kernel), f"{name}_depthwise", stride=stride, padding=inside, dilation=(1, dilation), bias=False
    )
    y = norm_relu(d, y, f"{name}_depthwise", activation)
    return norm(d, d.conv(y, filters, 1, f"{name}_pointwise", bias=False), f"{name}_pointwise")


def _conv(d: Drawing, x: str, filters: int, kernel: int, stride: int, dilation: int, padding: str, name: str) -> str:
    x, inside = _padded(d, x, kernel, dilation, padding, name)
    return d.conv(x, filters, (1, kernel), name, stride=(1, stride), padding=inside, dilation=(1, dilation), bias=False)


def _padded(d: Drawing, x: str, kernel: int, dilation: int, padding: str, name: str) -> tuple[str, str]:
    """Zeros before the first step where the padding is causal, and the padding of the convolution itself."""
    if padding == "same":
        return x, "same"
    before = dilation * (kernel - 1)
    return (d.zero_pad(x, (0, 0), (before, 0), f"{name}_before") if before else x), "valid"


build = built_from(describe)
