"""The sidecar: `MODEL.json` beside every model that EdgeKit makes, with what its user must know to feed it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.artifact import Artifact, write_atomically
from edgekit.data.labels import label_finding
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.targets import TASKS, Task
from edgekit.errors import DataError, EdgekitError
from edgekit.files import parse_json, read_limited

__all__ = ["UNKNOWN", "Sidecar", "read_sidecar", "sidecar_path", "write_sidecar"]

SCHEMA = "edgekit.sidecar/2"
FIRST = "edgekit.sidecar/1"
"""Also read. It called a model a classifier where nothing was known, which only class names can show."""
UNKNOWN = "unknown"
STATES = ("none", "reset before each call", "kept")
LARGEST = 64 << 20
"""Bytes; a vocabulary of 8,000 words takes 0.1 MB."""
MOST_OPERATIONS = 100
_REMEDY = "Restore it, or remove it and give the preprocessing in the recipe."


@dataclass(frozen=True)
class Sidecar:
    """What belongs to a model but does not fit in its file.

    Attributes:
        preprocessing: From raw samples to model input, before quantisation.
        label_names: Names of the classes, in the order of the outputs; or empty.
        task: classification, regression, reconstruction, or unknown.
        state: What the file keeps from call to call: "none", "reset before each call" or "kept"; None where a sidecar
            of the first form does not say.
        parity: How near the file is to its Keras model, as `edgekit.measure.parity.Parity` has it; None where it was
            not compared.
    """

    preprocessing: Preprocessing
    label_names: tuple[str, ...]
    task: str
    state: str | None = None
    parity: Mapping[str, object] | None = None

    @property
    def known_task(self) -> Task | None:
        """The task, or None where it is unknown."""
        return next((task for task in TASKS if task == self.task), None)


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
        "state": sidecar.state,
        "parity": dict(sidecar.parity) if sidecar.parity is not None else None,
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
    if not os.path.lexists(path):
        return None
    content = read_limited(path, most=LARGEST, what="The sidecar beside the model", remedy=_REMEDY)
    try:
        return _sidecar(parse_json(content))
    except (EdgekitError, ValueError) as error:
        reason = str(error.finding) if isinstance(error, EdgekitError) else str(error).splitlines()[0]
        raise DataError(
            f"The file beside the model must be a sidecar of the form {SCHEMA}.",
            received=f"{path} ({reason[:300]})",
            remedy=_REMEDY,
        ) from None


def _sidecar(content: object) -> Sidecar:
    """Every field with the type that it must have.

    Raises:
        ValueError: One has not; the message says which.
        EdgekitError: An operation of the preprocessing is unknown, or an option of it does not fit.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{type(content).__name__} instead of an object")
    if content.get("schema") not in (SCHEMA, FIRST):
        raise ValueError(f"the schema {str(content.get('schema'))[:80]!r}")
    missing = [key for key in ("preprocessing", "label_names", "task") if key not in content]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)}")
    operations, names, task = (content[key] for key in ("preprocessing", "label_names", "task"))
    if not isinstance(operations, list) or len(operations) > MOST_OPERATIONS:
        raise ValueError(f"preprocessing must be a list of at most {MOST_OPERATIONS} operations")
    if not isinstance(names, list):
        raise ValueError(f"label_names must be a list, not {type(names).__name__}")
    finding = label_finding(names)
    if finding:
        raise ValueError(f"label_names: {finding}")
    if not isinstance(task, str) or task not in (*TASKS, UNKNOWN):
        raise ValueError(f"task must be one of {', '.join((*TASKS, UNKNOWN))}, not {str(task)[:80]!r}")
    if content["schema"] == FIRST and task == "classification" and not names:
        task = UNKNOWN
    state, parity = content.get("state"), content.get("parity")
    if state not in (None, *STATES):
        raise ValueError(f"state must be one of {', '.join(STATES)}, not {str(state)[:80]!r}")
    if parity is not None and not _is_plain(parity):
        raise ValueError("parity must be an object of numbers and short texts")
    return Sidecar(Preprocessing.parse(operations), tuple(names), task, state, parity)


def _is_plain(value: object) -> bool:
    return isinstance(value, dict) and all(
        item is None
        or (isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item))
        or (isinstance(item, str) and len(item) <= 100)
        for item in value.values()
    )
