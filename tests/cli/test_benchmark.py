"""edgekit benchmark: what it shows, its gate, and what bad models and missing tools come to."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit import _tf
from edgekit.runtimes import PROBE

QUICK = ("--runs", 10, "--launches", 1)
FIGURES = {
    "instructions", "arena_bytes", "cycles", "sram_bytes", "flash_bytes", "encoded_weight_bytes", "operators_on_cpu",
    "profile",
}  # fmt: skip

Cli = Callable[..., Any]


def _convert(function: Any, folder: Path, name: str) -> Path:
    tf = _tf.tensorflow()
    with _tf.captured_output():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)
        content = converter.convert()
    path = folder / f"{name}.tflite"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An output whose shape depends on the values, by an operator that TFLite Micro lacks; and a model without end."""
    tf, folder = _tf.tensorflow(), tmp_path_factory.mktemp("odd")

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def dynamic(x: Any) -> Any:
        return tf.where(x > 0.5)

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32)])
    def endless(x: Any) -> Any:
        return tf.while_loop(lambda y: tf.reduce_sum(y) > -1.0, lambda y: (tf.abs(y) * 0.5,), [x])[0]

    return {"dynamic": _convert(dynamic, folder, "dynamic"), "endless": _convert(endless, folder, "endless")}


def _json(result: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.out)
    assert found["schema"] == "edgekit.benchmark/1"
    return found


def test_json_names_every_figure(cli: Cli) -> None:
    (row,) = _json(cli("benchmark", PROBE, *QUICK, "--json"))["results"]
    assert row.keys() >= FIGURES and row["latency_ms"]["p50"] > 0
    assert all(row[key] is None for key in FIGURES - {"profile"})
    assert [share["operator"] for share in row["profile"]] == ["XNNPACK Clamp (NC)"] and row["profile"][0][
        "unit"
    ] == "ms"


def test_columns_follow_the_figures(cli: Cli, tflites: dict[str, Path]) -> None:
    models = tflites["float32"], tflites["int8"]
    result = cli("benchmark", *models, "--runtime", "ethos_u", "--config", "ethos-u85-256", "--profile")
    assert result.code == 0 and "ethos_u:ethos-u85-256: one inference" in result.out
    assert "NPU cycles" in result.out and "by operator" in result.out and "FULLY_CONNECTED" in result.out
    assert "median ms" not in result.out and "arena" not in result.out and "The machine was" not in result.out
    timed = cli("benchmark", *models, *QUICK, "--kernels", "builtin", "--profile")
    assert timed.code == 0 and "median ms" in timed.out and "cycles" not in timed.out
    assert "verdict" in timed.out and "CONV_2D" in timed.out and "XNNPACK" not in timed.out


