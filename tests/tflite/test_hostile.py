"""Files written to make their reader slow: reading and inspecting take time and memory in proportion to the file."""

from __future__ import annotations

import json
import re
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hostile_tflite import (
    CALLS,
    INT4,
    INT8,
    INT32,
    STRING,
    Writer,
    call,
    calling,
    constants,
    loops,
    one_axis_list,
    one_buffer,
    operators,
    tables,
    wide,
)

from edgekit import tflite
from edgekit.errors import ModelError
from edgekit.tflite._layout import LAYOUT

LINEAR: dict[str, Callable[[int], bytes]] = {
    **{f"subgraphs by {kind}": lambda n, kind=kind: calling(n // 4, kind) for kind in CALLS},  # type: ignore[misc]
    **{f"subgraphs, twice by {kind}": lambda n, kind=kind: calling(n // 4, kind, 2) for kind in CALLS},  # type: ignore[misc]
    "operators": lambda n: operators(n, "RELU"),
    "quantize": lambda n: operators(n, "QUANTIZE", quantised=True),
    "reshape": lambda n: operators(n, "RESHAPE"),
    "constants": constants,
    "wide ADD": lambda n: wide(n, "ADD"),
    "wide CONCATENATION": lambda n: wide(n, "CONCATENATION"),
    "wide WHILE": lambda n: wide(n, "SPLIT"),
    "loops": loops,
    "one int8 buffer": lambda n: one_buffer(n, INT8),
    "one int4 buffer": lambda n: one_buffer(n, INT4),
    "one string buffer": lambda n: one_buffer(n, STRING),
    "one buffer, many zero points": lambda n: one_buffer(n, INT32, scaled=True),
    "one axis list of MEAN": lambda n: one_axis_list(n, "MEAN"),
    "one axis list of TRANSPOSE": lambda n: one_axis_list(n, "TRANSPOSE"),
    "one axis list of SPACE_TO_BATCH_ND": lambda n: one_axis_list(n, "SPACE_TO_BATCH_ND"),
    "tables": tables,
}


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python a function runs, each turn of a loop or comprehension counted."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("kind", LINEAR)
def test_work_grows_with_the_file_and_no_faster(kind: str, tmp_path: Path) -> None:
    work = []
    for n in (24, 96):
        path = tmp_path / f"{n}.tflite"
        path.write_bytes(LINEAR[kind](n))
        tflite.inspect(path)  # what is imported or remembered once does not count
        work.append(lines_run(lambda path=path: tflite.inspect(path)))  # type: ignore[misc]
    assert work[1] < 5 * work[0], work


@pytest.mark.parametrize("levels", [6, 12])
def test_subgraphs_called_with_ever_other_shapes_are_counted_within_bounds(levels: int, tmp_path: Path) -> None:
    """4^levels combinations of shapes: each level turns its input in four ways and calls the next one.

    The last one has a dense layer, whose MACs depend on the shape; without it they are 0 at any shape.
    """
    writer, rank = Writer(), 8
    rng = np.random.default_rng(levels)
    for level in range(levels):
        graph = writer.subgraph([0], [0])
        writer.tensor(graph, range(2, 2 + rank) if level == 0 else [1] * rank, open_=level > 0)
        for _ in range(4):
            order = writer.tensor(graph, [rank], INT32, writer.buffer(rng.permutation(rank).astype("<i4")))
            turned = writer.tensor(graph, [1] * rank, open_=True)
            writer.operator(graph, "TRANSPOSE", [0, order], [turned])
            if level + 1 < levels:
                result = writer.tensor(graph, [1] * rank, open_=True)
                writer.operator(graph, "CALL", [turned], [result], "CallOptions", subgraph=level + 1)
    path = tmp_path / "m.tflite"
    path.write_bytes(writer.bytes())
    assert tflite.inspect(path).macs == 0
    kernel = writer.tensor(graph, [1, 1], INT8, writer.buffer(np.ones(1, np.int8)))
    writer.operator(graph, "FULLY_CONNECTED", [0, kernel, -1], [writer.tensor(graph, [1] * rank, open_=True)])
    path.write_bytes(writer.bytes())
    assert lines_run(lambda: tflite.inspect(path)) < 250_000
    assert tflite.inspect(path).macs is None


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("length", [1, 2, 500])
def test_subgraphs_that_call_each_other_in_a_circle_are_refused(kind: str, length: int) -> None:
    writer = Writer()
    for index in range(length):
        graph = writer.subgraph([0], [0])
        writer.tensor(graph, [1])
        call(writer, graph, kind, (index + 1) % length, 0)
    with pytest.raises(ModelError, match="without a loop") as caught:
        tflite.read(writer.bytes())
    assert len(str(caught.value)) < 400


def bomb(part: str, count: int) -> bytes:
    """A file in which one part is named `count` times."""
    builder = flatbuffers.Builder(1024)
    text = builder.CreateString("x" * 1000)
    numbers = builder.CreateNumpyVector(np.ones(1000, np.int32))
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, numbers)
    tensor = schema.TensorEnd(builder)
    schema.ReshapeOptionsStart(builder)
    schema.ReshapeOptionsAddNewShape(builder, numbers)
    options = schema.ReshapeOptionsEnd(builder)
    schema.OperatorStart(builder)
    schema.OperatorAddBuiltinOptionsType(builder, schema.BuiltinOptions.ReshapeOptions)
    schema.OperatorAddBuiltinOptions(builder, options)
    operator = schema.OperatorEnd(builder)
    items = []
    for _ in range(count if part in ("shape", "name", "options") else 0):
        if part == "options":
            schema.OperatorStart(builder)
            schema.OperatorAddBuiltinOptionsType(builder, schema.BuiltinOptions.ReshapeOptions)
            schema.OperatorAddBuiltinOptions(builder, options)
            items.append(schema.OperatorEnd(builder))
            continue
        schema.TensorStart(builder)
        if part == "shape":
            schema.TensorAddShape(builder, numbers)
        else:
            schema.TensorAddName(builder, text)
        items.append(schema.TensorEnd(builder))
    items = items or [operator if part == "operator" else tensor] * count
    builder.StartVector(4, len(items), 4)
    for item in items:
        builder.PrependUOffsetTRelative(item)
    vector = builder.EndVector()
    schema.SubGraphStart(builder)
    if part in ("operator", "options"):
        schema.SubGraphAddOperators(builder, vector)
    else:
        schema.SubGraphAddTensors(builder, vector)
    graph = schema.SubGraphEnd(builder)
    builder.StartVector(4, count if part == "subgraph" else 1, 4)
    for _ in range(count if part == "subgraph" else 1):
        builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("part", ["tensor", "operator", "subgraph", "shape", "name", "options"])
def test_parts_that_are_named_again_and_again_are_refused_early(part: str) -> None:
    data = bomb(part, 3000)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match="read the same constants over and over|overlap again and again"):
            tflite.read(data)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(data) + 5_000_000
    finally:
        tracemalloc.stop()


def test_buffers_behind_the_flatbuffer_may_not_overlap_again_and_again() -> None:
    writer = Writer()
    graph = writer.subgraph([0], [0])
    writer.tensor(graph, [1])
    for place in range(300):
        writer.tensor(graph, [2_000], INT4, writer.buffer([]))
        writer.model.buffers[-1].data = None
        writer.model.buffers[-1].offset, writer.model.buffers[-1].size = 60_000 + place, 40_000
        writer.operator(graph, "ADD", [0, place + 1], [0])
        graph.operators[-1].outputs = np.zeros(0, np.int32)
    with pytest.raises(ModelError, match="each once"):
        tflite.read(writer.bytes().ljust(101_000, b"\0"))


@pytest.mark.parametrize("shape", [[2**31 - 1] * 2, [2**31 - 1] * 8, [2**31 - 1, 0], [1] * 32])
def test_absurd_shapes_take_no_memory_and_macs_stay_whole(shape: list[int], tmp_path: Path) -> None:
    writer = Writer()
    graph = writer.subgraph([0], [2])
    writer.tensor(graph, shape)
    kernel = writer.tensor(graph, [1, 2], INT8, writer.buffer(np.ones(2, np.int8)))
    writer.operator(graph, "FULLY_CONNECTED", [0, kernel, -1], [writer.tensor(graph, shape)])
    path = tmp_path / "m.tflite"
    path.write_bytes(writer.bytes())
    inspection = tflite.inspect(path)
    assert inspection.macs == int(np.prod(np.array(shape, object))) and inspection.inputs[0].shape == tuple(shape)
    json.dumps(inspection.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("shape", "order", "blocks", "sizes"),
    [
        ([2**31 - 1] * 2, [0, 1], [], [2**31 - 1] * 2),
        ([2**31 - 1] * 2, [0, 1, 2, 3], [0, 1], [1, 1, 2**31 - 1, 2**31 - 1]),
        ([4], [0] * 5000, [0] * 4999, [4] * 5000),
        ([4], list(range(5000)), [0] * 4999, [1] * 5000),
        ([4, 4], [0, 1], [], [4]),
        ([4], [0, 1], [0], [4, 0]),
        ([4], [0, 1], [-1], [4, 1]),
    ],
)
def test_absurd_sparsity_is_refused_at_once(
    shape: list[int], order: list[int], blocks: list[int], sizes: list[int]
) -> None:
    writer = Writer()
    graph = writer.subgraph([0], [0])
    writer.tensor(graph, [1])
    index = writer.tensor(graph, shape, 0, writer.buffer(np.ones(4, "<f4")))
    table = schema.SparsityParametersT()
    table.traversalOrder, table.blockMap = np.array(order, np.int32), np.array(blocks, np.int32)
    table.dimMetadata = []
    for size in sizes:
        level = schema.DimensionMetadataT()
        level.format, level.denseSize = schema.DimensionType.DENSE, size
        table.dimMetadata.append(level)
    graph.tensors[index].sparsity = table
    writer.operator(graph, "ADD", [0, index], [])
    with pytest.raises(ModelError) as caught:
        tflite.read(writer.bytes())
    assert len(str(caught.value)) < 1000


def test_every_vector_of_operator_options_is_checked() -> None:
    """The schema's classes decode options; each string and vector that they read is one that was verified."""
    text = Path(str(schema.__file__)).read_text(encoding="utf-8")
    sources = {part.partition("(")[0]: part for part in re.split(r"^class ", text, flags=re.MULTILINE)}
    for prefix, union in (("Options", schema.BuiltinOptions), ("Options2.", schema.BuiltinOptions2)):
        for name, tag in vars(union).items():
            if name.startswith("_") or not isinstance(tag, int) or tag == 0:
                continue
            accessor = r"Offset\((\d+)\)\)\n[^\n]*\n[^\n]*(?:self\._tab\.String|GetVectorAsNumpy|\.Vector)\("
            slots = {(int(n) - 4) // 2 for n in re.findall(accessor, sources[name])}
            layout = LAYOUT.get(f"{prefix}{tag}")
            checked = {slot for slot, field in enumerate(layout.fields) if field} if layout else set()
            assert slots == checked, name
