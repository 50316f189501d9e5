"""ds_cnn: the keyword-spotting network of MLPerf Tiny, after Zhang et al. 2017 (arXiv:1711.07128, section 3)."""

from __future__ import annotations

from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.plain import Description, Drawing, built_from


def describe(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Description:
    """A 10x4 convolution and four depthwise-separable blocks of 64 channels; 2.7 M MACs on 49x10x1 input."""
    d = Drawing("ds_cnn", input_shape, classes, "features")
    x = d.conv(d.input, scaled(64, width), (10, 4), "stem", stride=2, padding="same", bias=False)
    x = d.dropout(_norm_relu(d, x, "stem"), 0.2, "stem_dropout")
    for block in range(1, 5):
        x = d.depthwise(x, 3, f"block{block}_depthwise", padding="same", bias=False)
        x = _norm_relu(d, x, f"block{block}_depthwise")
        x = d.conv(x, scaled(64, width), 1, f"block{block}_pointwise", bias=False)
        x = _norm_relu(d, x, f"block{block}_pointwise")
    x = d.global_pool(d.dropout(x, 0.4, "dropout"), "pool")
    d.dense(x, classes, "scores", activation="softmax")
    return d.description()


def _norm_relu(d: Drawing, x: str, name: str) -> str:
    return d.relu(d.norm(x, f"{name}_bn"), f"{name}_relu")


build = built_from(describe)
