"""Every command: an example in its help, JSON of its own form, the numbers of the function behind it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_lines import LEAVES

from edgekit import passes, registry
from edgekit.cli import commands
from edgekit.runtimes import runtime_names

Cli = Callable[..., Any]


def parsed(result: Any, schema: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.out)
    assert found["schema"] == schema, result.err
    return found


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_shows_an_example(path: tuple[str, ...], cli: Cli) -> None:
    result = cli(*path, "--help")
    assert result.code == 0
    assert f"\n  edgekit {' '.join(path)}" in result.out, "an example, ready to be copied"
    assert "--json" in result.out and "--debug" in result.out


def test_help_lists_every_command(cli: Cli) -> None:
    result = cli("--help")
    assert result.code == 0
    for name in registry.names(commands):
        assert f"\n  {name} " in result.out


def test_init(cli: Cli, tmp_path: Path) -> None:
    found = parsed(cli("init", tmp_path / "new", "--json"), "edgekit.init/1")
    assert found["recipe"] == str(tmp_path / "new" / "recipe.yaml")
    text = Path(found["recipe"]).read_text()
    assert yaml.safe_load(text)["model"] == "digits_cnn" and text.count("#") > 8, "with comments"
    Path(found["recipe"]).write_text("mine")
    refused = cli("init", tmp_path / "new")
    assert refused.code == 1 and "not overwritten" in refused.err and "--overwrite" in refused.err
    assert Path(found["recipe"]).read_text() == "mine"
    for flag in ("--overwrite", "--force"):
        Path(found["recipe"]).write_text("mine")
        assert cli("init", tmp_path / "new", flag).code == 0
        assert Path(found["recipe"]).read_text() == text
    assert cli("init", tmp_path / "new").code == 0, "nothing would be lost"


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_convert(kind: str, cli: Cli, trained: Any, npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.tflite"
    data = ["--data", npz] if kind == "int8" else []
    result = cli("convert", trained.h5, "--format", kind, *data, "-o", out, "--json")
    found = parsed(result, "edgekit.convert/2")
    assert found["quantization"] == kind and found["bytes"] == out.stat().st_size
    left = {f.name for f in tmp_path.iterdir()}
    assert left >= {"m.tflite", "m.tflite.json", ".edgekit"}
    assert all(name.startswith("m.tflite") for name in left - {".edgekit"})
    sidecar = json.loads((tmp_path / "m.tflite.json").read_text())
    assert sidecar["schema"] == "edgekit.sidecar/2"
    assert sidecar["task"] == ("classification" if data else "unknown")
    scored = parsed(cli("evaluate", out, "--data", npz, "--json"), "edgekit.evaluate/1")
    assert scored["value"] > 0.85 and scored["samples"] == 100


def test_convert_writes_the_preprocessing_and_evaluate_reads_it(cli: Cli, trained: Any, tmp_path: Path) -> None:
    """digits are bytes of 0..16; the network was trained on 0..1."""
    out = tmp_path / "m.tflite"
    assert cli("convert", trained.h5, "--data", "digits", "-o", out).code == 0
    (first, second) = json.loads((tmp_path / "m.tflite.json").read_text())["preprocessing"]
    assert list(first) == ["cast"] and second == {"rescale": {"scale": 1 / 16, "offset": 0.0}}
    assert parsed(cli("evaluate", out, "--data", "digits", "--json"), "edgekit.evaluate/1")["value"] > 0.85


def test_convert_names_the_file_itself(cli: Cli, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("convert", trained.h5, "--format", "float32")
    assert result.code == 0 and (tmp_path / "tiny_float32.tflite").is_file()
    assert "quantization" in result.out and "CONV_2D" in result.out


def test_evaluate_agrees_between_keras_and_the_file(
    cli: Cli, trained: Any, tflites: dict[str, Path], npz: Path
) -> None:
    keras = parsed(cli("evaluate", trained.h5, "--data", npz, "--json"), "edgekit.evaluate/1")
    file = parsed(cli("evaluate", tflites["float32"], "--data", npz, "--json"), "edgekit.evaluate/1")
    assert keras["runtime"] == "keras" and file["runtime"] == "litert"
    assert keras["value"] == file["value"] and keras["samples"] == 100
    assert set(keras) == {"schema", "metric", "value", "low", "high", "samples", "runtime", "seconds", "warnings"}
    assert keras["low"] < keras["value"] < keras["high"] <= 1
    text = cli("evaluate", tflites["int8"], "--data", npz)
    assert text.code == 0 and "top1 " in text.out and "100 samples under litert" in text.out


def test_inspect(cli: Cli, tflites: dict[str, Path]) -> None:
    found = parsed(cli("inspect", tflites["int8"], "--json"), "edgekit.inspect/1")
    assert found["quantization"] == "int8" and found["inputs"][0]["shape"] == [1, 8, 8, 1]
    assert found["bytes"] == tflites["int8"].stat().st_size and found["macs"] > 0
    text = cli("inspect", tflites["int8"])
    assert text.code == 0 and found["sha256"][:16] in text.out and "FULLY_CONNECTED" in text.out


def test_inspect_says_whether_a_model_fits(cli: Cli, tflites: dict[str, Path], tmp_path: Path) -> None:
    (board := tmp_path / "tiny.yaml").write_text("description: mine\nformats: [int8]\nflash_bytes: 99\nram_bytes: 9\n")
    asked = ["inspect", tflites["int8"], "--target", "stm32f446", "--target", board]
    large, tiny = parsed(cli(*asked, "--json"), "edgekit.inspect/1")["targets"]
    assert (large["target"], large["fits"], tiny["target"], tiny["fits"]) == ("stm32f446", True, "tiny", False)
    assert 0 < large["weights_bytes"] and 64 < large["arena_bytes"] < 100_000 and large["format_runs"] is True
    text = cli(*asked)
    assert text.code == 0 and "On stm32f446" in text.out and "estimated" in text.out and "without the stack" in text.out
    unknown = cli("inspect", tflites["int8"], "--target", "stm32f447")
    assert unknown.code == 1 and "Did you mean 'stm32f446'" in unknown.err


def test_benchmark(cli: Cli, tflites: dict[str, Path]) -> None:
    result = cli("benchmark", tflites["float32"], tflites["int8"], "--runs", 5, "--json")
    found = parsed(result, "edgekit.benchmark/1")
    assert result.code == 0 and [r["runs"] for r in found["results"]] == [5, 5]
    for row in found["results"]:
        time = row["latency_ms"]
        assert 0 < time["min"] <= time["p50"] <= time["p99"] and time["low"] <= time["p50"] <= time["high"]
    assert "host proxy" in found["note"] and found["environment"]["cpu"]
    assert "a proxy, not a phone's" in cli("benchmark", tflites["int8"], "--runs", 2).out


def test_benchmark_reports_what_fails_and_times_the_rest(cli: Cli, tflites: dict[str, Path], tmp_path: Path) -> None:
    result = cli("benchmark", tmp_path / "absent.tflite", tflites["int8"], "--runs", 2, "--json")
    bad, good = parsed(result, "edgekit.benchmark/1")["results"]
    assert result.code == 1 and "does not exist" in bad["error"] and bad["latency_ms"] is None
    assert good["error"] is None and good["latency_ms"]["p50"] > 0


def test_schema(cli: Cli) -> None:
    found = json.loads(cli("schema").out)
    assert found["$schema"].startswith("https://json-schema.org") and found["title"] == "EdgeKit recipe"
    assert {"model", "data", "passes", "convert", "budget", "seed"} <= set(found["properties"])


def test_runtimes(cli: Cli) -> None:
    found = parsed(cli("runtimes", "--json"), "edgekit.runtimes/1")["runtimes"]
    assert [r["name"] for r in found] == runtime_names()
    for row in found:
        assert row["available"] == (row["reason"] is None)
    assert next(r for r in found if r["name"] == "litert")["available"]


def test_passes(cli: Cli) -> None:
    found = parsed(cli("passes", "--json"), "edgekit.passes/1")["passes"]
    assert [p["name"] for p in found] == registry.names(passes)
    assert all(p["summary"] and p["keys"]["properties"]["finetune"]["description"] for p in found)
    assert "sparsity" in cli("passes").out


def test_doctor(cli: Cli) -> None:
    result = cli("doctor", "--json")
    found = parsed(result, "edgekit.doctor/1")
    assert result.code == 0 and found["ok"]
    assert {"python", "tensorflow", "runtime litert"} <= {c["name"] for c in found["checks"]}
    assert {c["state"] for c in found["checks"]} <= {"ok", "missing"}
    assert "runtime litert" in cli("doctor").out


def test_report_without_a_run(cli: Cli, tmp_path: Path) -> None:
    result = cli("report", tmp_path)
    assert result.code == 1 and "without manifest.json" in result.err and list(tmp_path.iterdir()) == []
    (tmp_path / "manifest.json").write_text("{}")
    damaged = cli("report", tmp_path)
    assert damaged.code == 1 and "edgekit.compress/3" in damaged.err
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("command", ["convert", "evaluate", "sensitivity", "compress"])
def test_limits_reach_the_reader_of_a_foreign_file(command: str, cli: Cli, tmp_path: Path) -> None:
    model, recipe = tmp_path / "m.h5", tmp_path / "r.yaml"
    model.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))
    recipe.write_text(f"model: {model}\ndata: digits\nconvert: [float32]\n")
    arguments: dict[str, list[object]] = {
        "convert": [model, "--format", "float32", "-o", tmp_path / "m.tflite"],
        "evaluate": [model, "--data", "digits"],
        "sensitivity": [model, "--data", "digits"],
        "compress": [recipe, "-o", tmp_path / "run"],
    }
    slow = cli(command, *arguments[command], "--time-limit", 0.0001)
    assert slow.code == 1 and "within 0.0001 s" in slow.err and "--time-limit" in slow.err
    assert cli(command, *arguments[command], "--memory-limit", "much").code == 2


def test_targets_are_listed_and_own_ones_checked(cli: Cli, tmp_path: Path) -> None:
    told = json.loads(cli("targets", "--json").out)
    assert told["schema"] == "edgekit.targets/1" and {"name", "formats", "flash_bytes"} <= told["targets"][0].keys()
    board = tmp_path / "board.yaml"
    board.write_text("description: mine\nformats: [int8]\nram_bytes: 65536\n")
    assert "65,536" in cli("targets", board).out or "65536" in cli("targets", board).out
    board.write_text("description: mine\nformat: [int8]\n")
    wrong = cli("targets", board)
    assert wrong.code == 1 and "Did you mean 'formats'" in wrong.err
