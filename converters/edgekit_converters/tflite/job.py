"""Read a foreign Keras file and convert it, in one child process: the parent needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.data.dataset import Array
from edgekit.keras.archives import holds_saved_model
from edgekit.keras.plain import PlainModel
from edgekit.keras.reading import read_model
from edgekit.models.loading import model_from
from edgekit.sandbox import cpu_limit
from edgekit_converters.tflite.convert import convert_keras
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["preload", "serve"]


def preload() -> None:
    """Import what takes seconds; for children that are forked off."""
    _tf.tf_keras()


def serve(request: dict[str, Any], arrays: list[Array], folder: Path) -> tuple[dict[str, Any], list[Array]]:
    """Convert the file of the request (`path`, `name`, `spec`, `reading`) with calibration samples [N, ...], if any.

    Returns:
        A header with `notes` for the user, and the `.tflite` as uint8 [bytes].
    """
    path, name = Path(request["path"]), str(request["name"])
    plain = _read(path, name, folder, request["reading"])
    file, notes = folder / "model.tflite", list[str]()
    convert_keras(
        model_from(plain, name, log=notes.append),
        file,
        ConvertSpec.model_validate(request["spec"]),
        representative=arrays[0] if arrays else None,
    )
    return {"notes": notes}, [np.fromfile(file, np.uint8)]


def _read(path: Path, name: str, folder: Path, reading: float) -> PlainModel:
    if not holds_saved_model(path):
        with cpu_limit(reading):
            return read_model(path, name=name)
    from edgekit.models.saved_models import read_saved_model  # which reads protobufs that other files have no need of

    return read_saved_model(path, name, [], folder, reading=reading)
