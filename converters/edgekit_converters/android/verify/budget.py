"""Models keep the budget that their lock records."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_converters.android.built.facts import Facts
from edgekit_converters.android.lock import over_budget
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "budget"


def check(facts: Facts) -> Iterator[Outcome]:
    """Whether each model is within its budget."""
    for model in facts.models if facts.lock is not None else ():
        locked = facts.lock.find(model.asset) if facts.lock is not None and model.asset is not None else None
        if locked is None or not locked.budget:
            continue
        said = over_budget(locked, model.entry.size)
        if said is not None:
            remedy = "Compress the model further, or allow more: the budget stands in the recipe and in the lock."
            yield Outcome(CHECK, "budget", model.entry.name, said, remedy)
            continue
        limit = locked.budget.get("model_bytes")
        parts = [] if limit is None else [f"model_bytes {model.entry.size:,} of {limit:,}"]
        others = sorted(locked.budget.keys() - {"model_bytes"})
        parts += [f"{', '.join(others)}: only the run that measured it can tell"] if others else []
        yield Outcome(CHECK, "passed", model.entry.name, "; ".join(parts))
