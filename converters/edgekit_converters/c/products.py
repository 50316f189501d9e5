"""What all operators share that multiply with int8 weights: folded biases and factors by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgekit import tflite
from edgekit.tflite.options import FullyConnected
from edgekit_converters.c.fixed_point import Multiplier
from edgekit_converters.c.site import Site
from edgekit_converters.c.steps import Constant, Field

__all__ = [
    "NEEDS",
    "all_short",
    "arithmetic",
    "folded_bias",
    "is_dead",
    "least_shift",
    "scaling",
    "weight_scales",
    "wide_scaling",
]

NEEDS: Mapping[str, tuple[str, ...]] = {
    "int8": ("fixed_point", "helium", "products"),
    "int16": ("fixed_point", "fixed_point_wide", "products", "wide_products"),
}
"""What the kernels are written on, by the dtype of activations."""
_HEADROOM = 1 << 30
"""What a sum may reach, so that nothing that is done to it afterwards leaves 32 bits: it is doubled, too."""
_WIDE = 1 << 47
"""What a sum of 64 bits stays below."""
_MOST_WIDE_SHIFT = 7
_DEAD = Multiplier(0, -1)
"""Of a channel whose results are all the zero point: with it, its scaling takes the short way, too."""
_LEAST_SHIFT = -16
_MOST_SCALED = (1 << 14) - 512
"""What `products_dsp.c` scales in one product with all roundings: results of 14 bits before they are cut off."""


def weight_scales(site: Site, weights: tflite.Tensor, axis: int) -> NDArray[np.float32]:
    """The scale of each channel of the weights, float32 [channels]; their zero points must be 0.

    Raises:
        Refused: There are none, or of another axis; or a zero point is not 0.
    """
    quant, channels = weights.quant, weights.shape[axis]
    if quant is None or len(quant.scales) not in (1, channels):
        raise site.refused("Weights have one scale, or one for each channel.", weights.quant)
    site.check(not any(quant.zero_points), "Weights have zero points of 0.", quant.zero_points)
    along = quant.axis if quant.axis is not None else axis
    site.check(len(quant.scales) == 1 or along % len(weights.shape) == axis, "Scales run along the channels.", along)
    scales = np.asarray(quant.scales, np.float32)
    site.check(bool(np.isfinite(scales).all() and (scales >= 0).all()), "Scales are positive numbers.")
    return np.broadcast_to(scales, (channels,))


def folded_bias(site: Site, number: int, sums: NDArray[np.int64], zero_point: int) -> NDArray[np.int64]:
    """The bias with what the input's zero point adds up to, int64 [channels].

    sum(w * (x - z)) + b = sum(w * x) + (b - z * sum(w)).

    Args:
        site: The operator.
        number: The operand that is the bias; it may be left out.
        sums: Sums of the weights of each channel.
        zero_point: The input's.

    Raises:
        Refused: The bias has another length or dtype.
    """
    bias = site.optional(number)
    values = np.zeros(len(sums), np.int64)
    if bias is not None:
        stored = site.constant(number, "int32")
        site.check(stored.shape == values.shape, "There is one bias for each channel.", list(stored.shape))
        values = stored.astype(np.int64)
    folded: NDArray[np.int64] = values - zero_point * sums
    return folded


def scaling(
    site: Site, reals: Sequence[float], bias: NDArray[np.int64], magnitudes: NDArray[np.int64]
) -> dict[str, Field]:
    """The fields `bias`, `multipliers` and `shifts` of a layer's record.

    Args:
        site: The operator.
        reals: The factor of each channel.
        bias: Folded, of each channel.
        magnitudes: The most that the products of each channel add up to, without the bias.

    Raises:
        Refused: A sum or its scaled value could leave 32 bits.
    """
    factors = [site.multiplier(real) for real in reals]
    factors = [_DEAD if is_dead(*channel) else channel[0] for channel in zip(factors, magnitudes, bias, strict=True)]
    lifted = [1 << max(factor.shift, 0) for factor in factors]
    most = max(int(m + abs(b)) * lift for m, b, lift in zip(magnitudes, bias, lifted, strict=True))
    site.check(most < _HEADROOM, "The sums of products fit into 32 bits.", f"up to {most:,}")
    return {
        "bias": Constant(bias.astype(np.int32)),
        "multipliers": Constant(np.array([factor.mantissa for factor in factors], np.int32)),
        "shifts": Constant(np.array([factor.shift for factor in factors], np.int8)),
    }


def is_dead(factor: Multiplier, magnitude: np.int64, bias: np.int64) -> bool:
    """Whether a channel gives the zero point whatever comes: a quarter, and what rounding at bit 31 adds, make no 1."""
    return factor.shift <= -2 and (int(magnitude) + abs(int(bias))) * factor.mantissa << 2 < 1 << (31 - factor.shift)


def least_shift(scaled: Mapping[str, Field], magnitudes: NDArray[np.int64]) -> int:
    """The least shift of channels that `products_dsp.c` scales in its short way; 0 where it scales none so.

    Args:
        scaled: What `arithmetic` gave for int8.
        magnitudes: Sums of the weights' magnitudes, of each channel.
    """
    bias, multipliers, shifts = (_values(scaled[name]) for name in ("bias", "multipliers", "shifts"))
    reals = multipliers * np.exp2(shifts - 31.0)
    short = (shifts >= _LEAST_SHIFT) & (shifts < 0)
    most = np.where(short, (128 * magnitudes + np.abs(bias)) * reals, 0.0)
    return _LEAST_SHIFT if bool((most < _MOST_SCALED).all()) else 0


def all_short(scaled: Mapping[str, Field], magnitudes: NDArray[np.int64]) -> bool:
    """Whether all channels are scaled in the short way; arguments as those of `least_shift`."""
    least, shifts = least_shift(scaled, magnitudes), _values(scaled["shifts"])
    return bool((shifts >= least).all() and (shifts < 0).all())


def _values(field: Field) -> NDArray[np.float64]:
    return np.asarray(field.values if isinstance(field, Constant) else field, np.float64)


def arithmetic(
    site: Site,
    x: tflite.Tensor,
    y: tflite.Tensor,
    reals: Sequence[float],
    sums: NDArray[np.int64],
    magnitudes: NDArray[np.int64],
    bias: int = 2,
) -> dict[str, Field]:
    """What `scaling` gives, and the zero points, of int8 activations; for int16, which have none, sums of 64 bits.

    Args:
        site: The operator.
        x, y: Input and result.
        reals: The factor of each channel.
        sums: Sums of the weights of each channel.
        magnitudes: Sums of the weights' magnitudes.
        bias: The operand that is the bias.

    Raises:
        Refused: A sum or its scaled value could leave its bits, or an int16 tensor has a zero point.
    """
    if x.dtype == "int8":
        points: dict[str, Field] = {"y_zero_point": site.zero_point(y)}
        return points | scaling(site, reals, folded_bias(site, bias, sums, site.zero_point(x)), 128 * magnitudes)
    for tensor in (x, y):
        site.check(site.zero_point(tensor) == 0, "int16 tensors have zero points of 0.", tensor.quant)
    values = np.zeros(len(sums), np.int64)
    left_out = site.optional(bias) is None
    site.check(not left_out or _sums_wide(site), "Layers of int16 activations have a bias of int64.")
    if not left_out:
        values = site.constant(bias, "int64").astype(np.int64)
        site.check(values.shape == sums.shape, "There is one bias for each channel.", list(values.shape))
    return wide_scaling(site, reals, values, 32768 * magnitudes)


def _sums_wide(site: Site) -> bool:
    """Whether an operator without a bias adds int16 up in 64 bits; its options may ask for a bias of 32."""
    options = site.operator.options
    if isinstance(options, FullyConnected):
        return options.quantized_bias_type != "int32"
    return site.operator.name in ("DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


def wide_scaling(
    site: Site, reals: Sequence[float], bias: NDArray[np.int64], magnitudes: NDArray[np.int64]
) -> dict[str, Field]:
    """The same fields as `scaling` gives, for sums of 64 bits, which are scaled by 16-bit mantissas.

    Raises:
        Refused: A sum or its scaled value could leave what `MultiplyByQuantizedMultiplier` takes and gives.
    """
    factors = [site.multiplier(real, _MOST_WIDE_SHIFT) for real in reals]
    sums = [int(m) + abs(int(b)) for m, b in zip(magnitudes, bias, strict=True)]
    most = max(sums)
    site.check(most < _WIDE, "The sums of products fit into 48 bits.", f"up to {most:,}")
    scaled = max(value * real for value, real in zip(sums, reals, strict=True))
    site.check(scaled < _HEADROOM, "The scaled sums of products fit into 32 bits.", f"up to {scaled:,.0f}")
    return {
        "bias": Constant(bias.astype(np.int64)),
        "multipliers": Constant(np.array([factor.mantissa for factor in factors], np.int32)),
        "shifts": Constant(np.array([factor.shift for factor in factors], np.int8)),
    }
