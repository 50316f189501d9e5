"""Scratch memory of Helium's kernels is counted by the constants that their C texts have."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from edgekit_converters.c import kernels, scratch_mve
from edgekit_converters.c.scratch_mve import mve_scratch_conv_2d, mve_scratch_depthwise_conv_2d
from edgekit_converters.c.window import Window


@pytest.mark.parametrize("name", ["BLOCK", "DRIFT"])
def test_constants_are_those_of_the_text(name: str) -> None:
    text = (resources.files(kernels) / "depthwise_conv_2d_mve.c").read_text(encoding="utf-8")
    [value] = re.findall(rf"#define EK_DEPTHWISE_CONV_2D_{name} (\d+)", text)
    assert getattr(scratch_mve, f"_{name}") == int(value)


def test_pointwise_convolutions_gather_no_windows() -> None:
    point = Window(size=1, stride=1, dilation=1, before=0, inputs=8, outputs=8)
    assert mve_scratch_conv_2d(point, point, depth=64, channels=6) == 4 * 4 * 8


def test_a_dilated_filter_takes_the_room_of_what_it_reaches_over() -> None:
    dilated = Window(size=3, stride=1, dilation=2, before=2, inputs=8, outputs=8)
    large = Window(size=5, stride=1, dilation=1, before=2, inputs=8, outputs=8)
    assert mve_scratch_depthwise_conv_2d(dilated, dilated, 4, 4) == mve_scratch_depthwise_conv_2d(large, large, 4, 4)
