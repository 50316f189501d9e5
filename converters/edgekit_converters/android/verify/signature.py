"""An app's package has a signature; apksigner checks whether it is valid."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgekit_converters.android.built.facts import Facts
from edgekit_converters.android.verify._outcome import Outcome

__all__ = ["CHECK", "check"]

CHECK = "signature"
_JAR_SIGNATURE = re.compile(r"META-INF/[^/]+\.(RSA|DSA|EC)")


def check(facts: Facts) -> Iterator[Outcome]:
    """Which schemes the package is signed with."""
    if facts.package.kind == "aar":
        return
    jar = any(_JAR_SIGNATURE.fullmatch(entry.name) for entry in facts.package.entries)
    schemes = ["v1"] * jar + ["v2 or later"] * facts.package.signing_block
    if schemes:
        yield Outcome(
            CHECK, "passed", "", f"signed ({' and '.join(schemes)}); the signature itself is not checked here"
        )
        return
    wanting, tool = {"apk": ("no device installs it", "apksigner"), "aab": ("no store takes it", "jarsigner")}[
        facts.package.kind
    ]
    yield Outcome(CHECK, "warning", "", f"unsigned: {wanting}", f"Sign it: {tool}, or a release build of Gradle.")
