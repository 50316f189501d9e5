"""Names in a foreign file never steer the terminal: on any command, in any place, with any kind of character."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgekit.cli import output
from edgekit.errors import EdgekitError, ModelError, clean

CHARACTERS = {
    "escape": "\x1b]0;title\x07\x1b[2J",
    "C1": "\x9b31m",
    "bell": "\x07",
    "carriage return": "\r",
    "backspace": "\b\b\b",
    "delete": "\x7f",
    "null": "\0",
    "right to left override": "\u202e",
    "isolate": "\u2066",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "line separator": "\u2028",
    "half of a pair": "\udcff",
    "markup": "[bold red]:smile:[/]",
}


def name(characters: str) -> str:
    return f"a{characters}b"


def shown_cleanly(text: str) -> bool:
    return clean(text) == text and text.encode("utf-8") is not None


def model(place: str, characters: str) -> bytes:
    """A float model x -> RELU -> y with a name in one place."""
    spoilt: Any = name(characters).encode("utf-8", "surrogatepass")
    made = schema.ModelT()
    made.version = 3
    made.description = spoilt if place == "description" else "d"
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU
    if place == "operator":
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = spoilt
    made.operatorCodes, made.buffers = [code], [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.name = spoilt if place == "subgraph" else "main"
    graph.tensors = []
    for label in ("input", "output", "unused"):
        tensor = schema.TensorT()
        tensor.shape, tensor.name = np.array([1, 4], np.int32), spoilt if place == label else label
        graph.tensors.append(tensor)
    graph.tensors[2].shape = np.array([-1], np.int32)  # so that a warning names it
    graph.inputs, graph.outputs = np.zeros(1, np.int32), np.ones(1, np.int32)
    op = schema.OperatorT()
    op.inputs, op.outputs = graph.inputs, graph.outputs
    graph.operators, made.subgraphs = [op], [graph]
    if place == "refused":
        graph.tensors[0].name, graph.tensors[0].shape = spoilt, np.array([-1], np.int32)
    if place == "metadata":
        entry = schema.MetadataT()
        entry.name, entry.buffer = spoilt, 9
        made.metadata = [entry]
    if place == "signature":
        signature, argument = schema.SignatureDefT(), schema.TensorMapT()
        argument.name, argument.tensorIndex = spoilt, 99
        signature.signatureKey, signature.inputs = spoilt, [argument]
        made.signatureDefs = [signature]
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


PLACES = ("description", "operator", "subgraph", "input", "output", "unused", "refused", "metadata", "signature")


@pytest.mark.parametrize("characters", CHARACTERS)
@pytest.mark.parametrize("place", PLACES)
def test_inspect_shows_names_cleanly(place: str, characters: str, cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(model(place, CHARACTERS[characters]))
    result = cli("inspect", path)
    assert result.code == (1 if place == "refused" else 0)
    assert shown_cleanly(result.out) and shown_cleanly(result.err) and "Traceback" not in result.err
    shown = cli("inspect", path, "--json")
    assert shown.out.isascii()
    if place == "input":
        expected = name(CHARACTERS[characters]).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        assert json.loads(shown.out)["inputs"][0]["name"] == expected


@pytest.mark.parametrize("command", ["evaluate", "benchmark"])
@pytest.mark.parametrize("characters", ["escape", "C1", "carriage return", "right to left override"])
def test_refusals_of_other_commands_are_clean(
    command: str, characters: str, cli: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(model("refused", CHARACTERS[characters]))
    result = cli(command, path, *(["--data", "digits"] if command == "evaluate" else []))
    assert result.code == 1 and shown_cleanly(result.out) and shown_cleanly(result.err)


@pytest.mark.parametrize("characters", CHARACTERS)
def test_all_that_is_printed_for_people_is_clean(characters: str, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = name(CHARACTERS[characters])
    output.log(hostile)
    output.echo(hostile)
    output.table(hostile, [hostile, hostile], [[hostile, None]])
    with output.progress(hostile, quiet=False) as step:
        step(1, 2)
    shown = capsys.readouterr()
    assert shown_cleanly(shown.out) and clean(name(CHARACTERS[characters])) in shown.out
    assert clean(name(CHARACTERS[characters])) in shown.err


@pytest.mark.parametrize("characters", sorted(set(CHARACTERS) - {"markup"}))
def test_messages_of_errors_are_clean(characters: str) -> None:
    hostile = name(CHARACTERS[characters])
    error = ModelError(f"Rule {hostile}.", received=hostile, remedy=f"Remedy {hostile}.")
    for text in (str(error), error.rule, error.remedy, str(error.finding)):
        assert shown_cleanly(text) and hostile not in text
    assert error.received == hostile


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("", "a b", "Grüße, 漢字, क्\u200dष, \U0001f600", "two\nlines\tand a tab", "no-break\xa0space"):
        assert clean(text) == text
    assert clean("\x1b[31m") == "\\x1b[31m" and clean("\u202e") == "\\u202e" and clean("\udcff") == "\\udcff"
    assert str(EdgekitError("Two\nlines.")) == "Two\nlines."


def test_a_line_end_in_a_name_makes_no_new_row(capsys: pytest.CaptureFixture[str]) -> None:
    output.table("t", ["n"], [["a\nError: no"]])
    assert "a\\nError: no" in capsys.readouterr().out
