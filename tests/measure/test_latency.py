from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import edgekit.runtimes
from edgekit.errors import UsageError
from edgekit.measure.latency import benchmark

PROBE = Path(edgekit.runtimes.__file__).with_name("_probe.tflite")


def test_two_runtimes_and_a_broken_model(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a model")
    turns: list[tuple[int, int]] = []
    report = benchmark(
        [PROBE, broken],
        runtimes=["litert", "tflite_runtime"],
        runs=25,
        progress=lambda done, total: turns.append((done, total)),
    )
    data = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert data["schema"] == "edgekit.benchmark/1" and data["note"].startswith("host proxy")
    assert data["environment"]["cores"] >= 1 and "numpy" in data["environment"]["versions"]
    good, bad = data["results"][:2], data["results"][2:]
    for result in good:
        ms = result["latency_ms"]
        assert result["error"] is None and result["runs"] == 25 and result["peak_memory_bytes"] > 0
        assert 0 < ms["min"] <= ms["low"] <= ms["p50"] <= ms["high"] <= ms["p99"]
        assert ms["p50"] <= ms["p90"] <= ms["p99"]
    for result in bad:
        assert result["latency_ms"] is None and result["peak_memory_bytes"] is None and result["runs"] == 0
        assert result["error"] and "\n" not in result["error"]
    assert turns[-1] == (10, 10)


def test_wrong_usage() -> None:
    with pytest.raises(UsageError, match="models"):
        benchmark([])
    with pytest.raises(UsageError, match="runs"):
        benchmark([PROBE], runs=0)
    with pytest.raises(UsageError, match="Did you mean"):
        benchmark([PROBE], runtimes=["litrt"])


def test_loads_no_tensorflow() -> None:
    code = (
        "import sys; from pathlib import Path; from edgekit.measure.latency import benchmark\n"
        "from edgekit.measure.predict import predict\n"
        f"assert benchmark([Path({str(PROBE)!r})], runs=2).results[0].error is None\n"
        "heavy = {'tensorflow', 'keras', 'tf_keras', 'ai_edge_litert.interpreter'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
