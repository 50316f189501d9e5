"""The C of every operator against its oracle, to the bit, on calls that hypothesis draws."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from exported_c import built, missing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from operator_cases import Case, inputs_of, integers, model_of
from operator_models import Operand
from operator_strategies import STRATEGIES
from tight_plans import overlapping, tight

from edgekit import tflite
from edgekit.runtimes import Kernels, load_runtime
from edgekit_converters.c.firmware import firmware_of
from edgekit_converters.c.kernels import lower
from edgekit_converters.c.oracles import ORACLES, Row
from edgekit_converters.c.site import Refused, Site

CALLS = 12
"""In one model."""
EXAMPLES = 3
"""Models of each row; the first that hypothesis draws is the simplest."""
ROWS = [row for row in ORACLES if row.operator in STRATEGIES]


@pytest.fixture(autouse=True)
def _compiler() -> None:
    reason = missing()
    if reason:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@st.composite
def calls(draw, row: Row) -> list[Case]:  # type: ignore[no-untyped-def]
    """Calls of an operator, with all dtypes of a row."""
    dtypes = [row.dtypes[number % len(row.dtypes)] for number in range(CALLS)]
    return [STRATEGIES[row.operator](draw, row.operator, dtype) for dtype in dtypes]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.operator}-{row.oracle}")
def test_equals_the_oracle_to_the_bit(row: Row) -> None:
    # Without shrinking: the message names the calls that differ, and each compares dozens of values.
    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(calls(row))
    def check(cases: list[Case]) -> None:
        wanted = accepted(cases)
        assert len(wanted) > CALLS // 2, "most calls have a kernel"
        wrong = differing_calls(wanted, row)
        assert not wrong, f"{len(wrong)} results differ, such as that of {wrong[0]}"

    check()


@pytest.mark.parametrize("place", range(7))
def test_a_plan_with_one_overlap_too_many_is_noticed(place: int) -> None:
    case = overlapped()[place]
    assert overlapping(firmware_of(model_of([case]), "net")), "its result may lie on its operand"
    assert not differing_calls([case], Row(case.name, ("int8",)))
    assert differing_calls([case], Row(case.name, ("int8",)), nearer=8)


def overlapped() -> list[Case]:
    """Calls whose results lie on operands."""
    square = Operand([6, 8], scales=[0.5])
    begin, size = integers([0, 3]), integers([6, 4])
    return [
        Case("MAXIMUM", [square, square], [square]),
        Case("HARD_SWISH", [square], [square]),
        Case("PAD", [square, integers([[1, 1], [2, 1]])], [Operand([8, 11], scales=[0.5])]),
        Case("SLICE", [square, begin, size], [Operand([6, 4], scales=[0.5])]),
        Case("TRANSPOSE", [Operand([3, 4, 4], scales=[0.5]), integers([0, 2, 1])], [Operand([3, 4, 4], scales=[0.5])]),
        Case("CONCATENATION", [square, square], [Operand([6, 16], scales=[0.5])], "ConcatenationOptions", {"axis": 1}),
        Case("SPLIT_V", [square, integers([3, 5]), integers(1)],
             [Operand([6, 3], scales=[0.5]), Operand([6, 5], scales=[0.5])], "SplitVOptions", {"numSplits": 2}),
    ]  # fmt: skip


@pytest.mark.parametrize("place", [-1, 4, 1 << 30])
@pytest.mark.parametrize("operator", ["GATHER", "EMBEDDING_LOOKUP"])
def test_a_number_outside_the_table_ends_the_run_with_an_error(operator: str, place: int, tmp_path: Path) -> None:
    table = Operand([4, 3], scales=[0.5], values=np.arange(12).reshape(4, 3))
    places, result = Operand([2], "int32"), Operand([2, 3], scales=[0.5])
    if operator == "GATHER":
        case = Case(operator, [table, places], [result], "GatherOptions", {"axis": 0})
    else:
        case = Case(operator, [places, table], [result])
    made = built(firmware_of(model_of([case]), "net"), tmp_path)
    assert made.run([np.array([3, 0], np.int32)])[0].tolist() == [[9, 10, 11], [0, 1, 2]]
    with pytest.raises(AssertionError, match="the error -1"):
        made.run([np.array([0, place], np.int32)])


def accepted(cases: list[Case]) -> list[Case]:
    """Those that are not refused."""
    graph = model_of(cases).graphs[0]
    refused = set()
    for place in range(len(cases)):
        try:
            lower(Site(graph, place))
        except Refused:
            refused.add(place)
    return [case for place, case in enumerate(cases) if place not in refused]


def differing_calls(cases: list[Case], row: Row, nearer: int = 0) -> list[Case]:
    """The calls whose results are not the oracle's, on any of a few samples.

    Results lie on operands as far as their kernels allow, and the arena is filled before each run.

    Args:
        cases: The calls.
        row: Of the oracle.
        nearer: Bytes by which results lie further on operands than they may.
    """
    random, wrong = np.random.default_rng(0), []
    owners = [case for case in cases for _ in case.results]
    kernels: Kernels = "default" if row.oracle == "tflm" else "reference"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "net.tflite")
        file.write_bytes(model_of(cases).content)
        model = tflite.read(file)
        made = built(tight(firmware_of(model, "net"), nearer=nearer), Path(folder))
        with load_runtime(row.oracle).open(model, kernels=kernels) as session:  # type: ignore[attr-defined]
            for fill in (0x55, 0xAA, 0xFF):
                inputs = inputs_of(cases, random)
                expected, received = session.run(inputs, fresh=True), made.run(inputs, fill=fill)
                wrong += [
                    owner
                    for owner, e, r in zip(owners, expected, received, strict=True)
                    if e.tobytes() != r.astype(e.dtype).tobytes()
                ]
    return wrong
