"""ProGuard with the rules that a module brings, as an app's build runs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import maven
from java import QUICK

__all__ = ["shrunk"]

PROGUARD = "com.guardsquare:proguard-base:7.8.1"
SHA256 = "2072432b9ab00352db8edcc0eae8eaca4428915efa7902b93586ec5d6c119da3"
"""Of all files that it needs."""


def shrunk(classes: Iterable[Path], into: Path, libraries: Iterable[str | Path], rules: Iterable[str]) -> None:
    """Shrink, optimise and rename, as the Android plugin's proguard-android-optimize.txt has it.

    Args:
        classes: Jars and folders of what ships.
        into: The jar that is written.
        libraries: What the device has, with ProGuard's filters.
        rules: What else ProGuard is told, such as `@consumer-rules.pro`.
    """
    path = os.pathsep.join(map(str, maven.class_path(PROGUARD, sha256=SHA256)))
    command = ["java", "-Xmx1g", *QUICK, "-cp", path, "proguard.ProGuard"]
    taken = [argument for jar in classes for argument in ("-injars", str(jar))]
    known = [argument for jar in libraries for argument in ("-libraryjars", str(jar))]
    known += ["-libraryjars", "<java.home>/jmods/java.base.jmod(java/**.class)"]
    general = ["-dontusemixedcaseclassnames", "-allowaccessmodification", "-dontnote"]
    general += ["-keepattributes", "*Annotation*,Signature,InnerClasses,EnclosingMethod"]
    done = subprocess.run(
        [*command, *taken, "-outjars", str(into), *known, *general, *rules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]} {done.stderr[-2000:]}"
