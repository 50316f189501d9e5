"""Read a foreign Keras file and convert it, in one child process: the parent needs no TensorFlow."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import _tf
from edgekit.keras.files.archives import holds_saved_model
from edgekit.keras.files.plain import PlainModel
from edgekit.keras.files.reading import read_model
from edgekit.keras.loading import model_from
from edgekit.observer import notes_to
from edgekit.sandbox import cpu_limit
from edgekit.tensors import Array
from edgekit_converters.tflite.calibration import Representative
from edgekit_converters.tflite.convert import converted
from edgekit_converters.tflite.foreign import packed_reference
from edgekit_converters.tflite.reference import Held, layer_answers, reference_of
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["preload", "serve"]


def preload() -> None:
    """Import what takes seconds; for children that are forked off."""
    _tf.tf_keras()


def serve(request: dict[str, Any], arrays: list[Array], folder: Path) -> tuple[dict[str, Any], list[Array]]:
    """Convert the file of the request, and say what Keras answers.

    Args:
        request: `path`, `name`, `spec` and `reading`; `representative` and `held` name the inputs that the arrays
            belong to, `data` says what the held ones are; with `layers`, single layers answer and nothing is converted.
        arrays: Calibration samples [N, ...] and samples that the file is held to, if any.
        folder: Where to write.

    Returns:
        The reference's header with `notes` for the user, and the `.tflite` as uint8 [bytes] with its arrays; or names
        of layers with their outputs.
    """
    path, name = Path(request["path"]), str(request["name"])
    notes = list[str]()
    with notes_to(notes.append):
        model = model_from(_read(path, name, folder, request["reading"]), name)
    count = len(request["representative"])
    representative = _samples(request["representative"], arrays[:count])
    samples = _samples(request["held"], arrays[count:])
    held = Held(samples, request["data"]) if samples is not None else None
    answers = cache(lambda: reference_of(model, held))
    if request.get("layers"):
        found = layer_answers(model, answers())
        return {"layers": [layer for layer, _ in found]}, [values for _, values in found]
    content = converted(model, ConvertSpec.model_validate(request["spec"]), representative)
    header, told = packed_reference(answers())
    return {**header, "notes": notes}, [np.frombuffer(content, np.uint8), *told]


def _samples(names: list[str | None], arrays: list[Array]) -> Representative | None:
    if not names:
        return None
    return arrays[0] if names[0] is None else {str(name): array for name, array in zip(names, arrays, strict=True)}


def _read(path: Path, name: str, folder: Path, reading: float) -> PlainModel:
    if not holds_saved_model(path):
        with cpu_limit(reading):
            return read_model(path, name=name)
    from edgekit.keras.files.saved_models import (
        read_saved_model,  # which reads protobufs that other files have no need of
    )

    return read_saved_model(path, name, [], folder, reading=reading)
