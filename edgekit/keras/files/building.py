"""From plain data to a Keras model: written to a file of EdgeKit's own making, which Keras loads by its own rules.

The file holds what the tables allow and the arrays that were checked, so Keras never sees the foreign one. While Keras
builds, layers may not make more weights than the file has, nor tensors beyond all measure.
"""

from __future__ import annotations

import importlib
import json
import math
import threading
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras.files.hdf5 import write_tree
from edgekit.keras.files.holds import LARGEST_STEPS
from edgekit.keras.files.plain import PlainModel

if TYPE_CHECKING:
    import h5py

__all__ = ["bounded_building", "build_model", "first_line"]

WEIGHTS_SLACK = 64 << 20
"""Bytes of weights that a model may have beside those of its file: states, masks, constants."""
LARGEST_TENSOR = 1 << 28
"""Numbers of one sample in any tensor between two layers: 1 GB of floats."""
MOST_CALLS = 20_000
"""Of layers while a model is built, at a millisecond or two each; the largest of keras.applications makes 1,500."""
ROWS_OF_A_CALL = 64
"""Rows of an upsampling, each of which is an operator, that take as long as a call."""


def build_model(plain: PlainModel, *, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build the model of a checked file.

    Args:
        plain: What was read of the file.
        name: What messages call the file.
        custom_objects: Classes and functions of the user's, by name.

    Returns:
        A model of the Keras that wrote the file, not compiled.

    Raises:
        ModelError: Keras cannot build it, or it asks for more than the file has.
    """
    keras = _tf.keras3() if plain.is_keras3 else _tf.tf_keras()
    known = {**_of_applications(plain), **(custom_objects or {})}
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"model.{plain.form}"
        _write(plain, path)
        try:
            with bounded_building(keras, name, 2 * plain.weights.bytes):
                return keras.models.load_model(path, compile=False, safe_mode=True, custom_objects=known)
        except EdgekitError:
            raise
        except Exception as error:  # Keras raises every kind of error on an unknown or inconsistent model
            raise ModelError(
                f"Keras {plain.version} must be able to load the model.",
                received=f"{name} ({first_line(error)})",
                remedy="If it has custom layers, give module:function that builds and loads it; else save it again.",
            ) from error


def first_line(error: Exception) -> str:
    """What went wrong, in one line."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200]}" if text else type(error).__name__


def _write(plain: PlainModel, path: Path) -> None:
    import h5py

    if plain.form == "h5":
        with h5py.File(path, "w") as file:
            _set_text(file, "model_config", json.dumps(plain.config))
            file.attrs["keras_version"], file.attrs["backend"] = plain.version, "tensorflow"
            write_tree(file.create_group("model_weights"), plain.weights)
        return
    weights = path.with_name("model.weights.h5")
    with h5py.File(weights, "w") as file:
        write_tree(file, plain.weights)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(plain.config))
        archive.writestr("metadata.json", json.dumps({"keras_version": plain.version, "date_saved": ""}))
        archive.write(weights, "model.weights.h5")


def _set_text(owner: h5py.HLObject, name: str, text: str) -> None:
    """A text of any length: texts of variable length lie outside of HDF5's headers, which end at 64 KB."""
    import h5py

    owner.attrs.create(name, text, dtype=h5py.string_dtype())


def _of_applications(plain: PlainModel) -> dict[str, Any]:
    """Classes that stand inside keras.applications, which the older file form finds only where they are handed over."""
    homes = [maker for maker in plain.makers if maker.startswith("keras.src.applications")]
    modules = [importlib.import_module(home if plain.is_keras3 else f"tf_{home}") for home in homes]
    names = ("LayerScale", "StochasticDepth", "CustomScaleLayer")
    return {name: vars(module)[name] for module in modules for name in names if name in vars(module)}


