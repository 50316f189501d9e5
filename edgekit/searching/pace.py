"""How long a training of a search takes: as its past ones took, else by an estimate from one short training."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Literal

from edgekit import interrupt
from edgekit.errors import EdgekitError
from edgekit.recipe import Recipe
from edgekit.searching.executors import Options, check_room, open_executor
from edgekit.searching.ledger import FINAL
from edgekit.searching.results import SearchResult
from edgekit.searching.rungs import Rung
from edgekit.searching.space import Space
from edgekit.searching.trial import Job, Outcome

__all__ = ["Pace", "measured_pace", "timed_pace"]

SAMPLES = 1000
"""Training samples, about, of a timed epoch."""
_LONGER = 3  # epochs of the training that is compared with one of a single epoch


@dataclass(frozen=True)
class Pace:
    """How long trainings take.

    Attributes:
        source: "measured" in trials of the search, or "estimated".
        trainings: How many it comes from.
        fixed: Seconds of a trial whatever its length: to convert and to measure.
        by_share: Seconds more for all of the training data whatever the epochs: what passes train.
        by_epoch: Seconds of one epoch over all of the training data.
        epochs: Of a whole training, as the front's members have it.
        known: Mean seconds of trainings that were measured, by (epochs, share).
    """

    source: Literal["measured", "estimated"]
    trainings: int
    fixed: float
    by_share: float
    by_epoch: float
    epochs: int
    known: Mapping[tuple[int, float], float] = field(default_factory=dict)

    def seconds(self, rung: Rung) -> float:
        """Of one trial on a rung."""
        found = self.known.get((rung.epochs, rung.share))
        return self.fixed + rung.share * (self.by_share + rung.epochs * self.by_epoch) if found is None else found

    @property
    def full(self) -> float:
        """Seconds of one training by the recipe itself."""
        return self.seconds(Rung(max(self.epochs, 1)))


def measured_pace(space: Space, past: SearchResult, epochs: int) -> Pace | None:
    """As the trials of a search took; a length that none had takes as long for each epoch as the longest of them.

    Args:
        space: Of the search.
        past: What it has so far.
        epochs: Of a whole training.

    Returns:
        None where no trial has ended.
    """
    ladder = space.settings.fidelity.ladder
    took: dict[tuple[int, float], list[float]] = defaultdict(list)
    for trial in past.trials:
        for place, outcome in trial["outcomes"].items():
            rung = Rung(max(epochs, 1)) if ladder is None or int(place) == FINAL else ladder.rungs[int(place)]
            if outcome["status"] == "done":
                took[rung.epochs, rung.share].append(outcome["seconds"])
    if not took:
        return None
    known = {place: mean(seconds) for place, seconds in took.items()}
    (most, share), longest = max(known.items(), key=lambda item: item[0][0] * item[0][1])
    return Pace("measured", sum(map(len, took.values())), 0.0, 0.0, longest / (most * share), epochs, known)


def timed_pace(recipe: Recipe, samples: int, epochs: int) -> Pace:
    """An estimate from one candidate, trained for a few epochs on part of the data in a process of its own.

    Args:
        recipe: Of the candidate.
        samples: Training samples that there are.
        epochs: Of a whole training.

    Raises:
        EdgekitError: It cannot be trained.
    """
    share = min(0.5, SAMPLES / max(samples, 1))
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        timing = _Timing(recipe, Path(folder))
        try:
            timing.seconds(1, share)  # loads TensorFlow and reads the data
            short, more, longer = timing.seconds(1, share), timing.seconds(1, 2 * share), timing.seconds(_LONGER, share)
        finally:
            timing.close()
    by_epoch = max(0.0, longer - short) / (_LONGER - 1) / share if recipe.train is not None else 0.0
    by_share = max(0.0, (more - short) / share - by_epoch)
    fixed = max(0.0, short - share * (by_share + by_epoch))
    return Pace("estimated", 1, fixed, by_share, by_epoch, epochs)


class _Timing:
    """Runs one candidate again and again, each time from the beginning."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self._recipe, self._folder, self._count = recipe, folder, 0
        self._executor = open_executor("local", Options(1, folder / "logs"))

    def seconds(self, epochs: int, share: float) -> float:
        """What it takes for so many epochs on a share of the data."""
        self._count += 1
        place = self._folder / str(self._count)
        self._executor.submit(
            Job(
                number=0,
                rung=0,
                recipe=self._recipe.dump(),
                folder=str(place / "trial"),
                store=str(place / "store"),
                epochs=epochs,
                share=share,
                costs=str(place / "costs"),
            )
        )
        return _done(self._waited()).seconds

    def close(self) -> None:
        self._executor.close()

    def _waited(self) -> Outcome:
        while True:
            interrupt.check()
            for outcome in self._executor.wait(1.0):
                return outcome


def _done(outcome: Outcome) -> Outcome:
    """An outcome that tells a time: a file that is too large was measured and not trained.

    Raises:
        EdgekitError: The candidate failed.
    """
    check_room(outcome)
    if outcome.status == "failed":
        raise EdgekitError(
            "A candidate of the space must be trained for a moment to tell how long the search takes.",
            received=outcome.reason,
            remedy="Correct what the candidate fails by.",
        )
    return outcome
