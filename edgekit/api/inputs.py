"""What the functions of `import edgekit` share: the data that belong to a model, and what lies beside its file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import ConversionError, ModelError
from edgekit.observer import logger
from edgekit.places import by_place

if TYPE_CHECKING:
    from edgekit import tflite
    from edgekit.data import Dataset, DataSpec
    from edgekit.data.memory import Held
    from edgekit.data.sidecar import Sidecar
    from edgekit.data.targets import Task
    from edgekit.keras.types import KerasModel

__all__ = ["data_for", "file_stem", "labels_of", "sidecar_of", "task_of", "tflite_path"]

_log = logger(__name__)


def data_for(
    model: str | Path | KerasModel,
    data: str | DataSpec | Dataset | Held,
    seed: int,
    task: Task | None,
    *,
    labels: bool = True,
    calibration: int | None = None,
    trained: bool = True,
) -> Dataset:
    """The data as the model's sidecar says: preprocessed, and its labels, where they are wanted, in its order."""
    from edgekit.data import Dataset, load_data

    if isinstance(data, Dataset):
        return data
    own = sidecar_of(model)
    dataset = load_data(
        data,
        seed=seed,
        trained=trained,
        preprocessing=own.preprocessing if own else None,
        dtype=_input_dtype(model),
        task=task,
        labels=labels,
        calibration=calibration,
    )
    return dataset.numbered_as(own.label_names) if own and labels else dataset


def _input_dtype(model: str | Path | KerasModel) -> str | None:
    """The only input's dtype of a `.tflite`; None for Keras models."""
    from edgekit import tflite

    if not isinstance(model, str | Path) or Path(model).suffix != ".tflite":
        return None
    graph = tflite.read(Path(model)).graphs[0]
    return graph.tensors[graph.inputs[0]].dtype if len(graph.inputs) == 1 else None


def sidecar_of(model: str | Path | KerasModel) -> Sidecar | None:
    """What lies beside a file; None for models in memory."""
    from edgekit.data.sidecar import read_sidecar

    return read_sidecar(Path(model)) if isinstance(model, str | Path) else None


def labels_of(model: tflite.Model, names: tuple[str, ...], task: Task | None) -> tuple[str, ...]:
    """The names of classes that belong beside a converted model; none, and a note, where they are not its output's.

    Args:
        model: The converted model.
        names: What the data, or the sidecar of the model before, call the classes.
        task: What the model is known to answer; None where it is not.

    Raises:
        ConversionError: It is known to be a classifier, so that its output and these names belong to two data sets.
    """
    from edgekit.data.labels import names_output

    graph = model.graphs[0]
    shape = graph.tensors[graph.outputs[0]].shape
    if not names or task in (None, "classification") and names_output(len(names), shape):
        return names
    if task == "classification":
        raise ConversionError(
            "A classifier has a name for each value along the last axis of its first output.",
            received=f"{len(names)} names for an output of {list(shape)}",
            remedy=f"Give data of the classes that the model knows, or say what it answers: "
            f"{by_place(command='--task regression', python='task=...')}.",
        )
    why = f"the model is for {task}" if task else f"its output is {list(shape)}"
    _log.info("%d names of classes are left out of the sidecar: %s.", len(names), why)
    return ()


def task_of(model: str | Path | KerasModel) -> Task | None:
    """What the model's sidecar says; None where there is none, or it does not know."""
    own = sidecar_of(model)
    return own.known_task if own else None


def file_stem(model: KerasModel) -> str:
    """What files are called that are made of a model in memory: its name, with what file systems take."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", model.name)


def tflite_path(output: str | Path) -> Path:
    """The path of a `.tflite` to write.

    Raises:
        ModelError: Its name ends otherwise.
    """
    path = Path(output)
    if path.suffix != ".tflite":
        raise ModelError(
            "A converted model is a .tflite file.", received=repr(str(path)), remedy="Give a name that ends in .tflite."
        )
    return path