@pytest.mark.parametrize("suffix", ["html", "png"])
def test_plot(cli: Cli, tflites: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    plot = tmp_path / f"plot.{suffix}"
    runtimes = "--runtime", "litert", "--runtime", "tflm"
    result = cli("benchmark", tflites["float32"], tflites["int8"], *runtimes, *QUICK, "--plot", plot)
    assert result.code == 0 and str(plot) in result.err
    content = plot.read_bytes()
    if suffix == "html":
        assert b"tflm: arena bytes" in content and b"host proxy" in content
    else:
        assert content.startswith(b"\x89PNG") and struct.unpack(">II", content[16:24])[0] == 1200
    assert sorted(path.name for path in tmp_path.iterdir()) == [".edgekit", plot.name]


def test_plot_of_another_kind_is_refused_before_anything_runs(cli: Cli) -> None:
    result = cli("benchmark", "absent.tflite", "--plot", "plot.svg")
    assert result.code == 2 and "'plot.svg'" in result.err and ".html or .png" in result.err


def test_gate(cli: Cli, tflites: dict[str, Path], tmp_path: Path) -> None:
    model, baseline = tflites["int8"], tmp_path / "baseline.json"
    runtimes = "--runtime", "ethos_u", "--runtime", "tflm"
    baseline.write_text(cli("benchmark", model, *runtimes, "--json").out)
    rules = "--fail-if", "ethos_u.cycles > 1 %", "--fail-if", "tflm.arena_bytes > 0", "--fail-if", "tflm.bytes > 16"
    same = cli("benchmark", model, *runtimes, "--baseline", baseline, *rules)
    assert same.code == 0 and same.out.count("ok ") == 3 and "REGRESSED" not in same.out

    old = json.loads(baseline.read_text())
    old["results"][0]["cycles"] = int(old["results"][0]["cycles"] / 1.1)
    baseline.write_text(json.dumps(old))
    worse = cli("benchmark", model, *runtimes, "--baseline", baseline, *rules)
    assert worse.code == 3 and worse.out.count("REGRESSED") == 1 and "(+10." in worse.out
    data = _json(cli("benchmark", model, *runtimes, "--baseline", baseline, *rules, "--json"))["gate"]
    assert data["tripped"] and [c["tripped"] for c in data["checks"]] == [True, False, False]

    told = cli("benchmark", model, *runtimes, "--baseline", baseline)
    assert told.code == 0 and "(+10." in told.out  # without a rule, changes are told


def test_gate_usage(cli: Cli, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    baseline.write_text(cli("benchmark", PROBE, *QUICK, "--json").out)
    given = "benchmark", PROBE, "--baseline", baseline, "--fail-if"
    bad = cli(*given, "litert.speed > 1 %")
    assert bad.code == 2 and "'speed'" in bad.err
    assert cli(*given, "litert.bytes is large").code == 2
    elsewhere = cli(*given, "arm64.instructions > 1 %")
    assert elsewhere.code == 2 and "Add --runtime arm64" in elsewhere.err
    alone = cli("benchmark", PROBE, "--fail-if", "litert.bytes > 0")
    assert alone.code == 2 and "--baseline FILE" in alone.err
    unknown = cli(*given, "litert.instructions > 1 %")
    assert unknown.code == 1 and "must tell instructions" in unknown.err
    absent = cli("benchmark", "other.tflite", "--baseline", baseline, "--fail-if", "litert.bytes > 0")
    assert absent.code == 1 and "other.tflite on litert" in absent.err
    nowhere = cli("benchmark", PROBE, "--baseline", tmp_path / "none.json")
    assert nowhere.code == 1 and "must be a readable file" in nowhere.err


def test_variant_options_need_their_runtime(cli: Cli) -> None:
    result = cli("benchmark", PROBE, "--cpu", "cortex-a53")
    assert result.code == 2 and "Add --runtime arm64" in result.err
    result = cli("benchmark", PROBE, "--runtime", "litert:fast")
    assert result.code == 2 and "no variants" in result.err
    assert cli("benchmark", PROBE, "--runtime", "litrt").code == 2
    assert cli("benchmark", PROBE, "--time-limit", 0).code == 2


def test_a_missing_tool_costs_only_its_own_results(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = cli(
        "benchmark", PROBE, "--runtime", "arm64", "--cpu", "cortex-a53", "--runtime", "litert", *QUICK, "--json"
    )
    missing, good = _json(result)["results"]
    assert result.code == 1 and missing["runtime"] == "arm64:cortex-a53" and good["latency_ms"]["p50"] > 0
    assert "qemu-aarch64" in missing["error"] and "edgekit doctor --install arm64" in missing["error"]


def test_bad_models_cost_only_their_own_results(cli: Cli, odd: dict[str, Path], tmp_path: Path) -> None:
    corrupted = tmp_path / "corrupted.tflite"
    corrupted.write_bytes(PROBE.read_bytes()[:200])
    runtimes = "--runtime", "litert", "--runtime", "tflm", "--runtime", "ethos_u"
    result = cli("benchmark", odd["dynamic"], corrupted, PROBE, *runtimes, *QUICK, "--json")
    found = {(Path(r["model"]).stem, r["runtime"]): r for r in _json(result)["results"]}
    assert result.code == 1 and len(found) == 9
    assert found["dynamic", "litert"]["error"] is None and found["dynamic", "litert"]["latency_ms"]["p50"] > 0
    assert found["dynamic", "litert"]["profile"] is None and "shape" in found["dynamic", "litert"]["profile_note"]
    lacking = found["dynamic", "tflm"]["error"]
    assert "TFLite Micro must have a kernel for every operator" in lacking and "WHERE" in lacking
    for runtime in ("litert", "tflm", "ethos_u"):
        assert "\n" not in found["corrupted", runtime]["error"] and found["corrupted", runtime]["sha256"]
        assert found["_probe", runtime]["error"] is None
    text = cli("benchmark", corrupted, PROBE, *QUICK)
    assert text.code == 1 and f"Error: {corrupted} on litert: " in text.err and "_probe.tflite" in text.out


def test_a_model_without_end_is_ended(cli: Cli, odd: dict[str, Path]) -> None:
    result = cli("benchmark", odd["endless"], PROBE, "--time-limit", 8, *QUICK, "--json")
    hung, good = _json(result)["results"]
    assert result.code == 1 and good["error"] is None
    assert "must answer within 8 s" in hung["error"] and "longer time limit" in hung["error"]
