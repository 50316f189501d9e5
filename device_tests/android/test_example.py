"""The example for Android: its app in the real framework, its packages by the real tools, its classes shrunk."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import maven
import numpy as np
import pytest
from android_tools import build_bundle, bundletool, need_tools, run
from digits_app import EXAMPLE, PACKAGE, DigitsApp, held_out, make_apk, prepared
from java import compile_kotlin, kotlin_library
from PIL import Image
from robolectric import FRAMEWORKS, compile_tests, describe, robolectric_missing, run_tests
from shrinking import shrunk

import edgekit
from edgekit import tflite
from edgekit.data.sidecar import read_sidecar
from edgekit.runtimes import load_runtime
from edgekit.tensors import Array, dequantize, quantize

REASON = robolectric_missing()
pytestmark = [pytest.mark.skipif(REASON is not None, reason=REASON or ""), pytest.mark.slow]

SOURCES = Path(__file__).parent / "example"
DRAWN = "0347"
"""As in Strokes.java."""
SCREENSHOT = EXAMPLE / "screenshot.png"
SHOWN = 3
"""The digit on it."""
DIGITS = 200
CONFIG = {
    "compression": {"uncompressedGlob": ["**.tflite"]},
    "optimizations": {"uncompressNativeLibraries": {"enabled": True, "alignment": "PAGE_ALIGNMENT_16K"}},
}


@dataclass(frozen=True)
class Ran:
    """What the tests in Java left, and the folder of their classes."""

    app: DigitsApp
    out: Path
    tests: Path
    said: str


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> DigitsApp:
    need_tools()
    return prepared(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def ran(app: DigitsApp, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Both classes of tests in one JVM, beside a wrapper in Kotlin."""
    folder = tmp_path_factory.mktemp("ran")
    kotlin, tests, out, assets = (folder / name for name in ("kotlin", "tests", "out", "assets"))
    out.mkdir()
    compile_kotlin((app.kotlin / "src" / "main").rglob("*.kt"), kotlin)
    classes = [app.built.classes, kotlin, kotlin_library()]
    compile_tests(sorted(SOURCES.glob("*.java")), f"{PACKAGE}.app", tests, more=classes)
    for module in (app.module, app.kotlin):
        shutil.copytree(module / "src" / "main" / "assets", assets, dirs_exist_ok=True)
    script = make_apk()
    linked = script.link(folder, app.built.manifest, assets, maven.fetched(script.ANDROID))
    describe(app.built.manifest, f"{PACKAGE}.app", assets, linked, tests)
    pixels, _ = held_out(DIGITS)
    (folder / "digits").write_bytes(pixels.tobytes())
    told = {"out": out, "digits": folder / "digits", "changed": folder / "changed.tflite"}
    (folder / "changed.tflite").write_bytes(_changed(app))
    names = " ".join(f"{PACKAGE}.app.{name}" for name in ("AppTests", "WrapperTests"))
    golden = f"edgekit/{PACKAGE}/DigitClassifier.golden"
    said = run_tests(tests, names, {**told, "golden": golden}, app=[*classes, *app.built.libraries])
    return Ran(app, out, tests, said)


def _changed(app: DigitsApp) -> bytes:
    """The model with one byte of a weight changed, such that the first golden vector has another answer."""
    content = app.model.read_bytes()
    graph = tflite.read(app.model).graphs[0]
    spec = graph.tensors[graph.inputs[0]].spec
    golden = (app.module / f"src/main/assets/edgekit/{PACKAGE}/DigitClassifier.golden").read_bytes()[60:]
    given = np.frombuffer(golden, spec.dtype, 64).reshape(spec.shape)
    before = _answers(app.model, given[np.newaxis]).astype(int)
    weights = min((t for t in graph.tensors if t.data is not None and t.dtype == "int8"), key=lambda t: t.elements)
    assert weights.data is not None
    start = content.find(np.ascontiguousarray(weights.data).tobytes())
    for at in range(start, start + weights.elements):
        other = app.model.with_name("other.tflite")
        other.write_bytes(content[:at] + bytes([content[at] ^ 0x7F]) + content[at + 1 :])
        if np.abs(_answers(other, given[np.newaxis]).astype(int) - before).max() > 8:
            return other.read_bytes()
    raise AssertionError("No weight alters an answer.")


