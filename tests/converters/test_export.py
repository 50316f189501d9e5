"""Exporters: every one keeps the contract of its kind, and tflm's sources hold the model."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit import registry, tflite
from edgekit.data.preprocessing import Preprocessing
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.errors import ConversionError, EdgekitError, Finding, RecipeError, UsageError
from edgekit.pipeline import export_file
from edgekit.recipe import parse_recipe, recipe_schema
from edgekit.target import Target, load_target
from edgekit.testing import check_exporter
from edgekit_converters.exporters import Exporter, Source, exporter_names, load_exporter
from edgekit_converters.exporters.tflm import Tflm
from edgekit_converters.tflm.operators import OPERATORS, adding

LABELS = ('the "big" one\\', "größer??=", "cat")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "dense.tflite"
    path.write_bytes(packed(dense_model()))
    write_sidecar(path, Sidecar(Preprocessing(), LABELS, "classification"))
    return path


class Listing(Exporter):
    """An exporter of another package."""

    summary: ClassVar[str] = "A list of the operators."
    suffix: str = "txt"

    def check(self, source: Source, target: Target) -> list[Finding]:
        return [Finding("It takes no digits.", self.suffix)] if self.suffix.isdecimal() else []

    def write(self, source: Source, folder: Path) -> None:
        names = [operator.name for operator in source.model.graphs[0].operators]
        (folder / "inner").mkdir()
        (folder / "inner" / f"{self.name}.{self.suffix}").write_text("\n".join(names))


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> str:
    """The exporter's name, once its package is installed."""
    module = ModuleType("others.listing")
    module.EXPORTER = Listing  # type: ignore[attr-defined]
    monkeypatch.setattr(Listing, "__module__", "others.listing")
    monkeypatch.setitem(sys.modules, "others.listing", module)

    class Point:
        name, value = "listing", "others.listing"

        def load(self) -> ModuleType:
            return module

    def points(group: str) -> dict[str, Any]:
        return {"listing": Point()} if group == "edgekit.exporters" else {}

    monkeypatch.setattr(registry, "_entry_points", points)
    return "listing"


@pytest.mark.parametrize("name", exporter_names())
def test_every_exporter_writes_the_same_bytes_twice(name: str, model: Path, tmp_path: Path) -> None:
    assert load_exporter(name)().kind == name
    check_exporter(load_exporter(name)(), model=model)
    first, second = (edgekit.export(model, name, tmp_path / folder) for folder in ("a", "b"))
    assert first.files and [f.sha256 for f in first.files] == [f.sha256 for f in second.files]
    assert first.sha256 == tflite.read(model).sha256 == first.files[0].parent
    assert {p.name for p in (tmp_path / "a").rglob("*") if p.is_file()} >= {Path(f.path).name for f in first.files}


