"""How layers pass channels on: one function for each way that a row of `keras.kinds` names.

A rule returns the numbers of the channels along its output's last axis, or None where it cannot prove them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgekit import _tf
from edgekit.keras.kinds import Flow, is_own, kind_of
from edgekit.keras.types import KerasLayer

__all__ = ["Call", "Rule", "Tracker", "rule_for"]

Ids = NDArray[np.int64]


class Tracker(Protocol):
    """Hands out and ties the numbers of channels."""

    def fresh(self, count: int) -> Ids:
        """New channels."""
        ...

    def tie(self, one: Ids, other: Ids) -> None:
        """Make channels go or stay together, one by one."""
        ...

    def freeze(self, ids: Ids, reason: str) -> None:
        """Make channels stay."""
        ...

    def cut(
        self,
        layer: KerasLayer,
        weights: list[dict[int, Ids]],
        *,
        widths: dict[str, Ids] | None = None,
        inputs: dict[int, Ids] | None = None,
        outputs: Ids | None = None,
        heads: Ids | None = None,
    ) -> None:
        """Say how a layer's weights and config follow the channels; see `Cut`."""
        ...


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    Attributes:
        layer: The layer.
        args, kwargs: What it was called with.
        tensors: The symbolic tensors among them, flat.
        inputs: Numbers of their channels.
        output: The symbolic tensor that it gave.
    """

    layer: KerasLayer
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[Any]
    inputs: list[Ids]
    output: Any

    @property
    def width(self) -> int:
        """How many channels the output has."""
        return int(self.output.shape[-1])


Rule = Callable[[Tracker, Call], Ids | None]


def rule_for(layer: KerasLayer) -> Rule | None:
    """The rule of a layer that the table of kinds knows by its very class; None for images with channels first."""
    flow = kind_of(layer).channels
    if flow is None or not (flow == "operation" or is_own(layer)):
        return None
    return None if getattr(layer, "data_format", "channels_last") == "channels_first" else _RULES[flow]


def _dense(tracker: Tracker, call: Call) -> Ids | None:
    return _mixing(tracker, call, "units", into=0, out=1)


def _conv(tracker: Tracker, call: Call) -> Ids | None:
    if call.layer.groups != 1:
        return None
    rank = call.layer.rank
    return _mixing(tracker, call, "filters", into=rank, out=rank + 1)


def _transposed(tracker: Tracker, call: Call) -> Ids | None:
    rank = call.layer.rank
    return _mixing(tracker, call, "filters", into=rank + 1, out=rank)


def _mixing(tracker: Tracker, call: Call, key: str, *, into: int, out: int) -> Ids | None:
    made = tracker.fresh(call.width)
    tracker.cut(
        call.layer,
        [{into: call.inputs[0], out: made}, *([{0: made}] if call.layer.use_bias else [])],
        widths={key: made},
        inputs={0: call.inputs[0]},
        outputs=made,
    )
    return _activated(tracker, call, made)


def _separable(tracker: Tracker, call: Call) -> Ids | None:
    rank, given = call.layer.rank, call.inputs[0]
    made, spread = tracker.fresh(call.width), np.repeat(given, call.layer.depth_multiplier)
    tracker.cut(
        call.layer,
        [{rank: given}, {rank: spread, rank + 1: made}, *([{0: made}] if call.layer.use_bias else [])],
        widths={"filters": made},
        inputs={0: given},
        outputs=made,
    )
    return _activated(tracker, call, made)


def _depthwise(tracker: Tracker, call: Call) -> Ids | None:
    given = call.inputs[0]
    spread = np.repeat(given, call.layer.depth_multiplier)
    tracker.cut(call.layer, [{call.layer.rank: given}, *([{0: spread}] if call.layer.use_bias else [])])
    return _activated(tracker, call, spread)


def _activated(tracker: Tracker, call: Call, ids: Ids) -> Ids:
    if not _elementwise_activation(call.layer):
        tracker.freeze(ids, f"the activation of the layer {call.layer.name!r} may mix channels")
    return ids


def _activation(tracker: Tracker, call: Call) -> Ids | None:
    return call.inputs[0] if _elementwise_activation(call.layer) else None


def _elementwise_activation(layer: KerasLayer) -> bool:
    homes = (_tf.tf_keras().activations, _tf.tensorflow().nn, _tf.tensorflow().math)
    known = [getattr(home, name, None) for home in homes for name in _ELEMENTWISE_ACTIVATIONS]
    return layer.activation is None or any(layer.activation is k for k in known)


def _embedding(tracker: Tracker, call: Call) -> Ids | None:
    made = tracker.fresh(call.width)
    tracker.cut(call.layer, [{1: made}], widths={"output_dim": made}, outputs=made)
    return made


def _normalization(tracker: Tracker, call: Call) -> Ids | None:
    axis = call.layer.axis
    axes = [axis] if isinstance(axis, int) else list(axis)
    if [a % len(call.output.shape) for a in axes] != [len(call.output.shape) - 1]:
        return None
    tracker.cut(call.layer, [{0: call.inputs[0]} for _ in call.layer.weights])
    return call.inputs[0]


def _prelu(tracker: Tracker, call: Call) -> Ids | None:
    rank = len(call.output.shape) - 1
    shared = rank in [a % (rank + 1) for a in (call.layer.shared_axes or ())]
    tracker.cut(call.layer, [{} if shared else {rank - 1: call.inputs[0]}])
    return call.inputs[0]


def _recurrent(tracker: Tracker, call: Call) -> Ids | None:
    """Input channels may go; units stay, which gates and states share."""
    wrapped = type(call.layer).__name__ == "Bidirectional"
    inner = call.layer.forward_layer if wrapped else call.layer
    keras = _tf.tf_keras().layers
    if type(inner) not in (keras.GRU, keras.LSTM, keras.SimpleRNN) or len(call.inputs) != 1:
        return None
    weights: list[dict[int, Ids]] = [{} for _ in call.layer.weights]
    for first in (0, len(weights) // 2) if wrapped else (0,):
        weights[first] = {0: call.inputs[0]}
    made = tracker.fresh(call.width)
    tracker.freeze(made, f"units of the layer {call.layer.name!r} ({type(call.layer).__name__}) are not pruned")
    tracker.cut(call.layer, weights, inputs={0: call.inputs[0]}, outputs=made)
    return made


def _attention(tracker: Tracker, call: Call) -> Ids | None:
    """Heads go whole, and the width of query, key, value and output follows what they are tied to."""
    config = call.layer.get_config()
    names = dict(zip(("query", "value", "key", "attention_mask"), call.args, strict=False)) | call.kwargs
    place = {
        n: next((i for i, t in enumerate(call.tensors) if t is names[n] and _argument(call, i) == n), None)
        for n in ("query", "value", "key")
        if names.get(n) is not None
    }
    if None in place.values() or isinstance(config["output_shape"], list | tuple) and len(config["output_shape"]) > 1:
        return None
    query, value = (call.inputs[place[n]] for n in ("query", "value"))  # type: ignore[index]
    key = call.inputs[place["key"]] if "key" in place else value  # type: ignore[index]
    if len(call.inputs) > len(place):  # the attention mask has an axis of steps last
        for i in set(range(len(call.inputs))) - set(place.values()):
            tracker.freeze(call.inputs[i], f"it makes the mask of the layer {call.layer.name!r}")
    heads, made = tracker.fresh(config["num_heads"]), tracker.fresh(call.width)
    weights: list[dict[int, Ids]] = []
    for given in (query, key, value):
        weights += [{0: given, 1: heads}, *([{0: heads}] if config["use_bias"] else [])]
    weights += [{0: heads, 2: made}, *([{0: made}] if config["use_bias"] else [])]
    tracker.cut(
        call.layer,
        weights,
        widths={
            "num_heads": heads,
            "output_shape": made,
            "query_shape": query,
            "key_shape": key,
            "value_shape": value,
        },
        inputs={i: call.inputs[i] for i in place.values() if i is not None},
        outputs=made,
        heads=heads,
    )
    return made


def _argument(call: Call, place: int) -> str:
    """The name of the argument that the tensor at a place of MultiHeadAttention's call is given as."""
    positional = [n for n, a in zip(("query", "value", "key", "attention_mask"), call.args, strict=False) if _is(a)]
    return [*positional, *(k for k in sorted(call.kwargs) if _is(call.kwargs[k]))][place]


