"""The example for Android: its script as a module, and a model that is trained for it in seconds."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import maven
import pytest

import edgekit
from edgekit import _tf
from edgekit.data import load_data
from edgekit.data.sidecar import sidecar_path
from edgekit.tensors import Array

__all__ = ["EXAMPLE", "KOTLIN", "PACKAGE", "DigitsApp", "held_out", "make_apk", "prepared", "trained"]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "android_digits"
PACKAGE = "com.example.digits"
KOTLIN = "com.example.kotlindigits"


@dataclass(frozen=True)
class DigitsApp:
    """The example, built.

    Attributes:
        model: The `.tflite`.
        module: That `edgekit export android` made, as the README says.
        kotlin: The same in Kotlin, for another package, with golden vectors of random inputs as foreign models have.
        built: What the script left.
    """

    model: Path
    module: Path
    kotlin: Path
    built: Any


def make_apk() -> Any:
    """The example's script."""
    spec = importlib.util.spec_from_file_location("make_apk", EXAMPLE / "make_apk.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def prepared(folder: Path) -> DigitsApp:
    """Train, export in both languages, and build the APK with the libraries that tests have."""
    model = folder / "digits.tflite"
    trained(model)
    java = {"package": PACKAGE, "name": "DigitClassifier"}
    kotlin = {"package": KOTLIN, "name": "KotlinClassifier", "language": "kotlin"}
    edgekit.export(model, {"android": java}, folder / "digits")
    (folder / "foreign").mkdir()
    for path in (model, sidecar_path(model)):
        shutil.copy(path, folder / "foreign")
    edgekit.export(folder / "foreign" / model.name, {"android": kotlin}, folder / "kotlin")
    script = make_apk()
    for name in (script.ANDROID, script.DEXER, *script.TFLITE["2.6.0"]):
        maven.fetched(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        built = script.build(folder / "build", folder / "digits", maven.CACHE)
    return DigitsApp(model, folder / "digits", folder / "kotlin", built)


def trained(path: Path) -> None:
    """The demo's network at a quarter of its width, rounded as `qat` does: TFLite 2.6 needs one scale a dense layer."""
    from edgekit.keras.networks import digits_cnn
    from edgekit.methods.quantize import calibrate, quantize, settled
    from edgekit.training import seed_everything

    data = load_data("digits")
    seed_everything(0)
    network = digits_cnn.build((8, 8, 1), 10, 0.25)
    network.compile(_tf.tf_keras().optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    network.fit(data.features("train"), data.labels("train"), epochs=12, batch_size=32, verbose=0)
    rounded = quantize(network, skip=lambda name: False).model
    calibrate(rounded, data.features("calibration"))
    edgekit.convert(settled(rounded), path, data="digits", task="classification")


def held_out(count: int) -> tuple[Array, Array]:
    """Digits that the training did not see, as they are, and what they are."""
    split = load_data("digits").raw("test")
    assert not isinstance(split.x, dict)
    return split.x[:count], split.y[:count]
