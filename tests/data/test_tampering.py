"""Every file of foreign hands beside models and data, damaged in every way: one clear error, and nothing else."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.data import load_data
from edgekit.data.sidecar import read_sidecar
from edgekit.errors import EdgekitError
from edgekit.golden import read_golden
from edgekit.measure.gate import read_baseline
from edgekit.recipe import load_recipe, parse_recipe
from edgekit.training.teacher import file_fingerprint, open_teacher

ROW = {"model": "m.tflite", "runtime": "litert", "error": None, "latency_ms": {"p50": 1.0}, "bytes": 5}
SIDECAR = {
    "schema": "edgekit.sidecar/2",
    "preprocessing": [{"resize": {"height": 8, "width": 8}}, {"normalize": {"mean": [1.0], "std": [2.0]}}],
    "label_names": ["a", "b"],
    "task": "classification",
}
BASELINE = {"schema": "edgekit.benchmark/1", "results": [ROW], "environment": {"cpu": "x", "versions": {"numpy": "1"}}}
GOLDEN = {
    "schema": np.array(2), "oracle": np.array("litert"), "missing": np.array([], np.str_),
    "input_0": np.zeros((8, 1, 4), np.int8), "output_0": np.zeros((8, 1, 2), np.int8),
}  # fmt: skip
X, Y = np.random.default_rng(0).random((60, 4)).astype(np.float32), np.arange(60) % 3


def _npz(arrays: dict[str, Any]) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def _text(content: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(content) and None  # type: ignore[func-returns-value]


WRITE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "recipe": ("r.yaml", _text("model: digits_cnn\ndata: digits\ntrain: {epochs: 2, learning_rate: 0.01}\n")),
    "sidecar": ("m.tflite.json", _text(json.dumps(SIDECAR))),
    "baseline": ("b.json", _text(json.dumps(BASELINE))),
    "golden": ("m.tflite.golden.npz", _npz(GOLDEN)),
    "npz": ("d.npz", _npz({"x_train": X, "y_train": Y, "label_names": np.array(["a", "b", "c"])})),
    "logits": ("l.npz", _npz({"logits": X})),
    "csv": ("d.csv", _text("x,y,label\n" + "".join(f"{i},{i * 2},{'ab'[i % 2]}\n" for i in range(60)))),
    "tsv": ("d.tsv", _text("sentence\tlabel\n" + "".join(f"a good {i}\t{'ab'[i % 2]}\n" for i in range(60)))),
}
READ: dict[str, Callable[[Path], object]] = {
    "recipe": load_recipe,
    "sidecar": lambda path: read_sidecar(path.with_suffix("")),
    "baseline": read_baseline,
    "golden": lambda path: read_golden(path.with_suffix("").with_suffix("")),
    "npz": lambda path: load_data(str(path)),
    "logits": lambda path: open_teacher(str(path), rows=np.arange),
    "csv": lambda path: load_data(str(path)),
    "tsv": lambda path: load_data(str(path)),
}
REPLACED: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(b"\0" * 500),
    "another kind": lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe{\xff}" * 9),
    "a list": lambda path: path.write_text("[]"),
    "a number": lambda path: path.write_text("1"),
    "brackets": lambda path: path.write_text("[" * 100_000),
    "objects": lambda path: path.write_text('{"a":' * 100_000),
    "folder": lambda path: path.mkdir(),
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to(path.name),
    "nowhere": lambda path: path.symlink_to("absent"),
    "huge": lambda path: os.truncate(path.open("wb").name, 1 << 40),
}


@pytest.fixture(params=WRITE)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_whole_ones_are_read(kind: str, tmp_path: Path) -> None:
    name, write = WRITE[kind]
    write(tmp_path / name)
    READ[kind](tmp_path / name)


@pytest.mark.parametrize("damage", REPLACED)
def test_something_else_in_its_place(kind: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / WRITE[kind][0]
    REPLACED[damage](path)
    with pytest.raises(EdgekitError) as error:
        READ[kind](path)
    assert len(str(error.value)) < 1500 and str(error.value).isprintable()


def test_mutants(kind: str, tmp_path: Path) -> None:
    """Each is read or refused; 200 mutants of each kind, the same in every run."""
    name, write = WRITE[kind]
    path, rng = tmp_path / name, random.Random(kind)
    write(path)
    whole, refused = path.read_bytes(), 0
    for _ in range(200):
        path.write_bytes(_mutant(whole, rng))
        try:
            READ[kind](path)
        except EdgekitError as error:
            refused += 1
            assert "Traceback" not in str(error)
    assert refused > 20


@pytest.mark.parametrize(
    ("kind", "whole", "key"),
    [("sidecar", SIDECAR, key) for key in SIDECAR] + [("baseline", BASELINE, key) for key in ("schema", "results")],
)
@pytest.mark.parametrize("value", [None, 1, 10**30, -1.5, True, "\x1b[31m", "y" * 9999, {"a": 1}, [1], [None], [[]]])
def test_fields_of_another_type(kind: str, whole: dict[str, Any], key: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / WRITE[kind][0]
    for content in ({**whole, key: value}, {k: v for k, v in whole.items() if k != key}):
        path.write_text(json.dumps(content))
        with pytest.raises(EdgekitError):
            READ[kind](path)


@pytest.mark.parametrize("text", ['{"schema": NaN}', '{"a": 1, "a": 2}', '{"a": -Infinity}', '{"a": 1e999}'])
def test_json_that_is_none(text: str, tmp_path: Path) -> None:
    for kind in ("sidecar", "baseline"):
        path = tmp_path / WRITE[kind][0]
        path.write_text(text)
        with pytest.raises(EdgekitError, match="NaN|twice|Infinity|float64"):
            READ[kind](path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": None}, "no schema version"),
        ({"schema": np.array(1)}, "another schema version"),
        ({"schema": np.array("2")}, "another schema version"),
        ({"schema": np.array([2, 2])}, "another schema version"),
        ({"oracle": None}, "oracle is no text"),
        ({"oracle": np.array(3)}, "oracle is no text"),
        ({"missing": np.array("a")}, "missing is no text"),
        ({"missing": np.array(["a" * 20_000])}, "missing is no text, or a long one"),
        ({"input_0": None}, "the arrays"),
        ({"other": np.zeros(1)}, "the arrays"),
        ({"output_2": np.zeros((8, 1))}, "the arrays"),
        ({"output_0": np.zeros((7, 1))}, r"output_0 of shape \[7, 1\]"),
        ({"input_0": np.array(1)}, "input_0 of shape"),
        ({"output_0": np.array(["a"] * 8)}, "output_0 of dtype"),
    ],
)
def test_golden_vectors_of_another_form(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / WRITE["golden"][0]
    np.savez(path, **{key: value for key, value in {**GOLDEN, **change}.items() if value is not None})
    with pytest.raises(EdgekitError, match=f"{said}.*Convert the model again"):
        read_golden(tmp_path / "m.tflite")


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 5000 + ".npz", "x" * 5000 + ".csv", "a\0b", "a\0b.npz", "a\0.tsv"])
def test_names_that_no_system_takes(name: str) -> None:
    for read in (load_data, open_teacher):
        with pytest.raises(EdgekitError):
            read(name)
    with suppress(EdgekitError):  # a recipe that names nothing that exists is refused when it is run
        parse_recipe({"model": name, "data": name})
    assert file_fingerprint(name) is None


def test_a_teacher_that_never_ends(tmp_path: Path) -> None:
    for name in ("t.npz", "t.tflite", "t.keras"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(EdgekitError, match="a named pipe"):
            open_teacher(str(tmp_path / name))
        assert file_fingerprint(str(tmp_path / name)) is None


def _mutant(whole: bytes, rng: random.Random) -> bytes:
    copy = bytearray(whole)
    match rng.randrange(4):
        case 0:
            return bytes(copy[: rng.randrange(len(copy))])
        case 1:
            at = rng.randrange(len(copy))
            copy[at:at] = rng.choice([b"\0", b"\x1b[2J", b"\xc2\x9b", b"9" * 500, b"[" * 500, b"\t", b"\n", b'"'])
        case 2:
            at = rng.randrange(len(copy))
            del copy[at : at + rng.randrange(1, 20)]
        case _:
            for _ in range(rng.randrange(1, 6)):
                copy[rng.randrange(len(copy))] = rng.randrange(256)
    return bytes(copy)