def _answers(model: Path, inputs: Array) -> Array:
    """Of TFLite's own kernels in Python, for inputs as the model has them.

    The library in the JVM multiplies matrices with portable code; code for AVX2 rounds one in a thousand otherwise.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUY_PATHS", "1")
        session = load_runtime("tflite_runtime").open(model, kernels="builtin")
        try:
            return np.stack([session.run([one], fresh=True)[0][0] for one in inputs])
        finally:
            session.close()


def _expected(app: DigitsApp, pixels: Array) -> tuple[Array, Array]:
    """What the model answers to pixels [N, 8, 8, 1] of 0 to 16: bytes, and scores."""
    graph = tflite.read(app.model).graphs[0]
    given, answered = (graph.tensors[i[0]].spec for i in (graph.inputs, graph.outputs))
    values = read_sidecar(app.model).preprocessing.apply(pixels)
    answers = _answers(app.model, np.stack([quantize(v[np.newaxis], given) for v in values]))
    return answers, dequantize(answers, answered)


def test_all_tests_pass_on_both_frameworks(ran: Ran) -> None:
    assert f"OK ({6 * len(FRAMEWORKS)} tests)" in ran.said


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_200_digits_get_the_bytes_that_the_same_kernels_give_in_python(ran: Ran, language: str) -> None:
    pixels, labels = held_out(DIGITS)
    answers, scores = _expected(ran.app, pixels)
    form = np.dtype([("best", "i1"), ("output", "i1", 10), ("scores", ">f4", 10)])
    for level in FRAMEWORKS:
        received = np.frombuffer((ran.out / f"{level}.{language}").read_bytes(), form)
        np.testing.assert_array_equal(received["output"], answers)
        np.testing.assert_array_equal(received["scores"], scores)
        np.testing.assert_array_equal(received["best"], answers.argmax(axis=1))
        assert np.mean(received["best"] == labels) > 0.9  # it is a model, and these are its digits


def test_drawn_digits_are_named_with_the_scores_of_the_same_kernels(ran: Ran) -> None:
    for level in FRAMEWORKS:
        status, *lines = (ran.out / f"{level}.said").read_text().splitlines()
        assert re.fullmatch("Model [0-9a-f]{8} answers as its golden vectors say", status)
        pixels = np.frombuffer((ran.out / f"{level}.drawn").read_bytes(), np.uint8).reshape(-1, 8, 8, 1)
        assert pixels.max() == 16 and (pixels > 0).mean() < 0.7
        _, scores = _expected(ran.app, pixels)
        for digit, said, score in zip(DRAWN, zip(lines[::2], lines[1::2], strict=True), scores, strict=True):
            assert said[0] == "Draw a digit"
            assert said[1] == f"{digit}, score {said[1][-5:]}"
            assert abs(float(said[1][-5:]) - score[int(digit)]) < 6e-4 and score.argmax() == int(digit)


def test_the_screenshot_is_that_of_the_app(ran: Ran) -> None:
    """Another training gives other scores, so that a few pixels may differ; EDGEKIT_SCREENSHOT=write renews it."""
    path = ran.out / f"34-{SHOWN}.png"
    if os.environ.get("EDGEKIT_SCREENSHOT") == "write":
        Image.open(path).convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(
            SCREENSHOT, optimize=True
        )
    shown, kept = (np.asarray(Image.open(p).convert("RGB")).astype(int) for p in (path, SCREENSHOT))
    assert shown.shape == kept.shape == (852, 480, 3)
    assert (np.abs(shown - kept).max(axis=2) > 40).mean() < 0.01
    another = np.asarray(Image.open(ran.out / "34-7.png").convert("RGB")).astype(int)
    assert (np.abs(another - kept).max(axis=2) > 40).mean() > 0.02  # the rule tells digits apart


def test_a_changed_weight_is_named_in_both_languages(ran: Ran) -> None:
    for level in FRAMEWORKS:
        java, kotlin = (ran.out / f"{level}.differences").read_text().strip().split("\n\n")
        assert java.startswith("output 0, sample 0, element ")
        assert java == kotlin


def test_shrunk_classes_pass_the_self_test_and_name_what_is_drawn(ran: Ran, tmp_path: Path) -> None:
    built, small = ran.app.built, tmp_path / "shrunk.jar"
    used = ",".join(f"android/{part}" for part in ("*", "a*/**", "c*/**", "graphics/**", "os/**", "t*/**", "util/**"))
    android = f"{maven.fetched(make_apk().ANDROID)}({used},android/view/**,android/widget/**)"
    rules = [f"@{path}" for path in (built.rules, ran.app.module / "consumer-rules.pro")]
    shrunk([built.classes, *built.libraries], small, [android], rules)
    with zipfile.ZipFile(small) as jar:
        names = jar.namelist()
    assert f"{PACKAGE.replace('.', '/')}/app/MainActivity.class" in names
    assert not any("DigitClassifier" in name for name in names)
    assert "org/tensorflow/lite/Tensor$QuantizationParams.class" in names
    tests, out = tmp_path / "tests", tmp_path / "out"
    out.mkdir()
    for path in ran.tests.rglob("*.class"):
        if path.name.startswith(("AppTests", "Strokes", "TfliteRunner")):
            (tests / path.relative_to(ran.tests).parent).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tests / path.relative_to(ran.tests))
    describe(built.manifest, f"{PACKAGE}.app", built.assets, built.linked, tests)
    told = {"out": out, "robolectric.enabledSdks": "34"}
    assert "OK (1 test)" in run_tests(tests, f"{PACKAGE}.app.AppTests", told, app=[small])
    assert (out / "34.said").read_text() == (ran.out / "34.said").read_text()


def test_the_apk_is_what_the_tools_say_it_is(app: DigitsApp) -> None:
    apk = app.built.apk
    folder = apk.parent
    run("apksigner", "verify", apk, folder=folder)
    run("zipalign", "-c", "16384", apk, folder=folder)
    badging = run("aapt2", "dump", "badging", apk, folder=folder)
    assert f"package: name='{PACKAGE}.app' versionCode='1'" in badging and "sdkVersion:'24'" in badging
    assert f"launchable-activity: name='{PACKAGE}.app.MainActivity'" in badging
    assert "native-code: 'arm64-v8a'" in badging
    code = run("dexdump", "-d", apk, folder=folder)
    for name in (
        "com/example/digits/DigitClassifier",
        "com/example/digits/app/MainActivity",
        "org/tensorflow/lite/Tensor",
    ):
        assert f"Class descriptor  : 'L{name};'" in code
    assert "invoke-virtual" in code and "invoke-custom" not in code  # which old devices do not know
    _passes(app, apk)


def test_the_bundle_passes_and_so_do_the_apks_that_it_promises(app: DigitsApp, tmp_path: Path) -> None:
    script, built = make_apk(), app.built
    linked = script.link(tmp_path, built.manifest, built.assets, maven.fetched(script.ANDROID), "--proto-format")
    members = {
        "dex/classes.dex": built.dex.read_bytes(),
        f"lib/{script.ABI}/{built.native.name}": built.native.read_bytes(),
    }
    bundle = build_bundle(linked, members, CONFIG, tmp_path / "digits.aab")
    assert "Feature module: base" in bundletool("validate", f"--bundle={bundle}", folder=tmp_path)
    _passes(app, bundle)
    key = built.apk.with_name("throwaway.p12")
    signing = [f"--ks={key}", f"--ks-pass=pass:{script.PASSWORD}", "--ks-key-alias=throwaway"]
    told = ["--mode=universal", f"--bundle={bundle}", "--output=digits.apks", f"--aapt2={shutil.which('aapt2')}"]
    bundletool("build-apks", *told, *signing, folder=tmp_path)
    with zipfile.ZipFile(tmp_path / "digits.apks") as archive:
        archive.extract("universal.apk", tmp_path)
    run("apksigner", "verify", tmp_path / "universal.apk", folder=tmp_path)
    _passes(app, tmp_path / "universal.apk")


def _passes(app: DigitsApp, package: Path) -> None:
    found = edgekit.verify_package(package, app.module / "edgekit.lock")
    assert found.exit_code == 0 and not found.of("fault"), found.summary()
    assert {"stored", "lock", "duplicates", "16 KB pages", "operators"} <= {o.check for o in found.of("passed")}


def test_the_script_and_the_tests_know_the_same_libraries() -> None:
    libraries = make_apk().LIBRARIES
    assert len(libraries) == 5 and libraries.items() <= maven.FILES.items()


def test_the_build_files_name_what_the_script_names() -> None:
    script, build = make_apk(), (EXAMPLE / "app" / "build.gradle.kts").read_text()
    assert f'namespace = "{script.PACKAGE}"' in build and f'applicationId = "{script.PACKAGE}"' in build
    assert f"minSdk = {script.MIN_SDK}\n" in build and f"targetSdk = {script.TARGET_SDK}\n" in build
