"""Windows that slide over images: their padding, their number, and how far a result may lie on its input."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit_converters.c.site import Site

__all__ = ["Window", "rows_distance", "window"]


@dataclass(frozen=True)
class Window:
    """One direction of a sliding window.

    Attributes:
        size, stride, dilation: In elements.
        before: Padding before the first element.
        inputs, outputs: Elements of the image and of the result.
    """

    size: int
    stride: int
    dilation: int
    before: int
    inputs: int
    outputs: int

    @property
    def reach(self) -> int:
        """Elements from the first to the last that it covers."""
        return (self.size - 1) * self.dilation + 1


def window(site: Site, padding: str, size: int, stride: int, dilation: int, inputs: int, outputs: int) -> Window:
    """The window with the padding that TFLite gives it (`ComputePaddingHeightWidth`).

    Raises:
        Refused: The result has another size than the window makes, or a stride or a size is not positive.
    """
    site.check(min(size, stride, dilation, inputs, outputs) > 0, "Sizes, strides and dilations are above 0.")
    reach = (size - 1) * dilation + 1
    site.check(padding in ("SAME", "VALID"), "The padding is SAME or VALID.", padding)
    expected = -(-inputs // stride) if padding == "SAME" else (inputs + stride - reach) // stride
    site.check(outputs == expected, "The result has the size that the window makes.", f"{outputs} where {expected} fit")
    total = max((outputs - 1) * stride + reach - inputs, 0)
    return Window(size, stride, dilation, total // 2, inputs, outputs)


def rows_distance(rows: Window, input_row: int, output_row: int, together: int = 1) -> int:
    """How many bytes before its input a result must begin that is made row by row, from the top.

    While a row is made, the input is still read from the first row that its window covers on; so far, and no further,
    may the results of this row reach.

    Args:
        rows: The window over rows.
        input_row, output_row: Bytes of one row.
        together: Rows of results that are made at once.
    """
    return max(
        min(row + together, rows.outputs) * output_row - max(0, row * rows.stride - rows.before) * input_row
        for row in range(0, rows.outputs, together)
    )
