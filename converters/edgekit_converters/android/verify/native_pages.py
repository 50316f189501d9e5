"""Native libraries load where memory pages have 16 KB: their segments, and stored ones in the APK too, are so aligned.

Devices of Android 15 and later may have such pages, with the architectures arm64-v8a and x86_64.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_converters.android.built.elf import PAGE, PAGED
from edgekit_converters.android.built.facts import Facts, Library
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "16 KB pages"
_ZIP_REMEDY = "Align the APK before it is signed: zipalign -P 16 4 IN.apk OUT.apk (old ones: zipalign 16384)."
_ELF_REMEDY = "Take a version of the library that is built for 16 KB pages, or link it with -Wl,-z,max-page-size=16384."
_BUNDLE_REMEDY = (
    'Build with a current Android Gradle plugin, or in bundletool\'s --config: "uncompressNativeLibraries": '
    '{"enabled": true, "alignment": "PAGE_ALIGNMENT_16K"}.'
)


def check(facts: Facts) -> Iterator[Outcome]:
    """Whether native libraries are ready for memory pages of 16 KB."""
    libraries = [library for library in facts.libraries if library.abi in PAGED]
    for library in libraries:
        yield _of(facts, library)
    if facts.package.kind == "aab" and libraries and facts.library_pages in (0, 1):
        if facts.library_pages == 1:
            yield Outcome(CHECK, "fault", "BundleConfig.pb", "APKs align libraries to 4,096 bytes", _BUNDLE_REMEDY)
        else:
            said = "it does not say how APKs align libraries; that is the store's choice"
            yield Outcome(CHECK, "unknown", "BundleConfig.pb", said, _BUNDLE_REMEDY)


def _of(facts: Facts, library: Library) -> Outcome:
    entry = library.entry
    if library.damage:
        return Outcome(CHECK, "unknown", entry.name, f"its ELF headers cannot be read: {library.damage}")
    least, said, remedies = min(library.alignments), [], []
    if least < PAGE:
        said.append(f"ELF segments are aligned to {least:,} bytes, not {PAGE:,}")
        remedies.append(_ELF_REMEDY)
    if facts.package.kind == "apk" and entry.stored and entry.place % PAGE:
        said.append(f"stored at byte {entry.place:,}, no multiple of {PAGE:,}")
        remedies.append(_ZIP_REMEDY)
    if said:
        return Outcome(CHECK, "fault", entry.name, "; ".join(said), " ".join(remedies))
    packed = "stored so in the APK" if entry.stored else "unpacked when it is installed"
    return Outcome(
        CHECK,
        "passed",
        entry.name,
        f"ELF segments are aligned to {least:,} bytes" + (f", {packed}" if facts.package.kind == "apk" else ""),
    )