def _is(argument: Any) -> bool:
    return hasattr(argument, "_keras_history")


def _same(tracker: Tracker, call: Call) -> Ids | None:
    return call.inputs[0] if len(call.inputs) == 1 and len(call.inputs[0]) == call.width else None


def _rescaling(tracker: Tracker, call: Call) -> Ids | None:
    return call.inputs[0] if np.ndim(call.layer.scale) == 0 and np.ndim(call.layer.offset) == 0 else None


def _permute(tracker: Tracker, call: Call) -> Ids | None:
    return call.inputs[0] if call.layer.dims[-1] == len(call.layer.dims) else None


def _tied(tracker: Tracker, call: Call) -> Ids | None:
    """Element-wise on several inputs; one channel that is spread over all of another input must stay."""
    wide = max(call.inputs, key=len)
    for ids in call.inputs:
        if len(ids) == len(wide):
            tracker.tie(wide, ids)
        elif len(ids) == 1:
            tracker.freeze(ids, f"the layer {call.layer.name!r} spreads it over other channels")
        else:
            return None
    return wide


def _concatenate(tracker: Tracker, call: Call) -> Ids | None:
    rank = len(call.output.shape)
    if call.layer.axis % rank == rank - 1:
        return np.concatenate(call.inputs)
    return _tied(tracker, call)


