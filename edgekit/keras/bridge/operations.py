"""Keras 3 operations that are no layers (`keras.ops`, arithmetic on tensors) as tf_keras layers or TensorFlow calls."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.emit import Emit, activation_emitter
from edgekit.keras.bridge.layers import float32_for
from edgekit.keras.bridge.moving import einsum, flip, get_item, pad, reshape, split, transpose
from edgekit.keras.bridge.operands import axes_of, cast, constant, constants, is_tensor
from edgekit.keras.bridge.replay import Step
from edgekit.keras.types import KerasTensor

__all__ = ["emit_operation"]


def emit_operation(step: Step, emit: Emit) -> Any:
    """Do one Keras 3 operation on tf_keras tensors.

    Args:
        step: The operation, with tf_keras tensors in its arguments and its Keras 3 tensors as outputs.
        emit: Makes the layers.

    Returns:
        The new tensor or tensors.

    Raises:
        ModelError: The operation has no equivalent.
    """
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(step.operation).__name__).lower()
    given = dict(inspect.signature(step.operation.call).bind(*step.args, **step.kwargs).arguments)
    dtype = float32_for(step.outputs[0].dtype)
    if kind in _BINARY:
        return _binary(kind, list(given.values()), dtype, emit)
    if kind in _REDUCTIONS:
        return _reduction(kind, given["x"], step.operation, dtype, emit)
    if kind in _SPECIAL:
        return _SPECIAL[kind](step, given, emit)
    if kind in _UNARY:
        x = cast(next(iter(given.values())), dtype, emit)
        return emit.function(_UNARY[kind](_tf.tensorflow()), x)
    activate = activation_emitter(kind)
    if activate is not None:
        return activate(emit, given["x"])
    raise ModelError(
        "Every operation needs a tf_keras equivalent.",
        received=f"operation {step.operation.name!r} of type {type(step.operation).__name__}",
        remedy="Replace it by built-in layers.",
    )


def _binary(kind: str, operands: list[Any], dtype: str, emit: Emit) -> Any:
    tf = _tf.tensorflow()
    layer, function, arithmetic = _BINARY[kind]
    operands = [constant(o) for o in operands]
    tensors = [o for o in operands if is_tensor(o)]
    if arithmetic:
        operands = [cast(o, dtype, emit) if is_tensor(o) else o for o in operands]
    plain = all(getattr(t, "_keras_mask", None) is None for t in tensors) and dtype == "float32"
    if plain and len(tensors) == 2 and layer and len(tensors[0].shape) == len(tensors[1].shape):
        return emit.layer(layer, operands)
    if plain and len(tensors) == 1 and (config := _affine(kind, operands)):
        return emit.layer("Rescaling", next(o for o in operands if is_tensor(o)), config)
    return emit.function(function(tf), *operands)


def _affine(kind: str, operands: list[Any]) -> dict[str, Any] | None:
    """Scale and offset of arithmetic with a constant that is a number or one number per channel."""
    reverse = not is_tensor(operands[0])
    value = np.asarray(operands[0] if reverse else operands[1], np.float64)
    if value.ndim > 1 or (value.ndim == 1 and value.size != operands[reverse].shape[-1]):
        return None
    number: Any = value.tolist()
    if kind == "add":
        return {"scale": 1.0, "offset": number}
    if kind == "subtract":
        return {"scale": -1.0, "offset": number} if reverse else {"scale": 1.0, "offset": (-value).tolist()}
    if kind == "multiply":
        return {"scale": number}
    if kind in ("divide", "true_divide") and not reverse and np.all(value != 0):
        return {"scale": (1.0 / value).tolist()}
    return None


def _reduction(kind: str, x: KerasTensor, operation: Any, dtype: str, emit: Emit) -> Any:
    axes = axes_of(operation.axis, len(x.shape))
    keepdims = bool(operation.keepdims)
    x = cast(x, dtype, emit) if kind in ("mean", "var", "std") else x
    pool = {"mean": "GlobalAveragePooling", "max": "GlobalMaxPooling"}.get(kind)
    plain = getattr(x, "_keras_mask", None) is None and x.dtype.is_floating
    if pool and plain and len(x.shape) in (3, 4, 5) and axes == list(range(1, len(x.shape) - 1)):
        return emit.layer(f"{pool}{len(x.shape) - 2}D", x, {"keepdims": keepdims})
    options = {"axis": axes if operation.axis is not None else None, "keepdims": keepdims}
    return emit.function(_REDUCTIONS[kind](_tf.tensorflow()), x, options=options)


def _clip(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    low, high = constant(step.operation.x_min), constant(step.operation.x_max)
    if isinstance(low, float) and isinstance(high, float) and low == 0.0 < high:
        return emit.layer("ReLU", given["x"], {"max_value": high})
    return emit.function(_tf.tensorflow().clip_by_value, given["x"], low, high)


def _pool(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    x, o = given["inputs"], step.operation
    kind = "MaxPooling" if type(o).__name__ == "MaxPool" else "AveragePooling"
    config = {"pool_size": o.pool_size, "strides": o.strides, "padding": o.padding, "data_format": o.data_format}
    return emit.layer(f"{kind}{len(x.shape) - 2}D", x, config)


def _normalize(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    o = step.operation
    if o.order != 2:
        raise ModelError(
            "keras.ops.normalize has an equivalent for order 2 only.",
            received=f"order {o.order} in operation {o.name!r}",
            remedy="Replace it by built-in layers.",
        )
    epsilon = 1e-7 if o.epsilon is None else o.epsilon
    return emit.function(
        _tf.tensorflow().math.l2_normalize, given["x"], options={"axis": o.axis, "epsilon": epsilon**2}
    )


def _resize(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    o = step.operation
    if o.crop_to_aspect_ratio or o.pad_to_aspect_ratio or o.data_format != "channels_last":
        raise ModelError(
            "keras.ops.image.resize has an equivalent for channels_last without cropping and padding only.",
            received=f"operation {o.name!r}",
            remedy="Resize in the data's preprocessing.",
        )
    options = {"method": o.interpolation, "antialias": o.antialias}
    return emit.function(_tf.tensorflow().image.resize, given["images"], list(o.size), options=options)


def _with_options(
    symbol: Callable[[Any], Callable[..., Any]], **names: str
) -> Callable[[Step, dict[str, Any], Emit], Any]:
    """A TensorFlow function that takes the operation's tensors, and its attributes under other names."""

    def translate(step: Step, given: dict[str, Any], emit: Emit) -> Any:
        options = {new: getattr(step.operation, old) for new, old in names.items()}
        if "dtype" in options:
            options["dtype"] = float32_for(str(options["dtype"] or step.outputs[0].dtype))
        values = [constants(value) for value in given.values()]
        values = [list(v) if isinstance(v, tuple) else v for v in values]
        return emit.function(symbol(_tf.tensorflow()), *values, options=options)

    return translate


