"""The sidecar: `MODEL.json` beside every model that EdgeKit makes, with what its user must know to feed it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from edgekit.artifact import Artifact, write_atomically
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError

__all__ = ["Sidecar", "read_sidecar", "sidecar_path", "write_sidecar"]

SCHEMA = "edgekit.sidecar/1"


@dataclass(frozen=True)
class Sidecar:
    """What belongs to a model but does not fit in its file.

    Attributes:
        preprocessing: From raw samples to model input, before quantisation.
        label_names: Names of the classes, in the order of the outputs; or empty.
        task: classification, regression or reconstruction.
    """

    preprocessing: Preprocessing
    label_names: tuple[str, ...]
    task: str


def sidecar_path(model: Path) -> Path:
    """`model.tflite` -> `model.tflite.json`."""
    return model.with_name(f"{model.name}.json")


def write_sidecar(model: Path, sidecar: Sidecar, artifact: Artifact | None = None) -> None:
    """Write the sidecar of a model that exists."""
    content = {
        "schema": SCHEMA,
        "preprocessing": sidecar.preprocessing.dump(),
        "label_names": list(sidecar.label_names),
        "task": sidecar.task,
        "artifact": artifact.as_dict() if artifact else None,
    }
    with write_atomically(sidecar_path(model)) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_sidecar(model: Path) -> Sidecar | None:
    """The sidecar of a model, or None if it has none.

    Raises:
        DataError: It is there, but is not a sidecar.
    """
    path = sidecar_path(model)
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise KeyError("schema")
        return Sidecar(
            Preprocessing.parse(content["preprocessing"]), tuple(content["label_names"]), str(content["task"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"The file beside the model must be a sidecar of the form {SCHEMA}.",
            received=f"{path} ({type(error).__name__}: {error})",
            remedy="Restore it, or remove it and give the preprocessing in the recipe.",
        ) from None
