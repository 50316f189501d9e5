"""What the functions of `import edgekit` share: the data that belong to a model, and what lies beside its file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import ModelError

if TYPE_CHECKING:
    from edgekit.data import Dataset, DataSpec
    from edgekit.data.memory import Held
    from edgekit.data.sidecar import Sidecar
    from edgekit.data.targets import Task
    from edgekit.keras.types import KerasModel

__all__ = ["data_for", "file_stem", "sidecar_of", "task_of", "tflite_path"]


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
            "A converted model is a .tflite file.", received=repr(str(path)), remedy="Let its name end so."
        )
    return path
