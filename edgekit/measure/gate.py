"""A gate for builds: what got worse against an earlier benchmark, and by more than is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import DataError, UsageError, did_you_mean
from edgekit.figures import FIGURES
from edgekit.files import read_json

__all__ = ["METRICS", "Check", "Gate", "changes", "check_baseline", "judge", "notes", "parse_gate", "read_baseline"]

METRICS = ("latency_ms.p50", *FIGURES, "peak_memory_bytes", "bytes")
_HOST_BOUND = ("latency_ms.p50", "peak_memory_bytes")
_SCHEMA = "edgekit.benchmark/1"
_LARGEST = 64 << 20  # bytes of a baseline
_MOST_ROWS = 100_000
_LONGEST = 4096  # characters of a name
_LARGEST_FIGURE = 1e18
_EXAMPLE = 'Write for example: --fail-if "arm64.instructions > 1 %" or --fail-if "tflm.arena_bytes > 2048".'
_FORM = re.compile(
    r"\s*(?P<runtime>[^\s>]+?)\.(?P<metric>latency_ms\.\w+|\w+)\s*>\s*(?P<limit>[^\s%]+)\s*(?P<percent>%?)\s*"
)


@dataclass(frozen=True)
class Gate:
    """What may not happen: a metric that rises by more than a limit.

    Attributes:
        expression: As given.
        runtime, metric: Whose figure.
        limit: The rise against the baseline that is still allowed: percent, or the metric's own unit.
        percent: Whether the limit is in percent.
    """

    expression: str
    runtime: str
    metric: str
    limit: float
    percent: bool


@dataclass(frozen=True)
class Check:
    """One figure of one model against its baseline.

    Attributes:
        expression: The gate; None for a change that is only told.
        model, runtime, metric: Whose figure.
        baseline, value: The figure then and now.
        change_percent: Change in percent of the value against the baseline; None where that is 0.
        limit: The largest value that the gate allows.
        low, high: 95 % interval of the value, for a time.
        tripped: It is above the limit; a time only where its whole interval is.
        message: One line.
    """

    expression: str | None
    model: str
    runtime: str
    metric: str
    baseline: float
    value: float
    change_percent: float | None
    limit: float | None
    low: float | None
    high: float | None
    tripped: bool
    message: str

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)


def parse_gate(expression: str, runtimes: Sequence[str]) -> Gate:
    """Read `RUNTIME.METRIC > N %` or `RUNTIME.METRIC > N`.

    Args:
        expression: The text.
        runtimes: Those that are measured, of which it must name one.

    Raises:
        UsageError: It has another form, or names what is not measured.
    """
    found = _FORM.fullmatch(expression)
    limit = _number(found["limit"]) if found else None
    if found is None or limit is None:
        raise UsageError("A gate is written RUNTIME.METRIC > N %.", received=repr(expression), remedy=_EXAMPLE)
    runtime, metric = found["runtime"], found["metric"]
    if metric not in METRICS:
        raise UsageError(
            "A gate needs a metric that it knows.", received=repr(metric), remedy=did_you_mean(metric, METRICS)
        )
    if runtime not in runtimes:
        raise UsageError(
            "A gate needs a runtime that is measured.",
            received=repr(runtime),
            remedy=f"Measured here: {', '.join(runtimes)}. Add --runtime {runtime}, or correct the gate.",
        )
    return Gate(expression, runtime, metric, limit, found["percent"] == "%")


def read_baseline(path: Path) -> dict[str, Any]:
    """What an earlier `edgekit benchmark --json` printed.

    Raises:
        DataError: It is missing, or something else.
    """
    remedy = "Make it with: edgekit benchmark MODEL... --json > baseline.json"
    baseline = read_json(path, most=_LARGEST, what="The baseline", remedy=remedy)
    finding = _finding(baseline)
    if finding:
        raise DataError(f"The baseline must have the schema {_SCHEMA}.", received=f"{path} ({finding})", remedy=remedy)
    return baseline


def _finding(baseline: Mapping[str, Any]) -> str | None:
    """What is wrong with a baseline, in a few words; None where everything that is read of it has the right type."""
    if baseline.get("schema") != _SCHEMA:
        return str(baseline.get("schema"))[:80]
    rows, environment = baseline.get("results"), baseline.get("environment")
    if not isinstance(rows, list) or len(rows) > _MOST_ROWS:
        return f"results must be a list of at most {_MOST_ROWS:,} rows"
    for number, row in enumerate(rows):
        wrong = _wrong_row(row)
        if wrong:
            return f"results[{number}]: {wrong}"
    if environment is not None and not isinstance(environment, dict):
        return "environment must be an object"
    versions = (environment or {}).get("versions")
    if not isinstance((environment or {}).get("cpu", ""), str | None):
        return "environment.cpu must be text"
    if versions is not None and not (isinstance(versions, dict) and all(map(_is_name, versions.values()))):
        return "environment.versions must be texts"
    return None


def _wrong_row(row: object) -> str | None:
    if not isinstance(row, dict):
        return f"{type(row).__name__} instead of an object"
    for key in ("model", "runtime"):
        if not _is_name(row.get(key)):
            return f"{key} must be a text of at most {_LONGEST:,} characters"
    if row.get("error") is not None and not isinstance(row["error"], str):
        return "error must be text"
    times = row.get("latency_ms")
    if times is not None and not isinstance(times, dict):
        return "latency_ms must be an object"
    figures = {f"latency_ms.{key}": (times or {}).get(key) for key in ("p50", "low", "high")}
    figures |= {metric: row.get(metric) for metric in METRICS if "." not in metric}
    for metric, value in figures.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 <= value <= _LARGEST_FIGURE):
            return f"{metric} must be a number from 0 to {_LARGEST_FIGURE:.0e}"
    return None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST


def check_baseline(models: Sequence[str], baseline: Mapping[str, Any], gates: Sequence[Gate]) -> None:
    """Refuse a baseline that lacks what the gates judge, before anything is measured.

    Raises:
        DataError: It lacks a model on a runtime, or a figure of it.
    """
    for gate in gates:
        for model in models:
            _then({"model": model, "runtime": gate.runtime}, baseline, gate.metric)


def judge(report: Mapping[str, Any], baseline: Mapping[str, Any], gates: Sequence[Gate]) -> list[Check]:
    """Judge every model of a report by every gate; models that failed are left out, for they are reported as such.

    Args:
        report: As `BenchmarkReport.as_dict` gives it.
        baseline: As `read_baseline` gives it.
        gates: As `parse_gate` gives them.

    Raises:
        DataError: The baseline or the report does not tell a figure that a gate judges.
    """
    checks = []
    for gate in gates:
        for row in report["results"]:
            if row["runtime"] != gate.runtime or row["error"] is not None:
                continue
            value = _figure(row, gate.metric)
            if value is None:
                raise DataError(
                    f"A gate on {gate.metric} needs a runtime that tells it.",
                    received=f"{gate.runtime} does not for {row['model']}",
                    remedy="See with --json which figures each runtime gives.",
                )
            checks.append(_check(row, gate.metric, value, _then(row, baseline, gate.metric), gate))
    return checks


def changes(report: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[Check]:
    """What changed, without a limit: every figure that both tell."""
    checks = []
    for row in report["results"]:
        old = _match(row, baseline)
        for metric in METRICS if old is not None and row["error"] is None else ():
            value, before = _figure(row, metric), _figure(old or {}, metric)
            if value is not None and before is not None:
                checks.append(_check(row, metric, value, old or {}, None))
    return checks


def notes(report: Mapping[str, Any], baseline: Mapping[str, Any], checks: Sequence[Check]) -> list[str]:
    """What makes a comparison with the baseline doubtful, one line each."""
    now, then = (r.get("environment") or {} for r in (report, baseline))
    found = []
    if any(check.metric in _HOST_BOUND for check in checks) and now.get("cpu") != then.get("cpu"):
        found.append(f"the baseline was measured on another CPU ({then.get('cpu')}): its times do not compare")
    ours, theirs = now.get("versions") or {}, then.get("versions") or {}
    for package in sorted(ours.keys() & theirs.keys() - {"edgekit", "python", "numpy"}):
        if ours[package] != theirs[package]:
            found.append(f"the baseline was measured with {package} {theirs[package]}, this run with {ours[package]}")
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text.replace("_", "").replace(",", ""))
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _figure(row: Mapping[str, Any], metric: str) -> float | None:
    value = (row.get("latency_ms") or {}).get("p50") if metric == "latency_ms.p50" else row.get(metric)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _match(row: Mapping[str, Any], baseline: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The baseline's row: of the same path, else the only one of the same file name."""
    rows = [r for r in baseline["results"] if r["runtime"] == row["runtime"]]
    same = [r for r in rows if r["model"] == row["model"]]
    named = [r for r in rows if Path(r["model"]).name == Path(row["model"]).name]
    return same[0] if same else named[0] if len(named) == 1 else None


