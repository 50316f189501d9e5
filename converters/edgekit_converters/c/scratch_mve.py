"""Bytes of scratch memory that the kernels for Helium need, by the layouts that their C texts speak of."""

from __future__ import annotations

from edgekit_converters.c.window import Window

__all__ = ["mve_scratch_conv_2d", "mve_scratch_depthwise_conv_2d"]

_PIXELS = 4
"""Pixels whose sums are kept at a time, 32 bits each."""
_VECTOR = 16
"""Bytes of a vector: as many, less one, may be written or read beyond the end of what lies last."""
_BLOCK, _DRIFT = 32, 8
"""The constants of `depthwise_conv_2d_mve.c`."""


def mve_scratch_conv_2d(rows: Window, columns: Window, depth: int, channels: int) -> int:
    """Sums of all channels of four pixels, then the windows of these pixels, unless all of them lie inside images."""
    taps = rows.size * columns.size * depth
    sums = 4 * _PIXELS * _rounded(channels, 4)
    return sums if taps == depth and not rows.before + columns.before else sums + _windows(taps)


def mve_scratch_depthwise_conv_2d(rows: Window, columns: Window, x_depth: int, y_depth: int) -> int:
    """Sums of a block of channels of four pixels, filters in whole vectors, then what the windows of one row see."""
    height, width = ((side.size - 1) * side.dilation + 1 for side in (rows, columns))
    filters = y_depth * _rounded(height * width, _VECTOR)
    images = x_depth * (height * ((columns.outputs - 1) * columns.stride + width) + _DRIFT)
    beyond = (_PIXELS - 2) * columns.stride * height + _rounded(height * width, _VECTOR)
    return 4 * _PIXELS * _BLOCK + filters + images + beyond


def _windows(taps: int) -> int:
    return _PIXELS * _rounded(taps, _VECTOR) + _VECTOR


def _rounded(count: int, by: int) -> int:
    return -(-count // by) * by
