"""The TFLite library in the package has every operator of the models in their version, and answers them rightly."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit import tflite
from edgekit.errors import ModelError
from edgekit.tflite.old_runtimes import RIGHT, WRONG, wrong_answers
from edgekit_converters.android.built.facts import Facts
from edgekit_converters.android.built.runtimes import Version, first_runtime, version_of
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "operators"
_OLDEST: Version = (1, 5, 0)
"""Below it are versions of LiteRT, which count anew and say nothing of TFLite's."""


def check(facts: Facts) -> Iterator[Outcome]:
    """Whether the TFLite library has the operators of each model."""
    library, why = _library(facts)
    for packaged in facts.models:
        model, where = packaged.read(), packaged.entry.name
        if isinstance(model, ModelError):
            said = f"no whole .tflite: {model.rule.rstrip('.')} (received {model.received})"
            yield Outcome(CHECK, "fault", where, said, model.remedy)
            continue
        needs, unknown = _needs(model)
        least = max((version for version, _ in needs), default=None)
        asks = "what runtime it needs is unknown" if least is None else f"it needs TFLite {_text(least)} or later"
        if library is None:
            yield Outcome(CHECK, "unknown", where, f"{asks}; {why}")
        elif newer := sorted(name for version, name in needs if version > library):
            said = f"{asks}, for {', '.join(newer[:5])}; the library in the package is {_text(library)}"
            remedy = "Take a newer TFLite library, or convert the model for an older one."
            yield Outcome(CHECK, "fault", where, said, remedy)
        elif not unknown:
            yield Outcome(CHECK, "passed", where, f"{asks}; the library in the package is {_text(library)}")
        yield from _wrong(model, library, where)
        if unknown:
            said = f"which runtime has {', '.join(unknown[:5])}{' and others' if len(unknown) > 5 else ''} is unknown"
            yield Outcome(CHECK, "unknown", where, said, "Run the app's self-test on a device.")


def _wrong(model: tflite.Model, library: Version | None, where: str) -> Iterator[Outcome]:
    """What an old library is known to answer wrongly; between it and one that answers rightly nothing is known."""
    if library is None or not WRONG <= library[:2] < RIGHT:
        return
    for finding in wrong_answers(model):
        said = f"{finding.rule}; received {finding.received}"
        if library[:2] == WRONG:
            yield Outcome(CHECK, "fault", where, said, f"{finding.remedy}.")
        else:
            said = f"whether TFLite {_text(library)} answers rightly is unknown, as 2.6 does not: {said}"
            yield Outcome(CHECK, "unknown", where, said, "Run the app's self-test on a device.")


def _library(facts: Facts) -> tuple[Version | None, str]:
    """The oldest TFLite library in the package, or why it is not known."""
    if not facts.runtimes:
        return None, "no TFLite library is in the package, so its version is unknown"
    versions = [version_of(library.version) if library.version else None for library in facts.runtimes]
    known = [version for version in versions if version and version >= _OLDEST]
    if len(known) < len(versions):
        place = versions.index(next(v for v in versions if not v or v < _OLDEST))
        return None, f"the TFLite version of {facts.runtimes[place].entry.name} is unknown"
    return min(known), ""


def _needs(model: tflite.Model) -> tuple[list[tuple[Version, str]], list[str]]:
    """The first runtime of each operator with its name, and the operators of which that is unknown."""
    needs, unknown = set(), set()
    for operator in (op for graph in model.running for op in graph.operators):
        name = f"{operator.name} version {operator.version}"
        first = None if operator.custom else first_runtime(operator.name, operator.version)
        if first is None:
            unknown.add(f"the custom operator {operator.name}" if operator.custom else name)
        else:
            needs.add((first, name))
    return sorted(needs), sorted(unknown)


def _text(version: Version) -> str:
    return ".".join(map(str, version))
