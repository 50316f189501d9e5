"""The package asks for an Android that its TFLite library runs on."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_converters.android.built.facts import Facts
from edgekit_converters.android.built.runtimes import least_sdk, version_of
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "minSdk"
_OLDEST_DEX = "035"
"""The form of dex files that every Android reads; newer ones hold static methods of interfaces as they are."""


def check(facts: Facts) -> Iterator[Outcome]:
    """Whether minSdk is enough for the TFLite library."""
    if facts.manifest_damage:
        yield Outcome(CHECK, "unknown", "", f"the manifest cannot be read: {facts.manifest_damage}")
        return
    versions = sorted({version_of(library.version) for library in facts.runtimes if library.version})
    needs = [(level, version) for version in versions if (level := least_sdk(version)) is not None]
    asked = 1 if facts.min_sdk is None and facts.package.kind != "aar" else facts.min_sdk
    said = "no minSdk, so the app's own counts" if asked is None else f"minSdk {asked}"
    if not needs or asked is None:
        what = "what its TFLite library needs is unknown" if facts.runtimes else "no TFLite library is in the package"
        yield Outcome(CHECK, "unknown", "", f"{said}; {what}" if asked is not None else said)
        return
    level, version = max(needs)
    said += f"; TFLite {'.'.join(map(str, version))} needs {level}"
    if asked >= level:
        yield Outcome(CHECK, "passed", "", said)
    elif facts.package.kind == "aar":  # whose code the app's build makes ready for devices
        remedy = f"Apps of a lower minSdk than {level} need a dexer that rewrites newer code (R8 or D8)."
        yield Outcome(CHECK, "warning", "", said, remedy)
    elif facts.dex_versions and set(facts.dex_versions) == {_OLDEST_DEX}:
        yield Outcome(CHECK, "passed", "", f"{said}, and the dexer rewrote it for older ones (dex 035)")
    else:
        remedy = f"Ask for minSdk {level}, or build with a dexer that rewrites newer code (R8 or D8)."
        yield Outcome(CHECK, "fault", "", said, remedy)