def _layer(kind: str, **names: str) -> Callable[[Step, dict[str, Any], Emit], Any]:
    """A tf_keras layer whose arguments are the operation's attributes under other names."""

    def translate(step: Step, given: dict[str, Any], emit: Emit) -> Any:
        (inputs,) = given.values()
        return emit.layer(kind, inputs, {new: getattr(step.operation, old) for new, old in names.items()})

    return translate


def _gelu(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    if not step.operation.approximate:
        return emit.layer("Activation", given["x"], {"activation": "gelu"})
    return emit.function(_tf.tensorflow().nn.gelu, given["x"], options={"approximate": True})


def _argmax(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    tf, o = _tf.tensorflow(), step.operation
    x, rank = given["x"], len(given["x"].shape)
    if o.axis is None:
        x = emit.function(tf.reshape, x, [-1], part="flat")
    find = tf.math.argmax if type(o).__name__ == "Argmax" else tf.math.argmin
    found = emit.function(find, x, options={"axis": 0 if o.axis is None else o.axis}, part="index")
    if o.keepdims:
        found = (
            emit.function(tf.reshape, found, [1] * rank, part="dims")
            if o.axis is None
            else emit.function(tf.expand_dims, found, options={"axis": o.axis}, part="dims")
        )
    return emit.function(tf.cast, found, step.outputs[0].dtype)


def _cast_to(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    return cast(given["x"], float32_for(step.outputs[0].dtype), emit, part="")


# Keras 3 name -> (layer for two tensors, TensorFlow function, whether operands take the result's type)
_BINARY: dict[str, tuple[str, Callable[[Any], Callable[..., Any]], bool]] = {
    "add": ("Add", lambda tf: tf.math.add, True),
    "subtract": ("Subtract", lambda tf: tf.math.subtract, True),
    "multiply": ("Multiply", lambda tf: tf.math.multiply, True),
    "divide": ("", lambda tf: tf.math.divide, True),
    "true_divide": ("", lambda tf: tf.math.divide, True),
    "divide_no_nan": ("", lambda tf: tf.math.divide_no_nan, True),
    "maximum": ("Maximum", lambda tf: tf.math.maximum, True),
    "minimum": ("Minimum", lambda tf: tf.math.minimum, True),
    "power": ("", lambda tf: tf.math.pow, True),
    "floor_divide": ("", lambda tf: tf.math.floordiv, True),
    "mod": ("", lambda tf: tf.math.floormod, True),
    "matmul": ("", lambda tf: tf.linalg.matmul, True),
    "equal": ("", lambda tf: tf.math.equal, False),
    "not_equal": ("", lambda tf: tf.math.not_equal, False),
    "greater": ("", lambda tf: tf.math.greater, False),
    "greater_equal": ("", lambda tf: tf.math.greater_equal, False),
    "less": ("", lambda tf: tf.math.less, False),
    "less_equal": ("", lambda tf: tf.math.less_equal, False),
    "logical_and": ("", lambda tf: tf.math.logical_and, False),
    "logical_or": ("", lambda tf: tf.math.logical_or, False),
}

_REDUCTIONS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "mean": lambda tf: tf.math.reduce_mean,
    "sum": lambda tf: tf.math.reduce_sum,
    "max": lambda tf: tf.math.reduce_max,
    "min": lambda tf: tf.math.reduce_min,
    "amax": lambda tf: tf.math.reduce_max,
    "amin": lambda tf: tf.math.reduce_min,
    "prod": lambda tf: tf.math.reduce_prod,
    "var": lambda tf: tf.math.reduce_variance,
    "std": lambda tf: tf.math.reduce_std,
    "any": lambda tf: tf.math.reduce_any,
    "all": lambda tf: tf.math.reduce_all,
    "logsumexp": lambda tf: tf.math.reduce_logsumexp,
}

_UNARY: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "absolute": lambda tf: tf.math.abs,
    "ceil": lambda tf: tf.math.ceil,
    "copy": lambda tf: tf.identity,
    "cos": lambda tf: tf.math.cos,
    "erf": lambda tf: tf.math.erf,
    "exp": lambda tf: tf.math.exp,
    "floor": lambda tf: tf.math.floor,
    "log": lambda tf: tf.math.log,
    "log1p": lambda tf: tf.math.log1p,
    "logical_not": lambda tf: tf.math.logical_not,
    "negative": lambda tf: tf.math.negative,
    "ones_like": lambda tf: tf.ones_like,
    "reciprocal": lambda tf: tf.math.reciprocal,
    "round": lambda tf: tf.math.round,
    "rsqrt": lambda tf: tf.math.rsqrt,
    "sign": lambda tf: tf.math.sign,
    "sin": lambda tf: tf.math.sin,
    "sqrt": lambda tf: tf.math.sqrt,
    "square": lambda tf: tf.math.square,
    "stop_gradient": lambda tf: tf.stop_gradient,
    "zeros_like": lambda tf: tf.zeros_like,
}

_SPECIAL: dict[str, Callable[[Step, dict[str, Any], Emit], Any]] = {
    "argmax": _argmax,
    "argmin": _argmax,
    "average_pool": _pool,
    "cast": _cast_to,
    "clip": _clip,
    "concatenate": _layer("Concatenate", axis="axis"),
    "depth_to_space": _with_options(lambda tf: tf.nn.depth_to_space, block_size="block_size"),
    "einsum": einsum,
    "elu": _layer("ELU", alpha="alpha"),
    "expand_dims": reshape,
    "flip": flip,
    "gelu": _gelu,
    "get_item": get_item,
    "leaky_relu": _layer("LeakyReLU", alpha="negative_slope"),
    "log_softmax": _with_options(lambda tf: tf.nn.log_softmax, axis="axis"),
    "max_pool": _pool,
    "moveaxis": transpose,
    "normalize": _normalize,
    "one_hot": _with_options(lambda tf: tf.one_hot, depth="num_classes", axis="axis", dtype="dtype"),
    "pad": pad,
    "repeat": _with_options(lambda tf: tf.repeat, repeats="repeats", axis="axis"),
    "reshape": reshape,
    "resize": _resize,
    "roll": _with_options(lambda tf: tf.roll, shift="shift", axis="axis"),
    "softmax": _layer("Softmax", axis="axis"),
    "space_to_depth": _with_options(lambda tf: tf.nn.space_to_depth, block_size="block_size"),
    "split": split,
    "squeeze": reshape,
    "stack": _with_options(lambda tf: tf.stack, axis="axis"),
    "swapaxes": transpose,
    "take": _with_options(lambda tf: tf.gather, axis="axis"),
    "tile": _with_options(lambda tf: tf.tile, multiples="repeats"),
    "top_k": _with_options(lambda tf: tf.math.top_k, k="k", sorted="sorted"),
    "transpose": transpose,
    "where": _with_options(lambda tf: tf.where),
}
