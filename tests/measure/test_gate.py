from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import DataError, UsageError
from edgekit.measure import gate

RUNTIMES = ("litert", "arm64", "arm64:cortex-a53")


def _row(model: str = "m.tflite", runtime: str = "litert", **figures: Any) -> dict[str, Any]:
    return {"model": model, "runtime": runtime, "error": None, "latency_ms": None, **figures}


def _report(*rows: dict[str, Any], **environment: Any) -> dict[str, Any]:
    return {"schema": "edgekit.benchmark/1", "results": list(rows), "environment": environment}


def _time(p50: float, low: float, high: float) -> dict[str, float]:
    return {"p50": p50, "low": low, "high": high}


@pytest.mark.parametrize(
    ("text", "runtime", "metric", "limit", "percent"),
    [
        ("arm64.instructions > 1 %", "arm64", "instructions", 1.0, True),
        ("arm64:cortex-a53.instructions>0.5%", "arm64:cortex-a53", "instructions", 0.5, True),
        ("  litert.latency_ms.p50 > 10 % ", "litert", "latency_ms.p50", 10.0, True),
        ("litert.bytes > 2_048", "litert", "bytes", 2048.0, False),
    ],
)
def test_parse(text: str, runtime: str, metric: str, limit: float, percent: bool) -> None:
    found = gate.parse_gate(text, RUNTIMES)
    assert (found.runtime, found.metric, found.limit, found.percent) == (runtime, metric, limit, percent)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is written"),
        ("instructions > 1 %", "is written"),
        ("arm64.instructions < 1 %", "is written"),
        ("arm64.instructions > much", "is written"),
        ("arm64.instructions > -1", "is written"),
        ("arm64.instructions > nan", "is written"),
        ("arm64.instruction > 1 %", "Did you mean 'instructions'"),
        ("litert.latency_ms.p99 > 1 %", "Did you mean 'latency_ms.p50'"),
        ("tflm.arena_bytes > 1 %", "Add --runtime tflm"),
    ],
)
def test_bad_rules(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        gate.parse_gate(text, RUNTIMES)


def test_counts() -> None:
    old = _report(_row(runtime="arm64", instructions=1000))
    percent, absolute = (gate.parse_gate(f"arm64.instructions > {n}", RUNTIMES) for n in ("1 %", "10"))
    for value, tripped in ((1000, False), (1010, False), (1011, True), (900, False)):
        checks = gate.judge(_report(_row(runtime="arm64", instructions=value)), old, [percent, absolute])
        assert [c.tripped for c in checks] == [tripped, tripped]
    (check,) = gate.judge(_report(_row(runtime="arm64", instructions=1100)), old, [percent])
    assert check.change_percent == pytest.approx(10)
    assert check.message == (
        "m.tflite on arm64: instructions 1,000 -> 1,100 (+10.00 %): above 1,010 (arm64.instructions > 1 %)"
    )


def test_a_time_trips_only_with_its_whole_interval() -> None:
    old = _report(_row(latency_ms=_time(1.0, 0.98, 1.02)))
    rule = gate.parse_gate("litert.latency_ms.p50 > 5 %", RUNTIMES)

    def check(p50: float, low: float, high: float) -> gate.Check:
        (found,) = gate.judge(_report(_row(latency_ms=_time(p50, low, high))), old, [rule])
        return found

    assert not check(1.03, 1.01, 1.04).tripped
    wide = check(1.10, 1.00, 1.30)
    assert not wide.tripped and "not trusted, because its interval reaches down" in wide.message
    sure = check(1.20, 1.15, 1.25)
    assert sure.tripped and "whole interval is above" in sure.message and (sure.low, sure.high) == (1.15, 1.25)
    tight = gate.parse_gate("litert.latency_ms.p50 > 0 %", RUNTIMES)
    (found,) = gate.judge(_report(_row(latency_ms=_time(1.02, 1.01, 1.03))), old, [tight])
    assert not found.tripped  # the baseline's own interval reaches as far


def test_models_are_found_by_path_then_by_name() -> None:
    rule = gate.parse_gate("arm64.bytes > 0", RUNTIMES)
    old = _report(_row("old/m.tflite", "arm64", bytes=10), _row("m.tflite", "arm64", bytes=20))
    (check,) = gate.judge(_report(_row("m.tflite", "arm64", bytes=20)), old, [rule])
    assert check.baseline == 20
    old = _report(_row("old/m.tflite", "arm64", bytes=10))
    (check,) = gate.judge(_report(_row("new/m.tflite", "arm64", bytes=20)), old, [rule])
    assert check.baseline == 10 and check.tripped
    two = _report(_row("a/m.tflite", "arm64", bytes=1), _row("b/m.tflite", "arm64", bytes=2))
    with pytest.raises(DataError, match="by its path or its file name"):
        gate.judge(_report(_row("m.tflite", "arm64", bytes=1)), two, [rule])


def test_what_is_missing() -> None:
    rule = gate.parse_gate("arm64.instructions > 1 %", RUNTIMES)
    with pytest.raises(DataError, match=r"must have m\.tflite on arm64.*m\.tflite on litert"):
        gate.check_baseline(["m.tflite"], _report(_row()), [rule])
    with pytest.raises(DataError, match="must tell instructions"):
        gate.check_baseline(["m.tflite"], _report(_row(runtime="arm64", instructions=None)), [rule])
    old = _report(_row(runtime="arm64", instructions=5))
    with pytest.raises(DataError, match="needs a runtime that tells it"):
        gate.judge(_report(_row(runtime="arm64")), old, [rule])
    failed = _report({**_row(runtime="arm64"), "error": "crashed"})
    assert gate.judge(failed, old, [rule]) == []


def test_changes_and_notes() -> None:
    old = _report(_row(bytes=10, peak_memory_bytes=0), cpu="A", versions={"ai-edge-litert": "1"})
    new = _report(_row(bytes=12, peak_memory_bytes=5), cpu="B", versions={"ai-edge-litert": "2"})
    checks = gate.changes(new, old)
    assert [(c.metric, c.tripped, c.change_percent) for c in checks] == [
        ("peak_memory_bytes", False, None),
        ("bytes", False, pytest.approx(20)),
    ]
    notes = gate.notes(new, old, checks)
    assert len(notes) == 2 and "another CPU" in notes[0] and "ai-edge-litert 1" in notes[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "must be a readable file"),
        ("{", "must be JSON"),
        ("[]", "must be a JSON object"),
        ('{"schema": "edgekit.inspect/1"}', "edgekit.inspect/1"),
        ('{"schema": "edgekit.benchmark/1", "results": [3]}', "schema"),
    ],
)
def test_bad_baselines(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "baseline.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=said):
        gate.read_baseline(path)
    path.write_text(json.dumps(_report(_row())))
    assert gate.read_baseline(path)["results"]
