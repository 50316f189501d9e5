"""The tables of operators and their options, held against the schema that is installed."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tflite_files import dense_model, packed

import edgekit
from edgekit import _tf, tflite
from edgekit.cli import main
from edgekit.tflite.ops import OPS, elements, op_spec
from edgekit.tflite.options import TABLES, NoOptions, Other


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_row_is_an_operator_of_the_schema(name: str) -> None:
    assert hasattr(schema.BuiltinOperator, name)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_typed_option_is_in_the_schema(table: str) -> None:
    known = {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in key) for key in vars(getattr(schema, table + "T")())
    }
    assert {field.name for field in fields(TABLES[table])} <= known
    assert hasattr(schema.BuiltinOptions, table)


@pytest.mark.parametrize("name", ["ADD", "CONV_2D", "FULLY_CONNECTED", "GATHER", "WHILE"])
def test_what_is_a_bias_is_a_weight(name: str) -> None:
    spec = op_spec(name)
    assert spec.bias is None or set(spec.bias[1:]) <= set(spec.weights)


def test_operators_that_nobody_knows() -> None:
    assert op_spec("BUILTIN_999").black_box and not op_spec("SHAPE").multiplies


def test_a_table_without_a_class_keeps_its_names() -> None:
    made = dense_model()
    op = made.subgraphs[0].operators[0]
    op.builtinOptionsType, op.builtinOptions = schema.BuiltinOptions.GatherOptions, schema.GatherOptionsT()
    op.builtinOptions.axis = 2
    options = tflite.read(packed(made)).graphs[0].operators[0].options
    assert isinstance(options, Other) and options.table == "GatherOptions"
    assert options.fields == {"axis": 2, "batch_dims": 0}


def test_no_options_are_none() -> None:
    made = dense_model()
    op = made.subgraphs[0].operators[0]
    op.builtinOptionsType, op.builtinOptions = 0, None
    assert tflite.read(packed(made)).graphs[0].operators[0].options == NoOptions()


def test_edges_of_a_graph() -> None:
    graph = tflite.read(packed(dense_model())).graphs[0]
    (op,) = graph.operators
    assert graph.producer(graph.outputs[0]) is op and graph.producer(graph.inputs[0]) is None
    assert all(graph.readers(i) == (op,) for i in op.inputs) and graph.readers(graph.outputs[0]) == ()
    assert graph.used == {0, 1, 2, 3}


@pytest.mark.parametrize("table", ["CallOptions", "IfOptions", "WhileOptions", "ConcatenationOptions"])
def test_another_operators_options_hide_nothing(table: str) -> None:
    """A file chooses its option tables; what an operator is, its code says."""
    made = dense_model()
    op = made.subgraphs[0].operators[0]
    made.subgraphs.append(schema.SubGraphT())
    made.subgraphs[1].tensors, made.subgraphs[1].operators = [], []
    made.subgraphs[1].inputs = made.subgraphs[1].outputs = np.array([], np.int32)
    options = getattr(schema, f"{table}T")()
    for name in ("subgraph", "thenSubgraphIndex", "elseSubgraphIndex", "condSubgraphIndex", "bodySubgraphIndex"):
        if hasattr(options, name):
            setattr(options, name, 1)
    op.builtinOptionsType, op.builtinOptions = getattr(schema.BuiltinOptions, table), options
    model = tflite.read(packed(made))
    assert tflite.count_macs(model) == 12 and [w.operator for w in tflite.weights(model, tflite.Sources(model))]
    (found,) = model.graphs[0].operators
    assert found.loop is found.branch is found.call is None


def test_one_row_is_all_that_a_new_operator_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its multiply-accumulates are in inspect's JSON, in the report, in the run's JSON and in the budget."""
    keras, rng = _tf.tf_keras(), np.random.default_rng(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.ELU()])
    model.add(keras.layers.Dense(2, name="scores"))
    x = rng.standard_normal((60, 8, 8, 1)).astype(np.float32)
    y = (x.mean((1, 2, 3)) > 0).astype(np.int64)

    def compressed(folder: str) -> edgekit.Result:
        return edgekit.compress(model, tmp_path / folder, data=(x, y), format="int8", budget={"macs": 130})

    usual = compressed("usual")
    row = replace(op_spec("ELU"), macs=lambda op, operands, results: (3, elements(results[0])))
    monkeypatch.setattr("edgekit.tflite.ops.OPS", {**OPS, "ELU": row})
    made = compressed("with the row")
    told = usual.to_dict(), made.to_dict()
    assert [one["steps"][-1]["macs"] for one in told] == [64 * 2, 64 * 2 + 3 * 64]
    assert [one["budget"]["met"] for one in told] == [True, False] and "macs" in told[1]["budget"]["violations"][0]
    assert "320" in (made.path.parents[1] / "report.md").read_text()
    main(["inspect", str(made.path), "--json"])
    inspected = json.loads(capsys.readouterr().out)
    assert inspected["macs"] == 320
