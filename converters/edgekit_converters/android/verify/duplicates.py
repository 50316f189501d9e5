"""No model ships twice, and no two members have one name: readers differ in which of them they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from edgekit_converters.android.built.facts import Facts
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "duplicates"


def check(facts: Facts) -> Iterator[Outcome]:
    """Models that are there twice, by name or by content."""
    counts = Counter(entry.name for entry in facts.package.entries)
    doubled = [name for name, count in counts.items() if count > 1]
    for name in doubled:
        said = f"{counts[name]} members of this one name; readers differ in which they take"
        yield Outcome(CHECK, "fault", name, said, "Build the package again; do not add to it what it already holds.")
    by_content: dict[str, list[str]] = {}
    for model in facts.models:
        names = by_content.setdefault(model.sha256, [])
        if model.entry.name not in names:
            names.append(model.entry.name)
    several = [names for names in by_content.values() if len(names) > 1]
    for first, *others in several:
        for other in others:
            yield Outcome(CHECK, "fault", other, f"the same bytes as {first}", "Ship one of them, and open it twice.")
    if facts.models and not doubled and not several:
        yield Outcome(CHECK, "passed", "", "each model and each name is there once")
