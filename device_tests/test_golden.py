"""The models that EdgeKit makes, on every runtime: golden vectors, and figures against a committed baseline.

`EDGEKIT_RECORD_BASELINE=1` writes the baseline anew, for changes that are meant.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_data import DATA, MISSING

import edgekit
from edgekit import _tf, registry
from edgekit.errors import RuntimeFailed
from edgekit.golden import read_golden
from edgekit.keras import networks
from edgekit.measure.golden import write_golden
from edgekit.runtimes import Runtime, load_runtime
from edgekit.training import seed_everything
from edgekit_converters.tflite import ConvertSpec, convert_keras

INPUTS = {
    "autoencoder": (640,),
    "dense_autoencoder": (640,),
    "digits_cnn": (8, 8, 1),
    "ds_cnn": (49, 10, 1),
    "inverted_residual": (28, 28, 1),
    "lenet5": (28, 28, 1),
    "mobilenet_v1": (96, 96, 3),
    "residual": (32, 32, 3),
    "resnet8": (32, 32, 3),
    "separable": (28, 28, 1),
    "tcn": (128, 9),
    "text_gru": (12,),
    "text_transformer": (40,),
    "vgg_small": (32, 32, 3),
}
EXECUTING = ("litert", "tflite_runtime", "tensorflow", "tflm", "arm64")
EXACT = ("tflm",)
ATTENTION = ("text_transformer",)
"""Their golden answers are LiteRT's, since the oracle's reference kernels are wrong for int8 attention."""
HOST_KERNELS = ("litert", "tflite_runtime", "tensorflow")
"""Optimised for the host's CPU. On an untrained transformer rounding grows: TensorFlow's differ by tens of bits."""
LSTM_OF_ITS_OWN = ("keras_lstm_mnist_ptq",)
"""Where TFLite Micro's LSTM, which is other code than TFLite's, rounds one answer of eight to the next integer."""
LARGEST_DIFFERENCE = 8
LARGEST_DIFFERENCE_PUBLISHED = 72
"""Least significant bits between reference and optimised kernels. The published ResNet8 pools with the coarse scale of
its input, where one bit becomes tens after softmax; files that EdgeKit makes do not (`models/pooling.py`)."""
DYNAMIC_RANGE = "kws/kws_ref_model_float32.tflite"
"""Quantises activations on the fly, each runtime with its own rounding."""
PUBLISHED = (
    "ic/pretrainedResnet.tflite",
    "ic/pretrainedResnet_quant.tflite",
    "kws/kws_ref_model_float32.tflite",
    "kws/kws_ref_model_int8.tflite",
    "tflite/hello_world_float.tflite",
    "tflite/hello_world_int8.tflite",
    "tflite/keras_lstm_mnist_ptq.tflite",
    "tflite/micro_speech_quantized.tflite",
    "tflite/mobilenet_v1_0.25_128_quant.tflite",
    "tflite/split_concat.tflite",
    "tflite/trained_lstm_int8.tflite",
)
REFUSED = {
    ("arm64", "tflite/keras_lstm_mnist_ptq.tflite"): "Variable tensors not yet supported",
    ("arm64", "tflite/trained_lstm_int8.tflite"): "Variable tensors not yet supported",
    ("tflm", "kws/kws_ref_model_float32.tflite"): "Hybrid models are not supported",
    ("tflm", "tflite/mobilenet_v1_0.25_128_quant.tflite"): "Hybrid models are not supported",
    ("tflm", "tflite/split_concat.tflite"): "refuses the model",
}
"""What a runtime cannot run, and what it says."""
BASELINE = Path(__file__).with_name("baseline.json")
FIGURES = {"tflm": ("arena_bytes", 0.0), "arm64": ("instructions", 0.01), "ethos_u": ("cycles", 0.01)}
"""Figure of a runtime, and how far it may move from the baseline."""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """int8 files of the reference networks, calibrated on random samples, with their golden vectors."""
    assert set(INPUTS) == set(registry.names(networks))
    folder, made = tmp_path_factory.mktemp("models"), {}
    for name, shape in INPUTS.items():
        seed_everything(0)
        model = registry.load(networks, name).build(shape, 10)
        samples = samples_for(model, shape)
        model(_tf.tensorflow().constant(samples), training=True)
        made[name] = folder / f"{name}.tflite"
        convert_keras(model, made[name], ConvertSpec(format="int8"), representative=samples)
        write_golden(made[name], samples)
    return made


@pytest.mark.parametrize(
    ("network", "name"),
    [(n, r) for n in sorted(INPUTS) for r in EXECUTING if n not in ATTENTION or r not in HOST_KERNELS],
)
def test_answers_are_the_golden_ones(name: str, network: str, models: dict[str, Path]) -> None:
    assert_golden(available(name), models[network])


@pytest.mark.parametrize("name", EXECUTING)
@pytest.mark.parametrize("path", PUBLISHED)
def test_published_models_give_the_golden_answers(name: str, path: str, tmp_path: Path) -> None:
    if not DATA.is_dir():
        pytest.skip(MISSING)
    model = tmp_path / Path(path).name
    model.write_bytes((DATA / "models" / path).read_bytes())
    write_golden(model)
    runtime = available(name)
    if refusal := REFUSED.get((name, path)):
        with pytest.raises(RuntimeFailed, match=refusal):
            assert_golden(runtime, model)
    else:
        assert_golden(runtime, model, largest=LARGEST_DIFFERENCE_PUBLISHED)


@pytest.mark.parametrize("name", EXECUTING)
def test_the_demos_model(name: str, demo: Path) -> None:
    assert_golden(available(name), demo)


@pytest.mark.parametrize("network", sorted(INPUTS))
@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figures_stay_at_the_baseline(name: str, network: str, models: dict[str, Path]) -> None:
    runtime = available(name)
    key, slack = FIGURES[name]
    value = runtime.measure(models[network])[key]
    recorded = json.loads(BASELINE.read_text()) if BASELINE.is_file() else {}
    if os.environ.get("EDGEKIT_RECORD_BASELINE"):
        recorded.setdefault(network, {})[f"{name}.{key}"] = value
        BASELINE.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n")
        return
    expected = recorded[network][f"{name}.{key}"]
    if expected is None:  # as of a loop, none of which the NPU takes
        assert value is None
    else:
        assert value == pytest.approx(expected, rel=slack)


def samples_for(model: Any, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[Any]]:
    """16 random inputs: normal values, or numbers of words."""
    rng = np.random.default_rng(0)
    if model.input.dtype.is_integer:
        return rng.integers(0, 8000, (16, *shape), dtype=np.int32)
    return rng.normal(size=(16, *shape)).astype(np.float32)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's int8 file, trained for a shorter time."""
    output = tmp_path_factory.mktemp("demo")
    recipe = Path(__file__).resolve().parents[1] / "examples" / "digits" / "recipe.yaml"
    shorter = ("train.epochs=2", "passes.0.finetune.epochs=1", "passes.1.finetune.epochs=1", "convert=[int8]")
    return output / edgekit.compress(recipe, output, overrides=shorter).models[0].path


def available(name: str) -> Runtime:
    """A runtime that works here; a missing tool is a failure in CI and a skip elsewhere."""
    runtime = load_runtime(name)
    reason = runtime.probe()
    if reason is not None:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return runtime


def assert_golden(runtime: Runtime, model: Path, *, largest: int = LARGEST_DIFFERENCE) -> None:
    golden = read_golden(model)
    session = runtime.open(model)
    try:
        for i in range(len(golden)):
            outputs = session.run([array[i] for array in golden.inputs], fresh=True)
            for given, wanted in zip(outputs, (array[i] for array in golden.outputs), strict=True):
                if (
                    runtime.name in EXACT
                    and "reference" in golden.oracle
                    and model.stem not in ATTENTION
                    and given.dtype.kind != "f"
                ):
                    most = 1 if model.stem in LSTM_OF_ITS_OWN else 0
                    assert np.abs(given.astype(int) - wanted.astype(int)).max() <= most
                elif given.dtype.kind == "f":
                    np.testing.assert_allclose(
                        given, wanted, rtol=1e-3, atol=2e-2 if model.name in DYNAMIC_RANGE else 1e-4
                    )
                else:
                    assert np.abs(given.astype(int) - wanted.astype(int)).max() <= largest
    finally:
        session.close()
