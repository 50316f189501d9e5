"""A stored model begins at a multiple of 4 bytes, as its numbers are read in place; 16 spare kernels a copy."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_converters.android.built.facts import Facts
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "alignment"
_NEEDED, _ADVISED, _PAGE = 4, 16, 4096


def check(facts: Facts) -> Iterator[Outcome]:
    """Whether each model begins at an aligned byte of the package."""
    if facts.package.kind != "apk":
        return  # whoever packs the APK aligns what it stores
    for model in facts.models:
        if not model.entry.stored:
            continue
        place = model.entry.place
        said = f"at byte {place:,}"
        if place % _NEEDED:
            remedy = "Align the APK before it is signed: zipalign -p 4 IN.apk OUT.apk"
            yield Outcome(CHECK, "fault", model.entry.name, f"{said}, no multiple of {_NEEDED}", remedy)
        elif place % _ADVISED:
            yield Outcome(CHECK, "passed", model.entry.name, f"{said}, a multiple of 4; {_ADVISED} are advised")
        else:
            page = ", at the start of a page" if place % _PAGE == 0 else ""
            yield Outcome(CHECK, "passed", model.entry.name, f"{said}, a multiple of {_ADVISED}{page}")
