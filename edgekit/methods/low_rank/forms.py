"""The low-rank forms: of which plain layers each is made, where it is exact, and what it costs.

| form        | layers                                            | source                                        |
|-------------|---------------------------------------------------|-----------------------------------------------|
| `svd`       | two dense layers, or two 1x1 convolutions         | Denton et al. 2014 (arXiv:1404.0736)          |
| `spatial`   | k x 1, 1 x k                                      | Jaderberg et al. 2014 (arXiv:1405.3866, scheme 2)|
| `tucker`    | 1x1, k x k, 1x1                                   | Kim et al. 2016 (arXiv:1511.06530)            |
| `cp`        | 1x1, depthwise k x k, 1x1                         | Lebedev et al. 2015 (arXiv:1412.6553)         |
| `cp_split`  | 1x1, depthwise k x 1, depthwise 1 x k, 1x1        | the same, with every mode apart               |
| `separable` | depthwise k x k with a depth multiplier, 1x1      | Guo et al. 2018 (arXiv:1808.05517)            |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgekit.errors import ModelError
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasLayer

__all__ = ["FORMS", "METHODS", "Factor", "Form", "Geometry", "Method", "Rank"]

Form = Literal["svd", "spatial", "tucker", "cp", "cp_split", "separable"]
FORMS: tuple[Form, ...] = ("svd", "spatial", "tucker", "cp", "cp_split", "separable")
Method = Literal["auto", "spatial", "tucker", "cp", "separable", "svd"]
METHODS: tuple[Method, ...] = ("auto", "spatial", "tucker", "cp", "separable", "svd")

Rank = tuple[int, ...]
"""Inner widths: (r,), but (in, out) for tucker, and the depth multiplier for separable."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Factor:
    """One plain layer of a form.

    Attributes:
        suffix: Suffix of its name; the last factor has none and keeps the original's.
        kind: dense, conv or depthwise.
        shape: Shape of its kernel, as Keras has it: [in, out], [kh, kw, in, out] or [kh, kw, in, multiplier].
        strides, padding, dilation: As Keras has them; of no meaning for dense.
        positions: At how many places of the output it is computed.
    """

    suffix: str
    kind: Literal["dense", "conv", "depthwise"]
    shape: tuple[int, ...]
    strides: Pair = (1, 1)
    padding: str = "valid"
    dilation: Pair = (1, 1)
    positions: int = 1

    def macs(self, multiple: int = 1) -> int:
        """Multiply-accumulates of one inference, with channels padded to a multiple as a device would."""
        if self.kind == "depthwise":
            wide = _up(self.shape[2] * self.shape[3], multiple)
            return self.positions * self.shape[0] * self.shape[1] * wide
        *kernel, given, made = self.shape
        return self.positions * math.prod(kernel) * _up(given, multiple) * _up(made, multiple)


