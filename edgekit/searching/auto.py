"""Order and combination found for a model that someone has: what its layers tolerate first, then recipes from mild to
strong, each tried on validation data, until the budget is met, nothing stronger holds, or the time is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from edgekit import interrupt, sandbox
from edgekit.artifact import write_atomically
from edgekit.data import Dataset
from edgekit.errors import EdgekitError
from edgekit.keras import FOREIGN, Loading, load_model
from edgekit.methods.sensitivity import sensitivity
from edgekit.pipeline import Given, Manifest, compress
from edgekit.pipeline.start import NOTHING, with_data
from edgekit.readable import Readable, Rows
from edgekit.recipe import Recipe, checked_recipe
from edgekit.searching.trial import limits_of, on_validation

__all__ = ["Attempt", "AutoResult", "automatic"]

SCHEMA = "edgekit.auto/1"
RECIPE = "recipe.yaml"
_FINEST = 0.04
"""Shares of the MACs that differ by less are not told apart any more."""
_STRONGEST = 0.05
"""The least share of the MACs that is tried."""
_STEP = 0.6
"""How much less each stronger recipe leaves of the MACs."""


@dataclass(frozen=True)
class Attempt:
    """One recipe that was tried.

    Attributes:
        name: What it does, in words.
        macs: Share of the MACs that it was to leave; 1 for none pruned.
        passes: Of the recipe.
        drop: Loss of accuracy against the model as it came, on validation data; None where it failed.
        model_bytes, file_macs: Of its file.
        holds: Whether the drop is allowed.
        meets: Whether the file keeps every limit of the budget, too.
        reason: Why it failed; empty where it did not.
        seconds: What it took.
    """

    name: str
    macs: float
    passes: list[Any]
    drop: float | None
    model_bytes: int | None
    file_macs: int | None
    holds: bool
    meets: bool
    reason: str
    seconds: float


@dataclass(frozen=True)
class AutoResult(Readable):
    """What was found.

    Attributes:
        output: The folder; its `recipe.yaml` makes the file again.
        attempts: In their order.
        chosen: Which of them.
        why: Reasons, as sentences: what the layers tolerate, and why the search ended.
        manifest: Of the run by the chosen recipe, whose file is measured on the test split.
    """

    output: str
    attempts: tuple[Attempt, ...]
    chosen: int
    why: tuple[str, ...]
    manifest: Manifest

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with its schema name."""
        return {
            "schema": SCHEMA,
            "output": self.output,
            "recipe": str(Path(self.output) / RECIPE),
            "attempts": [vars(attempt) for attempt in self.attempts],
            "chosen": self.chosen,
            "why": list(self.why),
            "result": self.manifest.as_dict(),
        }

    def title(self) -> str:
        """What was made."""
        return f"{self.attempts[self.chosen].name}: {self.manifest.path}"

    def rows(self) -> Rows:
        """The file against the model as it came, and the reasons."""
        return [
            *self.manifest.rows(),
            ("recipe", str(Path(self.output) / RECIPE)),
            ("tried", f"{len(self.attempts)} recipes"),
            *(("why", reason) for reason in self.why),
        ]


def automatic(
    recipe: Recipe,
    folder: Path,
    *,
    hours: float | None = None,
    loading: Loading = FOREIGN,
    overwrite: bool = False,
    watch: Callable[[Attempt], None] = lambda attempt: None,
) -> AutoResult:
    """Find passes for a trained model.

    Args:
        recipe: Model, data, target, objective, measure and budget; its passes are found here.
        folder: For the result and for what is tried.
        hours: For all of it: no attempt begins that would leave no time for the run of the chosen recipe; None for no
            limit.
        loading: How the model is opened.
        overwrite: Replace files in `folder` that EdgeKit did not write, or that were changed since.
        watch: Is told of each attempt.

    Raises:
        EdgekitError: The model or the data break a rule, or not even int8 alone can be made.
    """
    with sandbox.kept_warm():
        known, dataset = with_data(recipe, NOTHING)
        trying = _Trying(known, dataset, folder, loading, hours, watch)
        why = [_tolerance(known, dataset, loading)]
        why.append(_climb(trying))
        number = _best(trying.attempts)
        chosen = trying.recipe(trying.attempts[number].passes)
        manifest = compress(chosen, folder, loading=loading, quiet=True, overwrite=overwrite, store=trying.store)
    with write_atomically(folder / RECIPE) as temporary:
        temporary.write_text(yaml.safe_dump(chosen.dump(), sort_keys=False), encoding="utf-8")
    return AutoResult(str(folder), tuple(trying.attempts), number, tuple(why), manifest)


