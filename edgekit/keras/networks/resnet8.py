"""resnet8: the image classification network of MLPerf Tiny (Banbury et al. 2021, arXiv:2106.07597, table 1)."""

from __future__ import annotations

from edgekit.keras.networks._width import Width, scaled
from edgekit.keras.plain import Description, Drawing, built_from


def describe(input_shape: tuple[int, ...], classes: int, width: Width = 1.0) -> Description:
    """Three residual stacks of 16, 32 and 64 channels; 12.5 M MACs on 32x32x3 input; softmax output."""
    d = Drawing("resnet8", input_shape, classes, "image")
    x = d.relu(_conv(d, d.input, scaled(16, width), 3, 1, "stem"), "stem_relu")
    for stack, (channels, stride) in enumerate(((16, 1), (32, 2), (64, 2)), start=1):
        filters = scaled(channels, width)
        y = d.relu(_conv(d, x, filters, 3, stride, f"stack{stack}_conv1"), f"stack{stack}_relu1")
        y = _conv(d, y, filters, 3, 1, f"stack{stack}_conv2")
        if stride != 1:
            x = d.conv(x, filters, 1, f"stack{stack}_skip", stride=stride, padding="same", initializer="he_normal")
        x = d.relu(d.add(x, y, f"stack{stack}_add"), f"stack{stack}_relu2")
    d.dense(d.global_pool(x, "pool"), classes, "scores", activation="softmax", initializer="he_normal")
    return d.description()


def _conv(d: Drawing, x: str, filters: int, size: int, stride: int, name: str) -> str:
    x = d.conv(x, filters, size, name, stride=stride, padding="same", initializer="he_normal", l2=1e-4)
    return d.norm(x, f"{name}_bn")


build = built_from(describe)
