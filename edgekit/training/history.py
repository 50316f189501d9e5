"""What trainings said epoch by epoch, kept beside their checkpoints: one that goes on after a kill has all epochs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from edgekit.observer import EpochEnded

__all__ = ["Histories", "epochs_kept", "is_training", "keep_epoch", "read_training"]

Histories = dict[str, dict[str, list[float | None]]]
"""By training, then by figure (loss, val_loss, ...), one value per epoch; None for what is no finite number."""
FILE = "training.json"


def read_training(folder: Path) -> Histories:
    """What the trainings of a folder said so far, in the order in which they began; nothing where that is damaged."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if is_training(content) else {}


def keep_epoch(folder: Path, told: EpochEnded) -> None:
    """Write down what an epoch gave; what is there of it and of later ones was of a run that was killed."""
    kept = read_training(folder)
    before = kept.get(told.fit, {}) if told.epoch else {}
    values = {name: before.get(name, [])[: told.epoch] for name in (*before, *told.figures)}
    for name, numbers in values.items():
        numbers += [None] * (told.epoch - len(numbers))
        numbers.append(told.figures.get(name))
    new = folder / f"{FILE}.new"
    new.unlink(missing_ok=True)  # were it a link, writing would follow it
    new.write_text(json.dumps({**kept, told.fit: values}), encoding="utf-8")
    os.replace(new, folder / FILE)


def epochs_kept(folder: Path, fit: str) -> int:
    """How many epochs of a training are written down."""
    return max(map(len, read_training(folder).get(fit, {}).values()), default=0)


def is_training(value: object) -> bool:
    """Whether a JSON value is what trainings said: the figures of one have a value for each of its epochs."""
    return _maps(value) and all(
        _maps(figures) and all(map(_is_series, figures.values())) and len(set(map(len, figures.values()))) <= 1
        for figures in value.values()
    )


def _maps(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_series(value: object) -> bool:
    return isinstance(value, list) and all(
        v is None or (isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)) for v in value
    )