@dataclass
class _Bounds:
    file: str
    bytes: int
    calls: int = 0
    refusal: ModelError | None = None

    def weight(self, shape: Any, layer: Any) -> None:
        """A weight is about to be made."""
        axes = tuple(shape) if isinstance(shape, Iterable) else (shape,)
        size = 4 * math.prod(int(n) for n in axes if n is not None)
        self.bytes -= size
        if self.bytes < 0:
            self._refuse("A model has the weights that its file holds.", f"{size:,} bytes more for {layer.name!r}")

    def call(self, inputs: Any, layer: Any) -> None:
        """A layer is about to be called on tensors that stand for its inputs."""
        self._spend(1, layer)
        shapes = [shape for shape in map(_shape, _leaves(inputs)) if shape is not None]
        for shape in shapes:
            size = math.prod(n for n in shape[1:] if n is not None)
            if size > LARGEST_TENSOR:
                self._refuse(
                    f"Tensors between layers have at most {LARGEST_TENSOR:,} numbers for one sample.",
                    f"{size:,} before {layer.name!r}",
                )
            steps = shape[1] if len(shape) > 1 and shape[1] is not None else 0
            if getattr(layer, "unroll", False):
                if steps > LARGEST_STEPS:
                    self._refuse(f"unroll writes out at most {LARGEST_STEPS:,} steps.", f"{steps:,} in {layer.name!r}")
                self._spend(steps, layer)
            if type(layer).__name__ in ("UpSampling1D", "UpSampling3D"):
                rows = max([0, *(n for n in shape[1:-1] if n is not None)]) * _largest(layer.size)
                if rows > 1 << 20:
                    self._refuse("Upsampling repeats at most 1,048,576 rows.", f"more in {layer.name!r}")
                self._spend(rows // ROWS_OF_A_CALL, layer)

    def _spend(self, calls: int, layer: Any) -> None:
        """Models inside models that call each other twice double at each level, in a file that grows by a line."""
        self.calls += calls
        if self.calls > MOST_CALLS:
            self._refuse(f"A model makes at most {MOST_CALLS:,} calls of layers.", f"more at {layer.name!r}")

    def _refuse(self, rule: str, received: str) -> None:
        self.refusal = ModelError(
            rule, received=f"{self.file}, {received}", remedy="It is damaged or was made to do harm: do not use it."
        )
        raise self.refusal


_BOUNDS: ContextVar[_Bounds | None] = ContextVar("bounds of the model that is being built", default=None)
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def bounded_building(keras: Any, file: str, size: int) -> Iterator[None]:
    """While a model is built here, its layers keep to bounds; other threads' layers are left alone.

    Args:
        keras: The Keras that builds it.
        file: The file's name, for messages.
        size: Bytes of weights that it may make, beside `WEIGHTS_SLACK`.
    """
    layer = keras.layers.Layer
    make, call = layer.add_weight, layer.__call__

    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        bounds = _BOUNDS.get()
        if bounds is not None:
            shape = kwargs.get("shape", next((a for a in args if not isinstance(a, str)), None))
            bounds.weight(shape, self)
        return make(self, *args, **kwargs)

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        bounds = _BOUNDS.get()
        if bounds is not None:
            bounds.call((args, kwargs), self)
        return call(self, *args, **kwargs)

    with _ONE_AT_A_TIME:
        bounds = _Bounds(file, size + WEIGHTS_SLACK)
        token = _BOUNDS.set(bounds)
        layer.add_weight, layer.__call__ = add_weight, called
        try:
            yield
        except Exception:
            if bounds.refusal is not None:  # Keras writes its own words around it
                raise bounds.refusal from None
            raise
        finally:
            layer.add_weight, layer.__call__ = make, call
            _BOUNDS.reset(token)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _shape(tensor: Any) -> tuple[int | None, ...] | None:
    shape = getattr(tensor, "shape", None)
    if shape is None or getattr(shape, "rank", 0) is None:
        return None
    return tuple(None if n is None else int(n) for n in shape)


def _largest(size: Any) -> int:
    return int(max(size)) if isinstance(size, list | tuple) else int(size)