class _Trying:
    """Tries recipes on validation data, and remembers what came of each."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        folder: Path,
        loading: Loading,
        hours: float | None,
        watch: Callable[[Attempt], None],
    ) -> None:
        self.base, self.folder, self.loading, self.watch = recipe, folder, loading, watch
        self.store = folder / "tried"
        self.attempts: list[Attempt] = []
        self._given = Given(dataset=on_validation(dataset, 1.0, recipe.seed))
        self._ends = None if hours is None else time.monotonic() + hours * 3600

    @property
    def late(self) -> bool:
        """Whether one more attempt and the run of the chosen recipe, as long as the longest so far, end too late."""
        ahead = 2 * max((attempt.seconds for attempt in self.attempts), default=0.0)
        return self._ends is not None and time.monotonic() + ahead > self._ends

    def recipe(self, passes: list[Any]) -> Recipe:
        return checked_recipe({**self.base.dump(), "passes": passes})

    def attempt(self, name: str, passes: list[Any], macs: float = 1.0) -> Attempt:
        interrupt.check()
        started = time.perf_counter()
        number = len(self.attempts)
        empty = Attempt(name, macs, passes, None, None, None, False, False, "", 0.0)
        try:
            manifest = compress(
                self.recipe(passes),
                self.store / f"{number:02d}",
                given=self._given,
                loading=self.loading,
                quiet=True,
                store=self.store,
            )
            attempt = self._judged(empty, manifest)
        except EdgekitError as error:
            attempt = replace(empty, reason=str(error))
        attempt = replace(attempt, seconds=time.perf_counter() - started)
        self.attempts.append(attempt)
        self.watch(attempt)
        return attempt

    def _judged(self, attempt: Attempt, manifest: Manifest) -> Attempt:
        chosen = manifest.chosen
        broken = [violation.figure for violation in chosen.violations]
        macs = next((step.macs for step in manifest.steps if step.sha256 == chosen.sha256), None)
        return replace(
            attempt,
            drop=chosen.accuracy_drop,
            model_bytes=chosen.bytes,
            file_macs=macs,
            holds="accuracy_drop" not in broken,
            meets=not broken,
        )


def _climb(trying: _Trying) -> str:
    """Try recipes from mild to strong, then between the last that held and the first that did not.

    Returns:
        Why it ended, as a sentence.
    """
    limited = bool(limits_of(trying.base))
    first = trying.attempt("int8, no pass", [])
    if not first.holds:
        first = trying.attempt("int8, quantisation-aware training", [_qat()])
    if first.reason:
        raise EdgekitError("Not even an int8 file without other passes can be made.", received=first.reason)
    if not first.holds:
        return "Int8 alone costs more accuracy than is allowed, so that nothing stronger was tried."
    if limited and first.meets:
        return "The budget is met."
    held, failed = 1.0, 0.0
    while not trying.late:
        share = held * _STEP if failed == 0.0 else (held + failed) / 2
        if share < _STRONGEST or held - failed < _FINEST:
            return f"Less than {held:.0%} of the multiply-accumulates cost more accuracy than is allowed."
        tried = trying.attempt(f"{share:.0%} of the multiply-accumulates, int8", _pruned(share), share)
        if tried.holds and limited and tried.meets:
            return "The budget is met."
        held, failed = (share, failed) if tried.holds else (held, share)
    return "The time is over."


def _qat() -> dict[str, Any]:
    return {"qat": {"finetune": {"epochs": 2}}}


def _pruned(share: float) -> list[Any]:
    """Stronger recipes are trained longer."""
    epochs = 2 if share > 0.5 else 4 if share > 0.25 else 6
    return [{"channel_prune": {"macs": round(share, 4), "finetune": {"epochs": epochs}}}, _qat()]


def _best(attempts: list[Attempt]) -> int:
    """The smallest of those that keep everything, else of those that keep the drop, else the one that loses least."""
    made = [n for n, a in enumerate(attempts) if a.drop is not None]

    def order(number: int) -> tuple[float, ...]:
        attempt = attempts[number]
        costs = (float(attempt.file_macs or 0), float(attempt.model_bytes or 0))
        lost = 0.0 if attempt.holds else float(attempt.drop or 0.0)
        return (not attempt.meets, not attempt.holds, lost, *costs)

    return min(made, key=order)


def _tolerance(recipe: Recipe, dataset: Dataset, loading: Loading) -> str:
    """What single layers bear before any training, as a sentence."""
    model = load_model(recipe.source, loading)
    labels = dataset.labels("calibration") if recipe.objective.classifies else None
    effects = sensitivity(model, dataset.features("calibration"), labels, kinds=("channels",), ratios=(0.5,))
    if not effects:
        return "No layer can lose channels."
    weak = min(effects, key=lambda effect: effect.sqnr_db)
    middle = median(effect.sqnr_db for effect in effects)
    return (
        f"Half of one layer's channels leaves an SQNR of {middle:.0f} dB in the middle; {weak.layer} bears least "
        f"({weak.sqnr_db:.0f} dB)."
    )