def _flatten(tracker: Tracker, call: Call) -> Ids | None:
    """Channels lie side by side in every position: each owns as many rows of what follows as there are positions."""
    given = call.inputs[0]
    if not len(given) or call.output.shape[-1] is None or len(call.tensors[0].shape) < 2:
        return None
    return np.tile(given, call.width // len(given))


def _reshape(tracker: Tracker, call: Call) -> Ids | None:
    """Followed where rows of channels stay whole: the old number of channels divides the new one, or the reverse."""
    given, width = call.inputs[0], call.output.shape[-1]
    if width is None or not len(given) or len(call.tensors[0].shape) < 2:
        return None
    if width % len(given) == 0:
        made = np.tile(given, width // len(given))
    elif len(given) % width == 0:
        made = given[:width]
        tracker.tie(given, np.tile(made, len(given) // width))
    else:
        return None
    open_last = call.layer.target_shape[-1] == -1
    tracker.cut(call.layer, [], widths={} if open_last else {"target_shape": made})
    return made


def _operation(tracker: Tracker, call: Call) -> Ids | None:
    """A TensorFlow function as a layer: element-wise ones, and means over other axes."""
    symbol = str(getattr(call.layer, "symbol", ""))
    constants = [a for a in (*call.args, *call.kwargs.values()) if not _is(a) and not isinstance(a, str)]
    if symbol in _MEANS:
        axis = call.kwargs.get("axis", call.args[1] if len(call.args) > 1 else None)
        rank = len(call.tensors[0].shape)
        axes = [axis] if isinstance(axis, int) else axis
        whole = axes is None or any(not isinstance(a, int) or a % rank in (0, rank - 1) for a in axes)
        return None if whole or len(call.inputs) != 1 else call.inputs[0]
    if any(math.prod(np.shape(c)) != 1 or isinstance(c, list | tuple | dict) for c in constants if c is not None):
        return None
    if symbol in _UNARY:
        return _same(tracker, call)
    if symbol in _BINARY:
        return _tied(tracker, call) if call.width == max(map(len, call.inputs)) else None
    return None


_ELEMENTWISE_ACTIVATIONS = (
    "elu exponential gelu hard_sigmoid leaky_relu linear mish relu relu6 selu sigmoid silu softplus softsign swish tanh"
).split()

_MEANS = frozenset(("math.reduce_max", "math.reduce_mean", "math.reduce_sum", "reduce_max", "reduce_mean"))
_UNARY = frozenset(
    "abs cast clip_by_value identity math.abs math.sigmoid math.softplus math.square math.tanh negative nn.elu "
    "nn.gelu nn.leaky_relu nn.relu nn.relu6 nn.sigmoid nn.silu nn.softplus nn.swish nn.tanh stop_gradient tanh".split()
)
_BINARY = frozenset(
    "__operators__.add __operators__.mul __operators__.sub __operators__.truediv add math.add math.divide math.maximum "
    "math.minimum math.multiply math.subtract math.truediv maximum minimum multiply subtract".split()
)

_RULES: dict[Flow, Rule] = {
    "activation": _activation,
    "attention": _attention,
    "concatenate": _concatenate,
    "convolution": _conv,
    "dense": _dense,
    "depthwise": _depthwise,
    "embedding": _embedding,
    "flatten": _flatten,
    "normalization": _normalization,
    "operation": _operation,
    "permute": _permute,
    "prelu": _prelu,
    "recurrent": _recurrent,
    "rescaling": _rescaling,
    "reshape": _reshape,
    "same": _same,
    "separable": _separable,
    "tied": _tied,
    "transposed": _transposed,
}
"""By the word that a kind's row has for how it passes channels on."""
