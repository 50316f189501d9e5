"""Measured costs: the file of a candidate with random weights, kept in a folder that processes share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgekit import tflite
from edgekit.errors import UsageError
from edgekit.keras import describe_network
from edgekit.keras.plain import Description
from edgekit.runtimes import load_runtime
from edgekit.searching.costs import Estimator, cost_key, is_measured, measure_costs, measured
from edgekit.tflite.macs import count_macs

SMALL = {"depth1": 1, "depth2": 1, "depth3": 0, "width1": 6, "width2": 9, "stem_width": 7, "stem_stride": 2}


def small() -> Description:
    return describe_network("residual", (12, 12, 1), 4, SMALL)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the file of a small network in it."""
    folder = tmp_path_factory.mktemp("costs")
    measure_costs(small(), [], folder)
    return folder


def test_what_is_told_is_the_files(cache: Path) -> None:
    costs = measure_costs(small(), [], cache)
    (file,) = cache.glob("*.tflite")
    assert file.stem == cost_key(small())
    assert costs["macs"] == count_macs(tflite.read(file)) == small().macs
    assert costs["model_bytes"] == file.stat().st_size
    assert not costs.estimated and costs.hang_on_weights == {"gzip_bytes"}


def test_the_estimate_knows_the_files_operators_and_size(cache: Path) -> None:
    from edgekit.searching.costs.operators import operators_of

    (file,) = cache.glob("*.tflite")
    graph = tflite.read(file).graphs[0]
    assert [operator.name for operator in graph.operators] == [o.kind for o in operators_of(small()).operators]
    assert Estimator.built_in().estimate(small())["model_bytes"] == pytest.approx(file.stat().st_size, rel=0.05)


def test_what_was_measured_is_not_measured_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = measure_costs(small(), [], cache)
    monkeypatch.setattr(measured, "_converted", lambda description: pytest.fail("converted again"))
    assert measure_costs(small(), [], cache) == before
    assert not [path for path in cache.iterdir() if path.suffix == ".lock"]


def test_a_damaged_record_is_made_anew(cache: Path) -> None:
    before = measure_costs(small(), [], cache)
    record = cache / f"{cost_key(small())}.file.json"
    for text in ("", "{", '{"macs": "many"}', "[]", '{"macs": 1.5}'):
        record.write_text(text)
        assert measure_costs(small(), [], cache) == before


def test_a_file_repeats_to_the_last_byte(cache: Path) -> None:
    (file,) = cache.glob("*.tflite")
    code = (
        "import sys; sys.stdout.buffer.write(__import__('edgekit.searching.costs.measured', fromlist=['_'])._converted("
        f"__import__('edgekit.keras', fromlist=['_']).describe_network('residual', (12, 12, 1), 4, {SMALL!r})))"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert again == file.read_bytes()


def test_other_graphs_have_other_keys() -> None:
    keys = {cost_key(describe_network("residual", (12, 12, 1), 4, SMALL | {"width2": w})) for w in range(1, 9)}
    assert len(keys) == 8 and cost_key(small()) == cost_key(small())


def test_two_runtimes_that_tell_one_figure_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Each figure of a search comes from one runtime.*instructions"):
        measure_costs(small(), ["arm64", "cortex_m"], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_arena_is_measured_where_its_runtime_is(cache: Path) -> None:
    if reason := load_runtime("tflm").probe():
        pytest.skip(reason)
    assert not is_measured(small(), "tflm", cache)
    costs = measure_costs(small(), ["tflm"], cache)
    assert is_measured(small(), "tflm", cache)
    assert Estimator.built_in().estimate(small())["arena_bytes"] == pytest.approx(costs["arena_bytes"], rel=0.05)
