"""What trainings said epoch by epoch, kept beside their checkpoints: one that goes on after a kill has all epochs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard, cast

from edgekit.observer import EpochEnded

__all__ = ["Histories", "epochs_kept", "is_training", "keep_epoch", "numbers", "read_training", "thinned"]

Histories = dict[str, dict[str, list[float | None]]]
"""By training, then by figure (loss, val_loss, ...), one value per epoch; None for what is no finite number."""
FILE = "training.json"
MOST = 2_000
"""Epochs of one training in a record of a step."""
EPOCH = "epoch"
"""The figure that has the numbers of those that were kept, from 1 on."""
LARGEST = 64 << 20


def read_training(folder: Path) -> Histories:
    """What the trainings of a folder said so far, in the order in which they began; nothing where that is damaged."""
    try:
        with (folder / FILE).open("rb") as file:
            text = file.read(LARGEST + 1)
        content: object = json.loads(text) if len(text) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        return {}
    return cast(Histories, content) if is_training(content) else {}


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


def thinned(told: Histories) -> Histories:
    """The same with at most 2,000 epochs of each training, the first and the last among them, at even distances."""
    found = {}
    for fit, figures in told.items():
        count = max(map(len, figures.values()), default=0)
        places = sorted({n * (count - 1) // (MOST - 1) for n in range(MOST)}) if count > MOST else None
        if places is not None:
            figures = {name: [values[n] for n in places] for name, values in figures.items()}
            figures[EPOCH] = [n + 1 for n in places]
        found[fit] = figures
    return found


def numbers(figures: Mapping[str, Sequence[float | None]]) -> Sequence[int]:
    """Which epoch each value of a training is of, from 1 on."""
    said = [n for n in figures.get(EPOCH, ()) if n is not None and n == int(n) and n >= 1]
    count = max(map(len, figures.values()), default=0)
    rising = all(a < b for a, b in zip(said, said[1:], strict=False))
    return [int(n) for n in said] if len(said) == count and rising else range(1, count + 1)


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
    return isinstance(value, list) and all(v is None or _is_number(v) for v in value)


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63
