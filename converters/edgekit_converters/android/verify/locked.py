"""The models are those that the lock names, byte for byte: none is stale, missing or there without being named."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.places import by_place
from edgekit_converters.android.built.facts import Facts
from edgekit_converters.android.lock import Lock, LockedModel
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "lock"
_RENEW = "if it is the right one, renew the lock with: edgekit android lock"


def check(facts: Facts) -> Iterator[Outcome]:
    """Whether the models are those of the lock."""
    if facts.lock is None:
        lock = by_place(command="--lock edgekit.lock", python="lock=PATH")
        yield Outcome(CHECK, "unknown", "", "no lock was given", f"Give it with {lock}.")
        return
    for locked in facts.lock.models:
        yield from _of_locked(facts, locked)
    yield from _orphans(facts, facts.lock)


def _of_locked(facts: Facts, locked: LockedModel) -> Iterator[Outcome]:
    there = [model for model in facts.models if model.asset == locked.asset]
    if not there:
        other = next((m.entry.name for m in facts.models if m.sha256 == locked.sha256), None)
        where = f"; its bytes are there as {other}" if other else ""
        said = f"missing: the lock names it, and the package does not hold it{where}"
        yield Outcome(CHECK, "fault", locked.asset, said, "Build the app again with it among its assets.")
    for model in there:
        name, digest = model.entry.name, f"sha256 {model.sha256[:12]}…"
        if model.sha256 != locked.sha256:
            said = f"stale: {digest} is not the lock's {locked.sha256[:12]}…"
            yield Outcome(CHECK, "fault", name, said, f"Build the app again with the locked file; {_RENEW}")
        elif model.entry.size != locked.bytes:
            said = f"{model.entry.size:,} bytes, where the lock says {locked.bytes:,}: the lock was edited"
            yield Outcome(CHECK, "fault", name, said, "Renew the lock with: edgekit android lock")
        else:
            yield Outcome(CHECK, "passed", name, f"{digest} is the lock's")


def _orphans(facts: Facts, lock: Lock) -> Iterator[Outcome]:
    for model in facts.models:
        if model.asset is None or lock.find(model.asset) is None:
            outside = ", as it lies outside of the assets" if model.asset is None else ""
            said = f"an orphan: the lock does not name it{outside}"
            yield Outcome(CHECK, "fault", model.entry.name, said, f"Remove it from the app; {_RENEW}")
