"""Models are stored, not deflated: an app maps them into memory from its own package, without a copy."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit_converters.android.built import globs
from edgekit_converters.android.built.facts import Facts, PackagedModel
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "stored"
_GRADLE = 'In the app\'s build.gradle: androidResources { noCompress += "tflite" }.'
_AAPT2 = (
    "With aapt2 alone: --no-compress-regex '\\.tflite$' (-0 tflite silently leaves it deflated, and -0 .tflite "
    "misses names with two dots)."
)


def check(facts: Facts) -> Iterator[Outcome]:
    """Whether each model is stored, so that an app can map it into memory."""
    if not facts.models:
        yield Outcome(CHECK, "warning", "", "no .tflite model is in the package")
    for model in facts.models:
        yield {"apk": _in_apk, "aab": _in_aab, "aar": _in_aar}[facts.package.kind](facts, model)


def _in_apk(facts: Facts, model: PackagedModel) -> Outcome:
    if model.entry.stored:
        return Outcome(CHECK, "passed", model.entry.name, f"stored, {model.entry.size:,} bytes")
    said = f"deflated to {model.entry.packed:,} of {model.entry.size:,} bytes, so that no app can map it into memory"
    return Outcome(CHECK, "fault", model.entry.name, said, f"{_GRADLE} {_AAPT2}")


def _in_aab(facts: Facts, model: PackagedModel) -> Outcome:
    """The form inside the bundle does not matter: bundletool packs the APKs anew, as BundleConfig.pb says."""
    path = model.entry.name.partition("/")[2]
    glob = next((glob for glob in facts.uncompressed if globs.matches(glob, path)), None)
    if glob is not None:
        return Outcome(CHECK, "passed", model.entry.name, f"stored in APKs by the glob {glob!r}")
    said = f"deflated in APKs: none of the {len(facts.uncompressed)} globs of BundleConfig.pb names {path}"
    remedy = f'{_GRADLE} With bundletool alone: "compression": {{"uncompressedGlob": ["**.tflite"]}} in --config.'
    return Outcome(CHECK, "fault", model.entry.name, said, remedy)


def _in_aar(facts: Facts, model: PackagedModel) -> Outcome:
    """An app's build unpacks the AAR and decides itself; a stored model is EdgeKit's own rule for what it ships."""
    if model.entry.stored:
        said = "stored; the app's build packs it anew, and Android Gradle plugins before 4.1 deflate it"
        return Outcome(CHECK, "warning", model.entry.name, said, f"For such a plugin: {_GRADLE}")
    said = f"deflated to {model.entry.packed:,} of {model.entry.size:,} bytes"
    return Outcome(CHECK, "fault", model.entry.name, said, "Store it: zip -0, or edgekit export android --aar.")
