"""Android's own framework and Skia in a JVM: tests in JUnit, run by Robolectric with the real TFLite interpreter."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import maven
from java import NATIVE, QUICK, TFLITE, java_missing

__all__ = ["compile_tests", "describe", "resources", "robolectric_missing", "run_tests"]

FRAMEWORKS = {
    34: "android-all-instrumented-14-robolectric-10818077-i7.jar",
    35: "android-all-instrumented-15-robolectric-13954326-i7.jar",
}
"""By API level."""
PLAIN = "android-all-14-robolectric-10818077.jar"
MANIFEST = """<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="{package}">
  <uses-sdk android:minSdkVersion="24" android:targetSdkVersion="34" />
  <application android:label="harness" />
</manifest>
"""
RUNNER = """
package {package};

import org.junit.runners.model.FrameworkMethod;
import org.junit.runners.model.InitializationError;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.internal.bytecode.InstrumentationConfiguration;

/** Leaves TFLite to the parent class loader, as a native library loads once in a process. */
public final class TfliteRunner extends RobolectricTestRunner {{
  public TfliteRunner(Class<?> tests) throws InitializationError {{
    super(tests);
  }}

  @Override
  protected InstrumentationConfiguration createClassLoaderConfig(FrameworkMethod method) {{
    return new InstrumentationConfiguration.Builder(super.createClassLoaderConfig(method))
        .doNotAcquirePackage("org.tensorflow.lite.")
        .build();
  }}
}}
"""


def robolectric_missing() -> str | None:
    """Why it cannot run here; None where it can. In CI it must."""
    if shutil.which("aapt2"):
        return java_missing()
    reason = "needs aapt2: make device-tools installs it"
    assert not os.environ.get("CI"), reason
    return reason


def resources(folder: Path, package: str, assets: Path, into: Path) -> Mapping[str, str]:
    """Pack assets as an app has them; gives what Robolectric is told of the app."""
    (folder / "AndroidManifest.xml").write_text(MANIFEST.format(package=package))
    apk = into / "resources.ap_"
    command = ["aapt2", "link", "-o", apk, "--manifest", folder / "AndroidManifest.xml", "-I", maven.fetched(PLAIN)]
    _run([*command, "-A", assets, "--no-compress-regex", r"\.tflite$"])
    return describe(folder / "AndroidManifest.xml", package, assets, apk, into)


def describe(manifest: Path, package: str, assets: Path, apk: Path, into: Path) -> Mapping[str, str]:
    """Tell Robolectric of an app whose resources aapt2 has linked; gives what it is told."""
    told = {
        "android_merged_manifest": str(manifest),
        "android_merged_assets": str(assets),
        "android_custom_package": package,
        "android_resource_apk": str(apk),
    }
    config = into / "com" / "android" / "tools" / "test_config.properties"
    config.parent.mkdir(parents=True)
    config.write_text("".join(f"{key}={value}\n" for key, value in told.items()))
    return told


def compile_tests(sources: list[Path], package: str, into: Path, *, more: Sequence[Path] = ()) -> None:
    """Compile JUnit tests and the runner that they name, against more classes where there are any."""
    runner = into / "TfliteRunner.java"
    into.mkdir(parents=True, exist_ok=True)
    runner.write_text(RUNNER.format(package=package))
    # Robolectric first: Android's stubs of JUnit must not take its place.
    path = os.pathsep.join([*_harness(), *map(str, more), *_libraries(), str(maven.fetched(PLAIN))])
    _run(["javac", *(f"-J{flag}" for flag in QUICK), "-nowarn", "-cp", path, "-d", into, runner, *sources])


def run_tests(
    classes: Path,
    names: str,
    properties: Mapping[str, str | Path],
    compiler: Sequence[str] = QUICK,
    *,
    app: Sequence[Path] | None = None,
) -> str:
    """Run classes of tests; gives what JUnit prints.

    Args:
        classes: Of the tests.
        names: Of the classes of tests, with spaces between them.
        properties: Of the JVM.
        compiler: Flags for the JVM's own compiler.
        app: Classes that the tests use, TFLite's among them; None where those stand beside the tests, for the
            published TFLite.

    Raises:
        AssertionError: One failed.
    """
    native = maven.unpacked(NATIVE) / "native" / "lib"
    for framework in FRAMEWORKS.values():
        maven.fetched(framework)
    told = {
        "java.library.path": native,
        "robolectric.offline": "true",
        "robolectric.dependency.dir": maven.CACHE,
        **properties,
    }
    libraries = _libraries() if app is None else [str(path) for path in app]
    path = os.pathsep.join([str(classes), *_harness(), *libraries, str(maven.fetched(PLAIN))])
    flags = [f"-D{key}={value}" for key, value in told.items()]
    command = ["java", "-Xmx1g", *compiler, "--add-opens=java.base/java.io=ALL-UNNAMED", *flags, "-cp", path]
    return _run([*command, "org.junit.runner.JUnitCore", *names.split()])


def _harness() -> list[str]:
    return [str(p) for p in maven.class_path("junit:junit:4.13.2", "org.robolectric:robolectric:4.16")]


def _libraries() -> list[str]:
    return [str(maven.classes(name)) for name in TFLITE["2.6.0"]]


def _run(command: list[str | Path]) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-3000:]}"
    return done.stdout
