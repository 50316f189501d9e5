"""Exporters: every one keeps the contract of its kind, and tflm's sources hold the model."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from small_tflite import dense
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
from edgekit_converters.packages import package_kinds

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
    if name == "c":  # integers only
        (model := tmp_path / "int8.tflite").write_bytes(dense(channels=True))
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
    "a keyword": ({"tflm": {"name": "register"}}, RecipeError, "this is a keyword of C or C\\+\\+.*'register'"),
    "samples": ({"tflm": {"selftest": 0}}, RecipeError, "selftest"),
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
    (tmp_path / "out" / "model_data.h").write_text("mine")
    assert "not overwritten" in cli("export", "tflm", model, "-o", tmp_path / "out").err
    assert cli("export", "tflm", model, "-o", tmp_path / "out", "--overwrite").code == 0


OPTIONS: dict[str, tuple[list[str], int, str]] = {
    "a choice": (["--language", "swift"], 2, "'swift' is not one of 'java', 'kotlin'"),
    "a package": (["--package", "class.x"], 1, "--package must fit: a package has two parts or more"),
    "a library": (["--tflite", "a:b"], 1, "--tflite must fit: a library is GROUP:ARTIFACT:VERSION, such as org."),
    "a version": (["--version", "../x"], 1, "--version must fit: a version is of letters, digits"),
}


@pytest.mark.parametrize("what", OPTIONS)
def test_the_command_speaks_of_its_flags(what: str, model: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    flags, code, said = OPTIONS[what]
    done = cli("export", "android", model, "-o", tmp_path / "out", *flags)
    assert done.code == code and said in " ".join(done.err.split()) and "recipe" not in done.err, done.err
    assert not (tmp_path / "out").exists()


def test_help_names_the_choices(cli: Callable[..., Any]) -> None:
    assert "--language [java|kotlin]" in cli("export", "android", "--help").out


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
    assert values((tmp_path / "out" / "model_data.h").read_text())["MODEL_ARENA_BYTES"] == "2032"


def test_unknown_exporters_are_wrong_usage() -> None:
    with pytest.raises(UsageError, match="There must be an exporter of this name.*nothing"):
        load_exporter("nothing")


@pytest.mark.parametrize("name", ["android", "c", "tflm"])
def test_an_export_loads_nothing_of_training(name: str, model: Path, tmp_path: Path) -> None:
    if name == "c":  # integers only
        (model := tmp_path / "int8.tflite").write_bytes(dense(channels=True))
    code = (
        "import sys, edgekit\n"
        f"edgekit.export({str(model)!r}, {name!r}, {str(tmp_path / 'out')!r})\n"
        "rooms = ('training', 'keras', 'methods', 'passes', 'recipe', 'pipeline.run')\n"
        "print({'tensorflow', *(f'edgekit.{room}' for room in rooms)} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("set()", 0), done.stderr


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """An int8 model [1, 3] to [1, 3] without a sidecar, and a file of its labels."""
    (model := tmp_path / "foreign.tflite").write_bytes(dense(channels=True))
    (tmp_path / "labels.txt").write_text("cat\ndog\nbird\n")
    return model


@pytest.mark.parametrize("exporter", ["c", "tflm"])
def test_labels_of_a_foreign_model(exporter: str, foreign: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    flags = ["--name", "net", "--labels", tmp_path / "labels.txt"]
    assert cli("export", exporter, foreign, "-o", tmp_path / "out", *flags).code == 0
    header = tmp_path / "out" / {"c": "net.h", "tflm": "net_data.h"}[exporter]
    assert values(header.read_text())["NET_LABELS"] == "3" and "net_labels[NET_LABELS]" in header.read_text()
    (tmp_path / "labels.txt").write_text("cat\n")
    (tmp_path / "two.txt").write_text("a\nb\n")
    done = cli("export", exporter, foreign, "-o", tmp_path / "no", "--labels", tmp_path / "two.txt")
    assert done.code == 1 and "2 labels for 3 values" in " ".join(done.err.split()), done.err
    done = cli("export", exporter, foreign, "-o", tmp_path / "no", "--labels", tmp_path / "none.txt")
    assert done.code == 1 and "none.txt" in done.err and not (tmp_path / "no").exists()


def test_preprocessing_of_a_foreign_model_is_that_of_a_sidecar(
    foreign: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    """The options give the same bytes as a sidecar that says the same, and are stronger than one that does not."""
    flags = ["--labels", tmp_path / "labels.txt", "--preprocessing", "[{rescale: {scale: 0.5, offset: -1.0}}]"]
    out = {name: tmp_path / name for name in ("flags", "beside", "both")}
    assert cli("export", "c", foreign, "-o", out["flags"], *flags).code == 0
    wanted = Preprocessing.parse([{"rescale": {"scale": 0.5, "offset": -1.0}}])
    write_sidecar(foreign, Sidecar(wanted, ("cat", "dog", "bird"), "classification"))
    assert cli("export", "c", foreign, "-o", out["beside"]).code == 0
    write_sidecar(foreign, Sidecar(Preprocessing(), ("x", "y", "z"), "classification"))
    assert cli("export", "c", foreign, "-o", out["both"], *flags).code == 0
    assert on_disk(out["flags"]) == {"model.c", "model.h", "model_preprocess.c", "model_selftest.c"}
    texts = [{name: (folder / name).read_text() for name in on_disk(folder)} for folder in out.values()]
    assert texts[0] == texts[1] == texts[2] and "model_top1" in texts[0]["model.h"]


WITHOUT_SENSE = {
    "no list": (["--preprocessing", "rescale"], 1, "Preprocessing is a list of operations"),
    "no operation": (["--preprocessing", "[resise]"], 1, "resise"),
    "another size": (["--preprocessing", "[{resize: {height: 4, width: 4}}]"], 1, "must end in what the model takes"),
    "infinity": (["--preprocessing", "[{rescale: {scale: .inf}}]"], 1, "The options of rescale must fit"),
    "a version": (["--package", "cmake", "--version", "1.0"], 1, "--version must fit: a version is three numbers"),
    "no author": (["--package", "cmake", "--author", ""], 1, "--author must fit: it is one line"),
    "two lines": (["--package", "cmake", "--description", "a\nb"], 1, "--description must fit: it is one line"),
    "no package": (["--version", "2.0.0"], 1, "--version must fit: packages have it, and no package is asked for"),
}


@pytest.mark.parametrize("what", WITHOUT_SENSE)
def test_descriptions_that_do_not_fit(what: str, foreign: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    flags, code, said = WITHOUT_SENSE[what]
    done = cli("export", "c", foreign, "-o", tmp_path / "out", *flags)
    assert done.code == code and said in " ".join(done.err.split()) and "recipe" not in done.err, done.err
    assert not (tmp_path / "out").exists()


def test_a_package_says_what_it_is_told(foreign: Path, cli: Callable[..., Any], tmp_path: Path) -> None:
    flags = ["--package", "platformio", "--version", "2.1.0", "--description", "Hears one word.", "--author", "A. Bee"]
    assert cli("export", "c", foreign, "-o", tmp_path / "out", *flags).code == 0
    told = json.loads((tmp_path / "out" / "library.json").read_text())
    assert (told["version"], told["description"], told["authors"]) == (
        "2.1.0", "Hears one word.", [{"name": "A. Bee"}],
    )  # fmt: skip


def test_another_package_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """What EdgeKit wrote for another build system goes; files of the user, and of other exports, stay."""
    (model := tmp_path / "m.tflite").write_bytes(dense(channels=True))
    out = tmp_path / "out"
    (out / "src").mkdir(parents=True)
    (out / "src" / "mine.c").write_text("mine")
    neighbour = edgekit.export(model, {"tflm": {"name": "other"}}, out)
    for kind in (None, *package_kinds(), None):
        made = edgekit.export(model, {"c": {"name": "net", "package": kind}}, out)
        wanted = {"src/mine.c", *(file.path for file in (*made.files, *neighbour.files))}
        assert on_disk(out) == wanted, kind
    edgekit.export(model, {"c": {"name": "net", "package": "cmake"}}, out)
    (out / "example" / "main.c").write_text("int main(void) { return 0; }")
    edgekit.export(model, {"c": {"name": "net"}}, out)
    assert "example/main.c" in on_disk(out) and "CMakeLists.txt" not in on_disk(out)


def on_disk(folder: Path) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if path.parts[0] != ".edgekit"}
