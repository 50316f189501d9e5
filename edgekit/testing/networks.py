"""What every network does."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgekit.keras import load_model, save_model
from edgekit.keras.types import KerasModel
from edgekit.tensors import Array
from edgekit.testing.saying import expect, runs
from edgekit.training import seed_everything

__all__ = ["Build", "check_network"]


class Build(Protocol):
    """`build` of a module like those in edgekit/keras/networks."""

    def __call__(self, input_shape: tuple[int, ...], classes: int, **parameters: Any) -> Any: ...


def check_network(
    build: Build,
    input_shape: Sequence[int],
    classes: int = 10,
    *,
    parameters: Mapping[str, Any] | None = None,
    samples: Array | None = None,
) -> None:
    """Hold a network to what recipes rely on.

    Args:
        build: Function that gives the untrained tf_keras model.
        input_shape: Shape of one sample that it takes, without batch.
        classes: Width of its output; networks that tell no classes have the shape of their input.
        parameters: Parameters of the family; default the usual ones.
        samples: [N, ...] that it takes; default random numbers in 0..1.

    Raises:
        AssertionError: It breaks a rule; the sentence names it.
    """
    shape = tuple(input_shape)
    model, again = _built(build, shape, classes, parameters or {}), _built(build, shape, classes, parameters or {})
    name = model.name
    expect(model.input_shape == (None, *shape), f"{name} takes batches of samples {list(shape)}.", model.input_shape)
    names = [layer.name for layer in model.layers]
    expect(len(set(names)) == len(names), f"Layers of {name} have names of their own.", names)
    same = all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    expect(same, f"{name} has the same weights for the same seed.")
    if samples is None:
        samples = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    with runs(f"{name} on samples {list(samples.shape)}"):
        answers = np.asarray(model(samples))
    expect(np.isfinite(answers).all(), f"{name} answers with finite numbers.")
    shapes = ((len(samples), classes), samples.shape)
    expect(answers.shape in shapes, f"{name} answers [N, {classes}], or in the shape of its input.", answers.shape)
    if answers.shape == shapes[0] != shapes[1]:
        close = np.allclose(answers.sum(-1), 1, rtol=1e-5)
        expect(close, f"{name} ends in a softmax: what it answers to a sample sums to 1.")
    with tempfile.TemporaryDirectory() as folder, runs(f"Saving and loading {name}"):
        save_model(model, Path(folder) / "model.h5")
        loaded: Any = load_model(Path(folder) / "model.h5")
        close = np.allclose(np.asarray(loaded(samples)), answers, rtol=1e-7, atol=1e-5)
    expect(close, f"{name} answers the same when it was saved and loaded.")


def _built(build: Build, shape: tuple[int, ...], classes: int, parameters: Mapping[str, Any]) -> KerasModel:
    seed_everything(0)
    with runs(f"build({shape}, {classes})"):
        model: KerasModel = build(shape, classes, **parameters)
    return model
