"""Running a model call by call, with a look at, or a change of, what goes into each layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import NDArray

from edgekit import _tf
from edgekit.keras.bridge.replay import leaves, pack
from edgekit.keras.types import KerasModel, KerasTensor
from edgekit.methods.channels.graph import Channels

__all__ = ["BATCH", "Look", "batches", "walk"]

BATCH = 32
"""Samples at a time: every intermediate tensor of a batch is held when gradients are taken."""

Look = Callable[[str, int, Any], Any]
"""Gets a layer's name, the place of a tensor among its arguments and the tensor; gives what the layer shall take."""
Run = Callable[[Any, Any], Any]
"""Gets a layer and its only input; gives its output, or None to have the layer called as usual."""


def walk(channels: Channels, model: KerasModel, x: KerasTensor, look: Look, *, run: Run | None = None) -> Any:
    """The model's output in inference mode, made eagerly layer by layer.

    Args:
        channels: What `analyse` gave for this model.
        model: The tf_keras model, with one input and one output.
        x: A batch of its input, a tensor.
        look: Called for every input that a layer mixes channels of.
        run: May take the place of a layer's own call.
    """
    values = {id(model.inputs[0]): _tf.tensorflow().cast(x, model.inputs[0].dtype)}  # as Keras does
    for step in channels.steps:
        layer = step.operation
        tensors = [t for t in leaves((step.args, step.kwargs)) if id(t) in values]
        cut = channels.cuts.get(layer.name)
        places = list(cut.inputs) if cut else []
        args, kwargs = (step.args, step.kwargs)
        if places:
            # By place, not by tensor: attention may be given one tensor three times.
            fed = [look(layer.name, i, values[id(t)]) if i in places else values[id(t)] for i, t in enumerate(tensors)]
            args, kwargs = _filled((args, kwargs), iter(fed), {id(t) for t in tensors})
        else:
            args, kwargs = pack((args, kwargs), values)
        made = run(layer, args[0]) if run and len(args) == 1 else None
        if made is None:
            if layer._call_spec.expects_training_arg:
                kwargs = {**kwargs, "training": False}
            made = layer(*args, **kwargs)
        values.update({id(old): new for old, new in zip(step.outputs, leaves(made), strict=True)})
    return values[id(model.outputs[0])]


def batches(x: NDArray[Any], size: int = BATCH) -> Iterator[tuple[slice, Any]]:
    """Slices of samples with their tensors."""
    for start in range(0, len(x), size):
        part = slice(start, min(start + size, len(x)))
        yield part, _tf.tensorflow().constant(x[part])


def _filled(structure: Any, fed: Iterator[Any], known: set[int]) -> Any:
    """The structure with its tensors replaced in the order of `leaves`."""
    if isinstance(structure, dict):
        filled = {key: _filled(structure[key], fed, known) for key in sorted(structure)}
        return {key: filled[key] for key in structure}
    if isinstance(structure, list | tuple):
        return type(structure)([_filled(item, fed, known) for item in structure])
    return next(fed) if id(structure) in known else structure
