from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from interpreters import other_interpreter

from edgekit.errors import UsageError
from edgekit.measure.latency import benchmark
from edgekit.runtimes import PROBE


def test_two_runtimes_and_a_broken_model(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"not a model")
    turns: list[tuple[int, int]] = []
    report = benchmark(
        [PROBE, broken],
        runtimes=["litert", other_interpreter()],
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
    assert {"load_before", "load", "governor"} <= data["environment"].keys()
    assert data["noise"]["level"] in ("calm", "noisy", "too noisy")


def test_launches_turns_and_comparisons() -> None:
    report = benchmark([PROBE, PROBE], runs=60, launches=3)
    for result in report.results:
        assert result.error is None and (result.runs, result.launches, result.turns) == (60, 3, 12)
        assert result.latency_kind == "host proxy" and result.kernels == "default" and result.switches is not None
        assert result.turn_spread is not None and result.bytes == PROBE.stat().st_size
    (found,) = report.comparisons
    assert found.metric == "latency_ms.p50" and found.low is not None and found.high is not None
    assert found.low <= found.ratio <= found.high


def test_length_by_time() -> None:
    (result,) = benchmark([PROBE], runs=None).results
    assert result.turns == 30 and result.runs > 300


def test_too_few_turns_cannot_tell() -> None:
    (found,) = benchmark([PROBE, PROBE], runs=2).comparisons
    assert found.verdict == "cannot tell" and found.low is None and found.high is None


def test_kernels_and_profile() -> None:
    runtimes = ["litert", other_interpreter()]
    builtin = benchmark([PROBE], runtimes=runtimes, kernels="builtin", runs=5, profile=True).results
    assert [r.kernels for r in builtin] == ["builtin", "builtin"]
    assert builtin[0].profile is not None and [s.operator for s in builtin[0].profile] == ["RELU"]
    assert builtin[0].profile[0].unit == "ms" and builtin[0].profile_note is None
    assert builtin[1].profile is None and "no profiler" in str(builtin[1].profile_note)
    (plain,) = benchmark([PROBE], kernels="reference", runs=5, profile=True).results
    assert plain.error is None and plain.profile is None and "not reference" in str(plain.profile_note)


def test_counting_runtimes_give_figures_and_no_milliseconds(tflites: dict[str, Path]) -> None:
    models = [tflites["int8"], tflites["float32"]]
    report = benchmark(models, runtimes=["tflm", "ethos_u:ethos-u55-256", "litert"], threads=2, runs=5)
    by_place = {(Path(r.model).name, r.runtime): r for r in report.results}
    micro, npu, host = (by_place[(models[0].name, name)] for name in ("tflm", "ethos_u:ethos-u55-256", "litert"))
    assert micro.error is None and micro.figures["arena_bytes"] > 0
    assert micro.latency_ms is None and micro.runs == 0 and micro.threads == 1 and micro.latency_kind is None
    assert (
        npu.figures.get("cycles") is not None
        and npu.figures.get("sram_bytes")
        and npu.figures.get("flash_bytes")
        and npu.figures.get("encoded_weight_bytes")
    )
    assert npu.profile and sum(share.share for share in npu.profile) == pytest.approx(1)
    assert (
        host.latency_ms is not None
        and host.threads == 2
        and host.figures.get("arena_bytes") is None
        and host.figures.get("cycles") is None
    )
    data = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    share = data["results"][1]["profile"][0]
    assert set(share) == {"operator", "name", "share", "value", "unit"} and share["unit"] == "cycles"


def test_wrong_usage() -> None:
    with pytest.raises(UsageError, match="at least one model. Received: 0"):
        benchmark([])
    with pytest.raises(UsageError, match="at least one run. Received: 0"):
        benchmark([PROBE], runs=0)
    with pytest.raises(UsageError, match="Did you mean"):
        benchmark([PROBE], runtimes=["litrt"])
    with pytest.raises(UsageError, match="Did you mean 'builtin'"):
        benchmark([PROBE], kernels="buildin")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least one launch. Received: 0"):
        benchmark([PROBE], launches=0)
    with pytest.raises(UsageError, match="time limit"):
        benchmark([PROBE], time_limit=0)
    with pytest.raises(UsageError, match="litert has no variants"):
        benchmark([PROBE], runtimes=["litert:fast"])
    with pytest.raises(UsageError, match="arm64:CPU"):
        benchmark([PROBE], runtimes=["arm64:"])


def test_a_wrong_variant_is_said_before_anything_is_measured() -> None:
    with pytest.raises(UsageError, match="No such variant of ethos_u.*Did you mean 'ethos-u55-256'"):
        benchmark([PROBE], runtimes=["ethos_u:ethos-u55-257", "litert"], runs=2)


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
