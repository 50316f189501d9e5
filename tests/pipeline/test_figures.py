"""The figures that a store keeps: of this machine where they are times, and none of a failure that may pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgekit.errors import EdgekitError, ModelRefused, RuntimeFailed
from edgekit.measure.latency import BenchmarkReport, BenchmarkResult, benchmark
from edgekit.observer import StepFinished
from edgekit.pipeline import figures
from edgekit.pipeline.store import open_store
from edgekit.runtimes import PROBE

Asked = Callable[[str], bool]


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Measures a file, and says whether that was done before."""
    file = tmp_path / "model.tflite"
    shutil.copyfile(PROBE, file)
    steps: Any = [SimpleNamespace(step=SimpleNamespace(sha256="a" * 64), tflite=file)]

    def ask(runtime: str) -> bool:
        events: list[Any] = []
        with open_store(tmp_path) as store:
            figures.measure_figures(store, steps, [runtime], events.append)
        return next(e.cached for e in events if isinstance(e, StepFinished))

    return ask


@pytest.mark.parametrize(("runtime", "another"), [("litert", True), ("tflm", False)])
@pytest.mark.parametrize("key", ["cpu", "cores", "platform"])
def test_times_are_of_one_machine(
    runtime: str, another: bool, key: str, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts are the same everywhere."""
    measured = BenchmarkReport((BenchmarkResult(str(PROBE), runtime, 1),), {})
    monkeypatch.setattr(figures, "benchmark", lambda files, **_: _of(files, measured))
    monkeypatch.setattr(figures, "load_runtime", _there(figures.load_runtime))
    assert not asked(runtime) and asked(runtime)
    here = figures.environment()
    monkeypatch.setattr(figures, "environment", lambda: {**here, key: "another"})
    assert asked(runtime) is not another


@pytest.mark.parametrize("passing", [True, False])
def test_a_failure_that_may_pass_is_not_kept(passing: bool, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = BenchmarkReport((BenchmarkResult(str(PROBE), "litert", 1, error="why", passing=passing),), {})
    monkeypatch.setattr(figures, "benchmark", lambda files, **_: _of(files, measured))
    monkeypatch.setattr(figures, "load_runtime", _there(figures.load_runtime))
    assert not asked("litert") and asked("litert") is not passing


@pytest.mark.parametrize("error", [RuntimeFailed("It must answer within 60 s."), ModelRefused("It refuses the model.")])
@pytest.mark.parametrize("way", ["executor", "meter"])
def test_which_failures_may_pass(error: EdgekitError, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.measure import _results

    def fail(*_: object, **__: object) -> None:
        raise error

    broken = SimpleNamespace(clocked=True, kernels=("default",), open=fail, measure=fail)
    parts = {**dict.fromkeys(("executor", "timer", "meter", "profiler")), way: broken}
    runtime = SimpleNamespace(timed_here=way == "executor", **parts)
    monkeypatch.setattr(_results, "load_runtime", lambda name: runtime)
    (result,) = benchmark([PROBE]).results
    assert result.error and result.passing is not isinstance(error, ModelRefused)
    assert "passing" not in result.as_dict()


def _of(files: Any, report: BenchmarkReport) -> Any:
    return SimpleNamespace(results=[SimpleNamespace(**{**vars(r), "model": str(files[0])}) for r in report.results])


def _there(load: Callable[[str], Any]) -> Callable[[str], Any]:
    """The runtimes themselves, without asking each whether it is there."""
    return lambda name: SimpleNamespace(probe=lambda: None, timed_here=load(name).timed_here)