def test_an_exporter_of_another_package_is_one_like_ours(listing: str, model: Path, cli: Any, tmp_path: Path) -> None:
    done = cli("export", listing, model, "-o", tmp_path / "out", "--name", "net", "--suffix", "md", "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["schema"] == "edgekit.export/1" and told["files"][0]["path"] == "inner/net.md"
    assert (tmp_path / "out" / "inner" / "net.md").read_text() == "FULLY_CONNECTED"
    assert "listing" in cli("export", "--help").out and "--suffix" in cli("export", listing, "--help").out
    assert "listing" in json.dumps(recipe_schema()["properties"]["export"])
    refused = cli("export", listing, model, "-o", tmp_path / "no", "--suffix", "7")
    assert refused.code == 1 and "It takes no digits" in refused.err and not (tmp_path / "no").exists()


def values(header: str) -> dict[str, str]:
    return dict(re.findall(r"^#define (\w+) (.+)$", header, re.MULTILINE))


def test_the_sources_for_tflm_hold_the_model(model: Path, tmp_path: Path) -> None:
    edgekit.export(model, {"tflm": {"name": "net"}}, tmp_path / "out")
    header, source, operators = (
        (tmp_path / "out" / f"net_{end}").read_text() for end in ("model.h", "model.c", "ops.h")
    )
    assert bytes(int(byte, 16) for byte in re.findall(r"0x(..),", source)) == model.read_bytes()
    told = values(header)
    assert told["NET_MODEL_BYTES"] == str(model.stat().st_size)
    assert told["NET_INPUT_0_SHAPE"] == "{1, 4}" and told["NET_OUTPUT_0_ELEMENTS"] == "3"
    assert told["NET_LABELS"] == str(len(LABELS))
    assert "MicroMutableOpResolver<1>" in operators and "AddFullyConnected()" in operators


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_a_compiler_reads_the_model_and_the_labels_back(model: Path, tmp_path: Path) -> None:
    edgekit.export(model, {"tflm": {"name": "net"}}, tmp_path / "out")
    (tmp_path / "out" / "main.c").write_text(
        '#include <stdio.h>\n#include "net_model.h"\n'
        "int main(void) { fwrite(net_model, 1, NET_MODEL_BYTES, stdout);\n"
        '  for (int i = 0; i < NET_LABELS; i++) fprintf(stderr, "%s\\n", net_labels[i]);\n'
        "  return (int)((size_t)net_model % 16); }\n"
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
    subprocess.run(["gcc", *flags, "main.c", "net_model.c", "-o", "main"], cwd=tmp_path / "out", check=True)
    done = subprocess.run([tmp_path / "out" / "main"], capture_output=True, check=True)
    assert done.stdout == model.read_bytes() and done.stderr.decode().splitlines() == list(LABELS)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("CONV_2D", "AddConv2D"),
        ("SPACE_TO_BATCH_ND", "AddSpaceToBatchNd"),
        ("RELU6", "AddRelu6"),
        ("PADV2", "AddPadV2"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
        ("ethos-u", "AddEthosU"),
    ],
)
def test_methods_are_called_as_tflm_calls_them(name: str, method: str) -> None:
    assert adding(name) == method and (name in OPERATORS or name == "ethos-u")


def no_such_operator(path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    made = dense_model()
    made.operatorCodes[0].builtinCode = schema.BuiltinOperator.ROUND  # in the file; then one that it lacks
    made.operatorCodes[0].builtinCode = schema.BuiltinOperator.SIGN
    path.write_bytes(packed(made))


def test_an_operator_that_tflm_lacks_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    no_such_operator(path)
    with pytest.raises(ConversionError, match="every operator.*SIGN"):
        edgekit.export(path, "tflm", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_target_without_room_is_named(model: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text("description: tiny\nformats: [int8]\nflash_bytes: 100\n")
    with pytest.raises(ConversionError, match="flash of tiny.*of 100"):
        edgekit.export(model, "tflm", tmp_path / "out", target=tmp_path / "tiny.yaml")


WRONG: dict[str, tuple[Any, type[EdgekitError], str]] = {
    "an exporter": ("tflmm", RecipeError, "Unknown exporter.*Did you mean 'tflm'"),
    "an option": ({"tflm": {"nam": "x"}}, RecipeError, "Did you mean 'name'"),
    "a name": ({"tflm": {"name": "9 lives"}}, RecipeError, "name"),
    "a number": ({"tflm": {"arena_margin": -1}}, RecipeError, "arena_margin"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what: str, model: Path, tmp_path: Path, cli: Any) -> None:
    to, error, said = WRONG[what]
    with pytest.raises(error, match=said):
        edgekit.export(model, to, tmp_path / "out")
    with pytest.raises(error, match=said):
        parse_recipe({"model": "digits_cnn", "data": "digits", "train": {"epochs": 1}, "export": [to]})


def test_the_command_says_what_is_wrong(model: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    assert "Did you mean 'tflm'" in cli("export", "tflmm", model, "-o", tmp_path / "out").err
    assert cli("export", "tflm", model).code == 2, "there is no default folder"
    for name, said in (("missing.tflite", "does not exist"), ("m.txt", "is a .tflite")):
        done = cli("export", "tflm", tmp_path / name, "-o", tmp_path / "out")
        assert done.code == 1 and said in done.err, done.err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model_model.h").write_text("mine")
    assert "not overwritten" in cli("export", "tflm", model, "-o", tmp_path / "out").err
    assert cli("export", "tflm", model, "-o", tmp_path / "out", "--overwrite").code == 0


def test_a_recipe_says_its_exports() -> None:
    recipe = parse_recipe(
        {"model": "digits_cnn", "data": "digits", "train": {"epochs": 1}, "export": ["tflm", {"tflm": {"name": "a"}}]}
    )
    assert [e.name for e in recipe.export] == ["model", "a"] and parse_recipe(recipe.dump()) == recipe


def test_exports_that_would_take_each_others_place() -> None:
    values = {"model": "digits_cnn", "data": "digits", "train": {"epochs": 1}}
    with pytest.raises(RecipeError, match="different names.*tflm model, tflm model"):
        parse_recipe({**values, "export": ["tflm", {"tflm": {"arena_margin": 0}}]})


def test_what_was_measured_is_not_measured_again(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.pipeline.exported.load_runtime", lambda name: pytest.fail("measured again"))
    made = export_file(
        Tflm(), model, tmp_path / "out", load_target("generic"), known={"arena_bytes": 1000, "cycles": 7}
    )
    assert made.figures == {"arena_bytes": 1000}
    assert values((tmp_path / "out" / "model_model.h").read_text())["MODEL_ARENA_BYTES"] == "2032"


def test_unknown_exporters_are_wrong_usage() -> None:
    with pytest.raises(UsageError, match="exporters"):
        load_exporter("nothing")
