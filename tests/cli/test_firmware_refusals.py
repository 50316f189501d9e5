"""What a user of `edgekit export c` and `tflm` gets wrong: one error with its exit code, and nothing is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_tflite import Writer
from operator_models import Call, Operand, Section, model_of, operator_model
from small_tflite import counter, dense

from edgekit import tflite

Q = Operand([1, 4], scales=[0.5], zero_points=[3])
REAL = Operand([1, 4], "float32")
KERNEL = Operand([4, 4], scales=[0.1], values=np.ones((4, 4)))
INFINITE = Operand([2, 4], "float32", values=[[1, 2, np.inf, 4], [5, np.nan, 7, 8]])
RELU = Section([Q, Q], [Call("RELU", [0], [1])], [0], [1])
BRANCH = Call("IF", [0, 1], [2], "IfOptions", {"thenSubgraphIndex": 1, "elseSubgraphIndex": 2})


def one(name: str, operands: Sequence[Operand], options: str | None = None, **fields: object) -> tflite.Model:
    """One operator of all but the last operand, which it makes; those without values go in."""
    last = len(operands) - 1
    inputs = [i for i in range(last) if operands[i].values is None]
    return operator_model(operands, [Call(name, range(last), [last], options, fields)], inputs, [last])


def open_shapes() -> bytes:
    writer = Writer()
    graph = writer.subgraph([0], [1])
    for _ in range(2):
        writer.scale(graph.tensors[writer.tensor(graph, [1, 4], 9, open_=True)], 0)
    writer.operator(graph, "RELU", [0], [1])
    return writer.bytes()


UNARY = ("NEG", "SQRT", "SIN", "COS", "FLOOR", "CEIL", "ROUND")
MODELS: dict[str, tuple[bytes | Callable[[], bytes | tflite.Model], str]] = {
    "float32": (lambda: dense(channels=True, floating=True), "multiply integers.*1 x FULLY_CONNECTED.*model to int8"),
    "dynamic range": (
        lambda: operator_model(
            [REAL, KERNEL, REAL], [Call("FULLY_CONNECTED", [0, 1, -1], [2], "FullyConnectedOptions")], [0], [2]
        ),
        "multiply integers.*float32 activations",
    ),
    "float32 without a product": (counter, r"ADD \(operator 3, 't'\).*int8 or int16.*float32.*the model to int8"),
    "a missing operator": (
        lambda: one("CUMSUM", [Q, Operand([], "int32", values=0), Q]),
        r"CUMSUM \(operator 0, 't2'\).*a kernel for every operator.*edgekit export tflm",
    ),
    "many missing operators": (
        lambda: operator_model([Q] * 8, [Call("NEG", [i], [i + 1]) for i in range(7)], [0], [7]),
        r"NEG \(operator 0, 't1'\).*edgekit export tflm\), and 6 more of that kind\.",
    ),
    "operators of many kinds": (
        lambda: operator_model([Q] * 8, [Call(n, [i], [i + 1]) for i, n in enumerate(UNARY)], [0], [7]),
        r"NEG.*SQRT.*SIN.*COS.*FLOOR.*; and 2 others\.",
    ),
    "a missing dtype": (
        lambda: one("ADD", [Operand([1, 4], "int32")] * 3, "AddOptions"),
        r"ADD \(operator 0, 't2'\).*int8 or int16.*received int32",
    ),
    "open shapes": (open_shapes, r"All shapes are fixed.*'t' with \[-1, -1\].*Convert the model with fixed dimensions"),
    "branches": (
        lambda: model_of([Section([Operand([1], "bool"), Q, Q], [BRANCH], [0, 1], [2]), RELU, RELU]),
        r"IF \(operator 0, 't2'\).*a kernel for every operator",
    ),
    "an infinite table": (
        lambda: one("GATHER", [INFINITE, Operand([1], "int32"), REAL], "GatherOptions"),
        r"GATHER \(operator 0, 't2'\).*finite.*inf in 't0'.*Replace them",
    ),
    "an infinite operand": (
        lambda: one("CONCATENATION", [INFINITE, REAL, Operand([3, 4], "float32")], "ConcatenationOptions", axis=0),
        r"CONCATENATION \(operator 0, 't2'\).*finite",
    ),
    "an infinite output": (
        lambda: operator_model([Q, INFINITE, Q], [Call("RELU", [0], [2])], [0], [2, 1]),
        "an output.*finite.*inf in 't1'",
    ),
    "no model": (b"hello", "carries the identifier 'TFL3'.*Give the model file itself"),
}  # fmt: skip
"""By what is wrong: the file, and what is said."""


def refused(cli: Callable[..., Any], code: int, said: str, *arguments: object) -> None:
    """The command ends with one error, in text and in JSON."""
    for form in ([], ["--json"]):
        done = cli(*arguments, *form)
        text = " ".join(done.err.split())
        assert done.code == code and done.err.count("Error: ") == 1 and "Traceback" not in done.err, text
        assert "did not foresee" not in text and re.search(said, text), text
        quoted = re.findall(r"'[^' ]+'", text.partition("Received: ")[2])
        assert not quoted or text.count(quoted[0]) == 1, f"it says what was received once: {text}"
        assert json.loads(done.out)["exit_code"] == code if form else not done.out.strip()


def saved(content: bytes | tflite.Model, path: Path) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.content)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(model_of([RELU]), tmp_path / "m.tflite")


@pytest.mark.parametrize("what", MODELS)
def test_a_model_that_c_cannot_be(what: str, tmp_path: Path, cli: Callable[..., Any]) -> None:
    content, said = MODELS[what]
    path = saved(content() if callable(content) else content, tmp_path / "m.tflite")
    refused(cli, 1, said, "export", "c", path, "-o", tmp_path / "out" / "net")
    assert [p.name for p in tmp_path.iterdir()] == ["m.tflite"]


OPTIONS: dict[str, tuple[str, list[str], int, str]] = {
    "no identifier": ("c", ["--name", "9 lives"], 1, "--name must fit.*a lower-case letter.*'9 lives'"),
    "an upper-case name": ("c", ["--name", "Net"], 1, "--name must fit"),
    "a keyword": ("c", ["--name", "int"], 1, "a keyword of C or C\\+\\+; call it int_model, say. Received: 'int'"),
    "a header": ("c", ["--name", "math"], 1, "a header of C.*'math'"),
    "a keyword for tflm": ("tflm", ["--name", "class"], 1, "a keyword.*'class'"),
    "a package": ("c", ["--package", "ardunio"], 2, "'ardunio' is not one of 'arduino', 'cmake'"),
    "samples": ("c", ["--selftest", "0"], 1, "--selftest must fit"),
    "no number": ("c", ["--selftest", "many"], 1, "--selftest must fit"),
    "a margin": ("tflm", ["--arena-margin", "-1"], 1, "--arena-margin must fit"),
    "no folder": ("c", [], 2, "Missing option '-o'"),
    "flash and RAM": ("c", ["--target", "tiny.yaml"], 3, "flash of tiny.*256 bytes of 100.*RAM of tiny.*4 bytes of 2"),
    "flash for tflm": ("tflm", ["--target", "tiny.yaml"], 3, "flash of tiny"),
    "a version": ("c", ["--package", "cmake", "--version", "1.x"], 1, "--version must fit.*three numbers.*'1.x'"),
    "an author": ("c", ["--package", "cmake", "--author", "Zoë"], 1, "--author must fit.*printable ASCII.*'Zoë'"),
    "an unknown target": ("c", ["--target", "cortex-m99"], 1, "Unknown target.*Did you mean"),
}
"""By what is wrong: the exporter, its options, the exit code, and what is said."""


@pytest.mark.parametrize("what", OPTIONS)
def test_options_and_targets_that_do_not_fit(
    what: str, model: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, flags, code, said = OPTIONS[what]
    monkeypatch.chdir(model.parent)
    (model.parent / "tiny.yaml").write_text("description: tiny\nformats: [int8]\nflash_bytes: 100\nram_bytes: 2\n")
    refused(cli, code, said, "export", exporter, model, *(["-o", "out/net"] if what != "no folder" else []), *flags)
    assert sorted(p.name for p in model.parent.iterdir()) == ["m.tflite", "tiny.yaml"]


def test_files_of_the_user_stay(model: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    (folder := tmp_path / "out").mkdir()
    (folder / "model.c").write_text("mine")
    (folder / "notes.txt").write_text("mine too")
    refused(cli, 1, "not overwritten.*model.c.*--overwrite", "export", "c", model, "-o", folder)
    refused(cli, 1, "EdgeKit writes into folders.*notes.txt", "export", "c", model, "-o", folder / "notes.txt")
    assert {p.name: p.read_text() for p in folder.iterdir()} == {"model.c": "mine", "notes.txt": "mine too"}
    assert cli("export", "c", model, "-o", folder, "--name", "net").code == 0
    assert (folder / "notes.txt").read_text() == "mine too" and (folder / "net.c").is_file()


@pytest.mark.parametrize("shape", [[], [1, 4]], ids=["scalar", "row"])
def test_a_result_beyond_float32_is_compared_by_its_bits(
    shape: list[int], tmp_path: Path, cli: Callable[..., Any]
) -> None:
    """What overflows on purpose is no reason to refuse: the self-test holds infinities too."""
    wide = one("DEQUANTIZE", [Operand(shape, scales=[3e38]), Operand(shape, "float32")])
    done = cli("export", "c", saved(wide, tmp_path / "m.tflite"), "-o", tmp_path / "out")
    assert done.code == 0, done.err
    text = (tmp_path / "out" / "model_selftest.c").read_text()
    assert f"const uint32_t model_sample_0_output_0[{4 if shape else 1}]" in text


@pytest.mark.parametrize("runtime", ["cortex_m", "riscv"])
@pytest.mark.parametrize("command", [["benchmark"], ["evaluate", "--data", "digits"]], ids=lambda c: str(c[0]))
def test_without_tools_the_one_command_is_named(
    command: list[str], runtime: str, model: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(model.parent))
    done = cli(command[0], model, *command[1:], "--runtime", runtime)
    text = " ".join(done.err.split())
    assert done.code == 1 and done.err.count("Error: ") == 1
    assert f"edgekit doctor --install {runtime}" in text and "gcc" in text and "qemu-system-" in text, text
