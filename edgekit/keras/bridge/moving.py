"""Keras 3 operations that move values about: shapes, axes, slices; and einsum, which is made of such."""

from __future__ import annotations

import math
from typing import Any

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge.emit import Emit
from edgekit.keras.bridge.operands import axes_of, constant, is_tensor
from edgekit.keras.bridge.replay import Step

__all__ = ["einsum", "flip", "get_item", "pad", "reshape", "split", "transpose"]


def reshape(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    """Emit what equals keras.ops.reshape."""
    x, target = given["x"], list(step.outputs[0].shape)
    tf, operation = _tf.tensorflow(), step.operation
    inside = list(x.shape)[1:]
    known = None not in inside and None not in target[1:]
    if known and x.shape[0] == target[0] and math.prod(inside) == math.prod(target[1:]) and len(target) > 1:
        return emit.layer("Reshape", x, {"target_shape": tuple(target[1:])})
    if hasattr(operation, "newshape"):
        return emit.function(tf.reshape, x, [-1 if d is None else int(d) for d in operation.newshape])
    axis = getattr(operation, "axis", None)
    if type(operation).__name__ == "Squeeze":
        return emit.function(tf.squeeze, x, options={"axis": None if axis is None else axes_of(axis, len(x.shape))})
    for number, one in enumerate(axes := axes_of(axis, len(target))):
        x = emit.function(tf.expand_dims, x, options={"axis": one}, part="" if one == axes[-1] else f"axis{number}")
    return x


def transpose(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    """Emit what equals keras.ops.transpose."""
    x, operation = given["x"], step.operation
    order = list(range(len(x.shape)))
    if hasattr(operation, "axes"):
        order = axes_of(operation.axes, len(order), keep_order=True) if operation.axes is not None else order[::-1]
    elif hasattr(operation, "axis1"):
        one, two = axes_of([operation.axis1, operation.axis2], len(order), keep_order=True)
        order[one], order[two] = order[two], order[one]
    else:
        source = axes_of(operation.source, len(order), keep_order=True)
        order = [axis for axis in order if axis not in source]
        for to, axis in sorted(zip(axes_of(operation.destination, len(x.shape), keep_order=True), source, strict=True)):
            order.insert(to, axis)
    if order[0] == 0 and len(order) > 1:
        return emit.layer("Permute", x, {"dims": tuple(order[1:])})
    return emit.function(_tf.tensorflow().transpose, x, options={"perm": order})


def get_item(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    """Emit what equals the indexing and slicing of a tensor."""
    x, key = given["x"], given["key"]
    key = list(key) if isinstance(key, tuple | list) else [key]  # a list where the model comes from a file
    if any(item is Ellipsis for item in key):  # spelt out, because it cannot be saved
        at = next(i for i, item in enumerate(key) if item is Ellipsis)
        missing = len(x.shape) - sum(item is not None for item in key) + 1
        key[at : at + 1] = [slice(None)] * missing
    # As tf_keras writes down slices, so that the layer can be saved.
    written = [{"start": k.start, "stop": k.stop, "step": k.step} if isinstance(k, slice) else k for k in key]
    return emit.function(_tf.tensorflow().__operators__.getitem, x, tuple(written))


def pad(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    """Emit what equals keras.ops.pad."""
    x, operation, value = given["x"], step.operation, given.get("constant_values") or 0
    widths = [tuple(int(n) for n in pair) for pair in operation.pad_width]
    widths = widths * len(x.shape) if len(widths) == 1 else widths
    spatial = widths[1:-1]
    if operation.mode == "constant" and value == 0 and len(spatial) in (1, 2) and widths[0] == widths[-1] == (0, 0):
        return emit.layer(
            f"ZeroPadding{len(spatial)}D", x, {"padding": spatial[0] if len(spatial) == 1 else tuple(spatial)}
        )
    options = {"mode": operation.mode.upper(), "constant_values": value}
    return emit.function(_tf.tensorflow().pad, x, [list(pair) for pair in widths], options=options)


def split(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    """Emit what equals keras.ops.split."""
    x, parts, axis = given["x"], step.operation.indices_or_sections, step.operation.axis
    if not isinstance(parts, int):
        edges = [0, *(int(p) for p in parts), int(x.shape[axis])]
        parts = [after - before for before, after in zip(edges, edges[1:], strict=False)]
    return emit.function(_tf.tensorflow().split, x, parts, options={"axis": axis})


def flip(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    """Emit what equals keras.ops.flip."""
    axes = axes_of(step.operation.axis, len(given["x"].shape))
    return emit.function(_tf.tensorflow().reverse, given["x"], options={"axis": axes})


def einsum(step: Step, given: dict[str, Any], emit: Emit) -> Any:
    """A product of two tensors by transposes and one matmul: tf.einsum takes *inputs, which tf_keras cannot save."""
    tf, equation = _tf.tensorflow(), step.operation.subscripts.replace(" ", "")
    terms, _, result = equation.partition("->")
    left, _, right = terms.partition(",")
    batch = [i for i in left if i in right and i in result]
    summed = [i for i in left if i in right and i not in result]
    rows, columns = [i for i in left if i not in right], [i for i in right if i not in left]
    ours = [*batch, *rows, *columns]
    plain = all(len(set(term)) == len(term) and term.isalpha() for term in (left, right, result))
    one_matmul = len(summed) == len(columns) == 1 and (len(rows) == 1 or (rows and not batch))
    if not (plain and one_matmul and sorted(ours) == sorted(result)):
        raise ModelError(
            "keras.ops.einsum has an equivalent only where it is one matrix product.",
            received=f"{equation!r} in operation {step.operation.name!r}",
            remedy="Replace it by keras.ops.matmul, keras.ops.sum and the like, or by built-in layers.",
        )

    def turned(x: Any, old: str, new: list[str], part: str) -> Any:
        order = [old.index(i) for i in new]
        if order == sorted(order):
            return x
        return (
            emit.function(tf.transpose, x, options={"perm": order}, part=part) if is_tensor(x) else x.transpose(order)
        )

    x, y = (constant(operand) for operand in given["operands"])
    x, y = turned(x, left, [*batch, *rows, *summed], "left"), turned(y, right, [*batch, *summed, *columns], "right")
    if ours == list(result):
        return emit.function(tf.linalg.matmul, x, y)
    product = emit.function(tf.linalg.matmul, x, y, part="product")
    return emit.function(tf.transpose, product, options={"perm": [ours.index(i) for i in result]})