@dataclass(frozen=True)
class Geometry:
    """What of a layer decides on its forms.

    Attributes:
        kernel: (height, width); (1, 1) for a dense layer.
        channels, filters: In and out.
        size_in, size_out: (height, width) of input and output; (positions, 1) for a dense layer.
        dense: Whether it is a Dense layer.
    """

    kernel: Pair
    channels: int
    filters: int
    strides: Pair = (1, 1)
    padding: str = "valid"
    dilation: Pair = (1, 1)
    size_in: Pair = (1, 1)
    size_out: Pair = (1, 1)
    dense: bool = False

    @classmethod
    def of(cls, layer: KerasLayer) -> Geometry:
        """Of a built tf_keras Dense or Conv2D layer; open sizes count as one output position.

        Raises:
            ModelError: A layer of another kind, grouped, or channels-first.
        """
        dense = kind_of(layer).channels == "dense"
        known = kind_of(layer).low_rank and (
            dense or layer.groups == 1 and layer.data_format == "channels_last" and layer.padding != "causal"
        )
        if not known or not layer.built:
            raise ModelError(
                "Low-rank forms exist for built Dense and Conv2D layers (channels last, one group).",
                received=f"{type(layer).__name__} {layer.name!r}",
                remedy="Leave it out under layers: {NAME: 0}.",
            )
        shape = tuple(int(n) for n in layer.kernel.shape)
        node = layer.inbound_nodes[0] if layer.inbound_nodes else None
        if dense:
            inner = tuple(node.output_shapes[1:-1]) if node else ()
            positions = math.prod(n or 1 for n in inner)
            return cls((1, 1), shape[0], shape[1], size_in=(positions, 1), size_out=(positions, 1), dense=True)
        strides = _pair(layer.strides)
        size_in, size_out = strides, (1, 1)
        if node and None not in (*node.input_shapes[1:3], *node.output_shapes[1:3]):
            size_in, size_out = _pair(node.input_shapes[1:3]), _pair(node.output_shapes[1:3])
        return cls(
            (shape[0], shape[1]), shape[2], shape[3], strides, layer.padding, _pair(layer.dilation_rate), size_in,
            size_out,
        )  # fmt: skip

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kernel[0] * self.kernel[1]

    @property
    def fan_in(self) -> int:
        """Inputs of one output value."""
        return self.taps * self.channels

    def macs(self, multiple: int = 1) -> int:
        """Multiply-accumulates of the original layer."""
        inner = Factor("", "conv", (*self.kernel, self.channels, self.filters), positions=math.prod(self.size_out))
        return inner.macs(multiple)

    def forms(self, method: str = "auto") -> tuple[Form, ...]:
        """The forms of a method that compute what this layer does; of auto the first sets the budget of the others.

        A matrix has but one form, whatever the method. TensorFlow's depthwise convolution needs equal strides.
        """
        if self.dense or self.taps == 1:
            return ("svd",)
        equal = self.strides[0] == self.strides[1]
        depthwise: tuple[Form, ...] = ()
        if equal:
            split = self.strides == (1, 1) and min(self.kernel) > 1
            depthwise = ("cp", "cp_split", "separable") if split else ("cp", "separable")
        offered: tuple[Form, ...] = ("spatial", "tucker", *depthwise)
        if method == "auto":
            return offered
        return tuple(f for f in offered if f == method or (f, method) == ("cp_split", "cp"))

    def full_rank(self, form: Form) -> Rank:
        """The rank at which a form can equal every kernel, per inner width."""
        (high, wide), c, n, k = self.kernel, self.channels, self.filters, self.taps
        if form == "svd":
            return (min(c, n),)
        if form == "spatial":
            return (min(high * c, wide * n),)
        if form == "tucker":
            return (min(c, k * n), min(n, k * c))
        if form == "separable":
            return (min(k, n),)
        if form == "cp_split":
            return (min(k * c, k * n),)
        return (min(k * c, k * n, c * n),)

    def rank(self, form: Form, rank: int | Rank) -> Rank:
        """A user's rank as inner widths; one number for tucker holds for both, and stops at the narrower's full.

        Raises:
            ModelError: It is below 1 or above full.
        """
        full = self.full_rank(form)
        given = (rank,) if isinstance(rank, int) else tuple(rank)
        if len(given) == 1 and len(full) == 2 and given[0] <= max(full):
            given = (min(given[0], full[0]), min(given[0], full[1]))
        if len(given) != len(full) or any(not 1 <= r <= f for r, f in zip(given, full, strict=False)):
            raise ModelError(
                f"A rank of the form {form} is from 1 to full, which is {_said(full)} here.",
                received=_said(given),
                remedy="Lower the rank, or leave the layer alone.",
            )
        return given

    def rounded(self, form: Form, rank: Rank, multiple: int) -> Rank:
        """A rank with inner widths rounded up to a target's channel multiple, but never above full."""
        full = self.full_rank(form)
        if form == "separable":  # the width is channels x multiplier, which not every multiplier can make a multiple
            fits = (m for m in range(rank[0], full[0] + 1) if m * self.channels % multiple == 0)
            return (next(fits, rank[0]),)
        return tuple(min(_up(r, multiple), f) for r, f in zip(rank, full, strict=True))

    def saves(self, form: Form, rank: Rank, multiple: int = 1) -> bool:
        """Whether MACs fall, both as counted and as a device that pads channels spends them."""
        factors = self.factors(form, rank)
        return all(sum(f.macs(m) for f in factors) < self.macs(m) for m in {1, multiple})

    def factors(self, form: Form, rank: Rank) -> tuple[Factor, ...]:
        """The plain layers of a form, first to last."""
        (high, wide), c, n, r = self.kernel, self.channels, self.filters, rank[0]
        out, whole = math.prod(self.size_out), math.prod(self.size_in)
        if self.dense:
            return Factor("_rank_in", "dense", (c, r), positions=out), Factor("", "dense", (r, n), positions=out)
        last = Factor("", "conv", (1, 1, rank[-1], n), positions=out)
        spaced = (self.strides, self.padding, self.dilation)
        if form == "svd":  # the first takes the stride, so that both see few positions
            return Factor("_rank_in", "conv", (1, 1, c, r), self.strides, self.padding, positions=out), last
        if form == "spatial":
            (sh, sw), (dh, dw), tall = self.strides, self.dilation, self.size_out[0] * self.size_in[1]
            return (
                Factor("_rank_v", "conv", (high, 1, c, r), (sh, 1), self.padding, (dh, 1), tall),
                Factor("", "conv", (1, wide, r, n), (1, sw), self.padding, (1, dw), out),
            )
        if form == "separable":
            depthwise = Factor("_rank_depthwise", "depthwise", (high, wide, c, r), *spaced, out)
            return depthwise, Factor("", "conv", (1, 1, c * r, n), positions=out)
        first = Factor("_rank_in", "conv", (1, 1, c, r), positions=whole)
        if form == "tucker":
            return first, Factor("_rank_core", "conv", (high, wide, r, rank[1]), *spaced, out), last
        if form == "cp":
            return first, Factor("_rank_core", "depthwise", (high, wide, r, 1), *spaced, out), last
        (dh, dw), tall = self.dilation, self.size_out[0] * self.size_in[1]
        return (
            first,
            Factor("_rank_v", "depthwise", (high, 1, r, 1), (1, 1), self.padding, (dh, 1), tall),
            Factor("_rank_h", "depthwise", (1, wide, r, 1), (1, 1), self.padding, (1, dw), out),
            last,
        )


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _said(rank: Rank) -> str:
    return str(rank[0]) if len(rank) == 1 else str(list(rank))


def _pair(sizes: Sequence[int]) -> Pair:
    height, width = sizes
    return height, width
