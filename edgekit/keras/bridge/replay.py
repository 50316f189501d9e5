"""Walking a Keras graph and doing every call again elsewhere, nested models inlined.

Keras 3 and tf_keras tell of their graphs in different words; a `Reader` turns either into `Step`s. The bridge replays
Keras 3 on tf_keras tensors, `flatten` replays tf_keras on tf_keras.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from edgekit.errors import ModelError
from edgekit.keras.types import KerasModel

__all__ = ["Graph", "Names", "Reader", "Step", "inline", "leaves", "pack", "reason", "scope_name", "steps_of"]


@dataclass(frozen=True)
class Step:
    """One call in a graph.

    Attributes:
        operation: The layer, nested model or operation called.
        args, kwargs: What it was called with: structures of symbolic tensors and constants.
        outputs: The symbolic tensors it gave, flat.
        training: The `training` flag that its author passed, if any.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[Any]
    training: bool | None = None


@dataclass(frozen=True)
class Graph:
    """A model's calls in an order in which they can be made.

    Attributes:
        inputs, outputs: Structures of symbolic tensors, as the model's author gave them.
        steps: Calls, producers before consumers; input layers are not among them.
    """

    inputs: Any
    outputs: Any
    steps: list[Step]


class Reader(Protocol):
    """How one version of Keras tells of its graphs."""

    def is_model(self, operation: Any) -> bool:
        """Whether the operation is itself a model."""
        ...

    def graph(self, model: KerasModel) -> Graph:
        """The model's graph.

        Raises:
            ModelError: The model has none (subclassed, or not built yet).
        """
        ...


@dataclass
class Names:
    """Hands out layer names, each once.

    A layer keeps its name; where two nested models clash, the one met later is called "outer_inner".
    """

    taken: set[str] = field(default_factory=set)
    given: dict[int, str] = field(default_factory=dict)

    def fresh(self, name: str, *, prefix: str = "") -> str:
        """The name itself if it is free, else with the prefix, else with a number."""
        candidates = self._candidates(scope_name(name), scope_name(prefix) if prefix else "")
        chosen = next(c for c in candidates if c not in self.taken)
        self.taken.add(chosen)
        return chosen

    def of(self, operation: Any) -> str:
        """The name of a layer that `reserve` has met, or a fresh one."""
        if id(operation) not in self.given:
            self.given[id(operation)] = self.fresh(operation.name)
        return self.given[id(operation)]

    def reserve(self, model: KerasModel, reader: Reader, *, prefix: str = "") -> None:
        """Give names to all layers of a model, the outermost first, so that they win a clash."""
        nested = []
        for step in steps_of(reader.graph(model)):
            if reader.is_model(step.operation):
                nested.append(step.operation)
            elif id(step.operation) not in self.given:
                self.given[id(step.operation)] = self.fresh(step.operation.name, prefix=prefix)
        for inner in nested:
            self.reserve(inner, reader, prefix=inner.name)

    def _candidates(self, name: str, prefix: str) -> Iterator[str]:
        yield name
        base = f"{prefix}_{name}" if prefix else name
        if prefix:
            yield base
        number = 1
        while True:
            yield f"{base}_{number}"
            number += 1


def inline(
    model: KerasModel,
    inputs: Sequence[Any],
    reader: Reader,
    call: Callable[[Step], Any],
    *,
    training: bool | None = None,
) -> list[Any]:
    """Make every call of a model again, nested models opened up.

    Args:
        model: Whose graph to follow.
        inputs: What to feed, in the flat order of the model's inputs.
        reader: Reads the graph.
        call: Makes one call: gets the step with its arguments replaced by the new tensors, gives the new outputs.
        training: The flag that an outer model was called with; it holds for the calls inside that have none.

    Returns:
        The new outputs, flat.
    """
    graph = reader.graph(model)
    values = {id(old): new for old, new in zip(leaves(graph.inputs), inputs, strict=True)}
    for step in steps_of(graph):
        flag = training if step.training is None else step.training
        args, kwargs = pack((step.args, step.kwargs), values)
        if reader.is_model(step.operation):
            _refuse_extra_arguments(step)
            inner = _fitted(step.operation, args[0] if args else kwargs.get("inputs"), reader)
            outputs = inline(step.operation, inner, reader, call, training=flag)
        else:
            outputs = leaves(call(Step(step.operation, args, kwargs, step.outputs, flag)))
        values.update({id(old): new for old, new in zip(step.outputs, outputs, strict=True)})
    return [values[id(tensor)] for tensor in leaves(graph.outputs)]


def steps_of(graph: Graph) -> list[Step]:
    """The steps that the outputs depend on; a mask that Keras derived on its own, for example, is none of them."""
    wanted = {id(tensor) for tensor in leaves(graph.outputs)}
    kept = []
    for step in reversed(graph.steps):
        if any(id(tensor) in wanted for tensor in step.outputs):
            kept.append(step)
            wanted.update(id(leaf) for leaf in leaves((step.args, step.kwargs)))
    return kept[::-1]


def leaves(structure: Any) -> list[Any]:
    """The leaves of nested lists, tuples and dicts, in the order that both Keras use: dicts by sorted key."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in leaves(structure[key])]
    if isinstance(structure, list | tuple):
        return [leaf for item in structure for leaf in leaves(item)]
    return [structure]


def pack(structure: Any, values: dict[int, Any]) -> Any:
    """The same structure with every leaf that `values` knows (by id) replaced."""
    if isinstance(structure, dict):
        return {key: pack(item, values) for key, item in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)([pack(item, values) for item in structure])
    return values.get(id(structure), structure)


def scope_name(name: str) -> str:
    """The name, without what TensorFlow does not take in a name scope (Keras 3 takes blanks, for example)."""
    allowed = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name)
    return allowed if allowed[0].isalnum() or allowed[0] == "." else f"layer{allowed}"


def reason(error: Exception) -> str:
    """The one line of a Keras error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith("Exception encountered when")]
    return (said or lines or [type(error).__name__])[0].rstrip(".")


def _refuse_extra_arguments(step: Step) -> None:
    extra = sorted(k for k, v in step.kwargs.items() if k != "inputs" and v is not None)
    if extra or len(step.args) > 1:
        raise ModelError(
            "A nested model can be opened up only where it is called with its inputs alone.",
            received=f"model {step.operation.name!r} called with {', '.join(extra) or 'several arguments'}",
            remedy="Pass the tensor as a further input of the nested model.",
        )


def _fitted(model: KerasModel, given: Any, reader: Reader) -> list[Any]:
    """A nested model's call argument, matched to its inputs as Keras does: by name, by dtype, by last axis."""
    from edgekit import _tf

    tf = _tf.tensorflow()
    declared = reader.graph(model).inputs
    if isinstance(given, dict) and not isinstance(declared, dict):
        given = [given[tensor._keras_history[0].name] for tensor in leaves(declared)]
    fitted = []
    for tensor, reference in zip(leaves(given), leaves(declared), strict=True):
        dtype = tf.as_dtype(reference.dtype)
        if tensor.dtype != dtype and not (tensor.dtype.is_floating and dtype.is_floating):
            tensor = tf.cast(tensor, dtype)
        if len(tensor.shape) == len(reference.shape) + 1:
            tensor = tf.squeeze(tensor, axis=-1)
        elif len(tensor.shape) == len(reference.shape) - 1:
            tensor = tf.expand_dims(tensor, axis=-1)
        fitted.append(tensor)
    return fitted
