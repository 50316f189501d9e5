from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError, RuntimeFailed, UsageError
from edgekit.runtimes import PROBE, DeviceFigures
from edgekit.runtimes.ethos_u import RUNTIME, CpuOperator, Vela

CONFIGS = ["ethos-u55-128", "ethos-u55-256", "ethos-u65-256", "ethos-u85-256"]
SHAPE = [1, 12, 12, 8]


@pytest.fixture(scope="module", autouse=True)
def _available() -> None:
    reason = RUNTIME.probe()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three convolutions of 25,344 weights in all, int8: dense, with 90 % zeros, and with an operator for the CPU."""
    folder = tmp_path_factory.mktemp("ethos_u")
    found = {}
    for name, zeros, tail in (("dense", 0.0, False), ("sparse", 0.9, False), ("tail", 0.0, True)):
        found[name] = folder / f'{name}, a "quoted" name.tflite'
        found[name].write_bytes(_convolutions(zeros, tail))
    return found


def _convolutions(zeros: float, tail: bool) -> bytes:
    tf, rng = _tf.tensorflow(), np.random.default_rng(1)
    weights = []
    for shape in ((3, 3, 8, 32), (3, 3, 32, 64), (1, 1, 64, 72)):
        values = rng.normal(size=shape).astype(np.float32)
        weights.append(np.where(rng.random(shape) < zeros, np.float32(0), values))

    def network(x: Any) -> Any:
        for values in weights:
            x = tf.nn.relu(tf.nn.conv2d(x, values, 2, "SAME"))
        x = tf.reduce_mean(x, [1, 2])
        return tf.math.floordiv(x, 3.0) if tail else x

    samples = [[rng.normal(size=SHAPE).astype(np.float32)] for _ in range(4)]
    concrete = tf.function(network, input_signature=[tf.TensorSpec(SHAPE)]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: samples
    if not tail:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with _tf.captured_output():
        return bytes(converter.convert())


@pytest.mark.parametrize("config", CONFIGS)
def test_estimates(models: dict[str, Path], config: str) -> None:
    found = Vela(config).estimate(models["dense"])
    figures, profile = found.figures, found.figures.profile
    macs = 6 * 6 * 9 * 8 * 32 + 3 * 3 * 9 * 32 * 64 + 2 * 2 * 64 * 72
    assert figures["cycles"] is not None and figures["cycles"] > macs / int(config.rpartition("-")[2])
    mean = 2 * 2 * 72  # runs as a depthwise convolution
    assert found.weight_bytes == 9 * 8 * 32 + 9 * 32 * 64 + 64 * 72 + mean
    assert figures["encoded_weight_bytes"] is not None and figures["flash_bytes"] is not None
    assert 0.5 * found.weight_bytes < figures["encoded_weight_bytes"] <= figures["flash_bytes"]
    assert figures["sram_bytes"] is not None and figures["sram_bytes"] >= 12 * 12 * 8
    assert (figures["operators_on_cpu"], found.cpu_operators, figures["arena_bytes"]) == (0, (), None)
    assert profile is not None and [row.operator for row in profile].count("CONV_2D") == 3
    shares = [row.share for row in profile]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1)
    assert sum(row.value for row in profile) == pytest.approx(figures["cycles"], rel=0.05)
    assert {row.unit for row in profile} == {"cycles"}
    assert found.summary == f"{config}: an estimated {figures['cycles']} cycles; operators left to the CPU: 0 (none)."


def test_zeros_pay(models: dict[str, Path]) -> None:
    assert models["dense"].stat().st_size == pytest.approx(models["sparse"].stat().st_size, rel=0.01)
    for config in ("ethos-u55-128", "ethos-u85-256"):
        dense, sparse = (Vela(config).measure(models[name]) for name in ("dense", "sparse"))
        assert dense["encoded_weight_bytes"] is not None and sparse["encoded_weight_bytes"] is not None
        assert sparse["encoded_weight_bytes"] * 3 <= dense["encoded_weight_bytes"]
        assert dense["cycles"] is not None and sparse["cycles"] is not None and sparse["cycles"] <= dense["cycles"]


def test_names_what_stays_on_the_cpu(models: dict[str, Path]) -> None:
    found = Vela().estimate(models["tail"])  # the smallest NPU, where none is named
    assert found.config == "ethos-u55-128"
    assert found.figures["cycles"] and found.figures["operators_on_cpu"] == len(found.cpu_operators) > 0
    assert "FLOOR_DIV" in {operator.operator for operator in found.cpu_operators}
    assert all(operator.reason and operator.name for operator in found.cpu_operators)
    assert "FLOOR_DIV" in found.summary


def test_float_models_stay_on_the_cpu() -> None:
    found = Vela().estimate(PROBE)
    assert found.figures == DeviceFigures({"operators_on_cpu": 1})  # unknown is None, never 0
    ((operator,), reason) = found.cpu_operators, "Operation has tensor with unsupported DataType Float32"
    assert operator == CpuOperator("RELU", operator.name, reason)
    assert "every operator stays on the CPU (1). The NPU takes integers only" in found.summary
    assert "convert the model to int8." in found.summary


def test_does_not_run_models(models: dict[str, Path]) -> None:
    with pytest.raises(RuntimeFailed, match="^ethos_u estimates; it does not run models"):
        RUNTIME.open(models["dense"])


def test_unknown_configuration() -> None:
    with pytest.raises(UsageError, match="Did you mean 'ethos-u55-128'"):
        Vela("ethos-u55-182")


def test_bad_files_are_one_line(models: dict[str, Path], tmp_path: Path) -> None:
    good, rng, outcomes = models["dense"].read_bytes(), np.random.default_rng(5), set()
    for i in range(4):
        bad = bytearray(good)
        for position in rng.integers(8, len(good), 60):
            bad[position] ^= 1 << int(rng.integers(8))
        path = tmp_path / f"{i}.tflite"
        path.write_bytes(bad)
        try:
            RUNTIME.measure(path, time_limit=20)
        except (ModelError, RuntimeFailed) as error:
            outcomes.add(type(error))
            assert "\n" not in str(error)
    assert outcomes
    with pytest.raises(RuntimeFailed, match="must answer within 0.01 s"):
        RUNTIME.measure(models["dense"], time_limit=0.01)


def test_missing_package_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['ethosu'] = None")
    root = str(Path(__file__).parents[2])
    code = "from edgekit.runtimes import load_runtime; print(load_runtime('ethos_u').probe())"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("The runtime ethos_u cannot be loaded here."), done.stderr
    assert done.stdout.strip().endswith("pip install 'edgekit[mcu]'")