def _then(row: Mapping[str, Any], baseline: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
    found = _match(row, baseline)
    if found is None:
        known = sorted({f"{r['model']} on {r['runtime']}" for r in baseline["results"]})
        raise DataError(
            f"The baseline must have {row['model']} on {row['runtime']}, by its path or its file name.",
            received=", ".join(known) or "no results",
            remedy="Measure the baseline again with this model and runtime.",
        )
    if _figure(found, metric) is None:
        raise DataError(
            f"The baseline must tell {metric} of {row['model']} on {row['runtime']}.",
            received=found.get("error") or "null",
            remedy="Measure the baseline again.",
        )
    return found


def _check(row: Mapping[str, Any], metric: str, value: float, old: Mapping[str, Any], gate: Gate | None) -> Check:
    before = _figure(old, metric) or 0.0
    timed = metric == "latency_ms.p50"
    now, then = (r.get("latency_ms") or {} for r in (row, old))
    low, high = (now.get("low"), now.get("high")) if timed else (None, None)
    limit = None
    if gate is not None:
        limit = before * (1 + gate.limit / 100) if gate.percent else before + gate.limit
        if timed:
            limit = max(limit, then.get("high") or before)  # the baseline is no surer than its own interval
    judged = value if low is None else low
    # Rounding may not make a figure exceed a limit that it just meets.
    tripped = limit is not None and judged > limit * (1 + 1e-12)
    percent = 100 * (value / before - 1) if before else None
    change = f"{percent:+.2f} %" if percent is not None else f"+{value:g}"
    text = f"{row['model']} on {row['runtime']}: {metric} {_shown(before)} -> {_shown(value)} ({change})"
    if limit is not None and gate is not None:
        interval = f", 95 % interval {_shown(low)} to {_shown(high)}" if low is not None and high is not None else ""
        if tripped:
            whole = "its whole interval is above" if timed else "above"
            text += f"{interval}: {whole} {_shown(limit)} ({gate.expression.strip()})"
        elif timed and value > limit:
            text += f"{interval}: not trusted, because its interval reaches down to the limit of {_shown(limit)}"
    return Check(
        gate.expression if gate else None, row["model"], row["runtime"], metric, before, value, percent, limit, low,
        high, tripped, text,
    )  # fmt: skip


def _shown(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.4g}"
