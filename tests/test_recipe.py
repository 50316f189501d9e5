from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edgekit.errors import EdgekitError, RecipeError, UsageError
from edgekit.recipe import Recipe, load_recipe, parse_recipe, starter_recipe
from edgekit.runtimes import load_runtime
from edgekit.target import load_target, target_names
from edgekit.testing import check_target

MINIMAL: dict[str, Any] = {"model": "digits_cnn", "data": "digits", "train": {"epochs": 1}}


def recipe(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


def test_the_starter_recipe_and_its_dump_are_the_same_recipe() -> None:
    with starter_recipe() as path:
        first = load_recipe(path)
    assert [p.name for p in first.passes] == ["sparsify", "qat"]
    assert parse_recipe(first.dump()) == first
    assert parse_recipe(yaml.safe_load(yaml.safe_dump(first.dump()))) == first


def test_short_forms_and_defaults() -> None:
    short = parse_recipe({**MINIMAL, "passes": [{"sparsify": None}, "qat"], "convert": ["int8", "float32"]})
    assert short.data.source == "digits" and short.seed == 0 and short.measure == ("litert",)
    assert [c.input_dtype for c in short.convert] == ["int8", "float32"]
    assert short.budget.accuracy_drop == 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modle": "x"}, r"Unknown recipe key. Received: 'modle'. Did you mean 'model'\?"),
        ({"Model": "x"}, r"Unknown recipe key. Received: 'Model'. Did you mean 'model'\?"),
        ({"auto": "x"}, r"Unknown recipe key. Received: 'auto'"),
        ({"train": {"Epochs": 1}}, r"Unknown recipe key. Received: 'train.Epochs'. Did you mean 'epochs'\?"),
        ({"train": {"epoch": 1}}, r"Unknown recipe key. Received: 'train.epoch'. Did you mean 'epochs'\?"),
        ({"train": {"epochs": 0}}, "The recipe key train.epochs must fit: .*greater than or equal to 1.*Received: 0"),
        ({"train": {"epochs": "many"}}, "train.epochs must fit"),
        ({"data": {"source": "digits", "calib": 1}}, r"'data.calib'. Did you mean 'calibration'\?"),
        ({"passes": ["sparsifi"]}, r"Unknown pass. Received: 'sparsifi'. Did you mean 'sparsify'\?"),
        ({"passes": [{"sparsify": {"sparcity": 0.5}}]}, r"sparsify.sparcity'. Did you mean 'sparsity'\?"),
        ({"passes": [{"sparsify": {"sparsity": 1.0}}]}, "sparsify.sparsity must fit"),
        ({"passes": [{"sparsify": {"begin": 0.9}}]}, "sparsify must fit: end must come after begin"),
        ({"passes": [{"sparsify": {"pattern": "4:2"}}]}, "pattern is N:M"),
        ({"passes": [{"sparsify": {"pattern": "2:4", "block": [2, 2]}}]}, "exclude each other"),
        (
            {"passes": ["qat", "sparsify"]},
            "sparsify comes before qat, which it would undo. Received: passes: qat, sparsify",
        ),
        ({"passes": ["qat", "qat"]}, "qat comes once, and last"),
        ({"measure": ["litert", "arm64:cortex-a99"]}, "cortex-a99"),
        ({"measure": ["litert", "arm64:cortex-a53", "arm64"]}, "measure names one variant of arm64"),
        ({"measure": ["litert", "arm64", "cortex_m"]}, "measure names one runtime that gives instructions"),
        ({"measure": ["litert", "cortex_m:cortex-m5"]}, "Did you mean 'cortex-m"),
        ({"budget": {"stack_bytes": 9}}, "budget.stack_bytes needs .*Add cortex_m or riscv to measure"),
        ({"measure": ["ethos_u"]}, "The first runtime in measure gives the accuracy"),
        ({"measure": ["tflm"], "budget": {"latency_ms": 1}}, "budget.latency_ms needs a first runtime with a clock"),
        ({"budget": {"cycles": 5}}, "budget.cycles needs the runtime that measures it"),
        ({"seed": 99999999999}, "The recipe key seed must fit"),
        ({"passes": [{"qat": {}, "sparsify": {}}]}, "A list entry is a name, or one name with its options"),
        ({"convert": ["int4"]}, "Unknown format. Received: 'int4'"),
        ({"convert": [{"int8": {"input_dtype": "float16"}}]}, "int8 or uint8 or float32. Received: float16"),
        ({"convert": []}, "at least one format. Received: an empty list. Leave it out for int8"),
        ({"passes": "qat"}, r"The recipe key passes takes a list. Received: 'qat'. Write it as \['qat'\]"),
        ({"measure": "litert"}, "The recipe key measure takes a list"),
        ({"train": 3}, "The recipe key train takes a mapping of keys. Received: 3. Its keys are: .*epochs"),
        ({"measure": ["litert2"]}, r"Unknown runtime in measure. Received: 'litert2'. Did you mean 'litert'\?"),
        ({"measure": []}, "Received: an empty list"),
        ({"target": "pixle"}, "Unknown target. Received: 'pixle'"),
        ({"target": "cortex-m4", "convert": ["float16"]}, "formats that the target cortex-m4 runs.*float16"),
        ({"budget": {"accuracy_drop": 2}}, "budget.accuracy_drop must fit"),
        ({"objective": {"task": "classify"}}, "objective.task must fit"),
        ({"seed": -1}, "The recipe key seed must fit"),
        ({"model": None}, "The recipe key model must fit"),
    ],
)
def test_what_breaks_a_rule_is_said_in_one_sentence(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        parse_recipe({**MINIMAL, **change})
    assert "\n" not in str(caught.value)


def test_missing_keys_are_named() -> None:
    with pytest.raises(RecipeError, match="A recipe needs the key model. Write a starter recipe with: edgekit init"):
        parse_recipe({"data": "digits"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mapping of keys. Received: .*an empty file"),
        ("- a\n", "mapping of keys. Received: .*list"),
        ("model: [", "valid YAML. Received: "),
        ("model: !!python/object/apply:os.system ['true']\ndata: digits", "valid YAML"),
    ],
)
def test_files_that_are_no_recipe(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(recipe(tmp_path, text))


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="YAML file. Received: .*absent.yaml.*edgekit init"):
        load_recipe(tmp_path / "absent.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RecipeError, match="valid YAML"):
        load_recipe(tmp_path / "b.yaml")


def test_set_changes_a_key(tmp_path: Path) -> None:
    path = recipe(tmp_path, "model: digits_cnn\ndata: digits\ntrain: {epochs: 1}\npasses: [{sparsify: {}}, qat]\n")
    changes = ["passes.0.sparsity=0.8", "train.epochs=3", "budget.model_bytes=5_000", "passes.1.skip=[conv*]"]
    found = load_recipe(path, [*changes, "data.calibration=7", "convert=[float32]"])
    sparsify, qat = found.passes
    assert sparsify.sparsity == 0.8 and qat.skip == ("conv*",)  # type: ignore[attr-defined]
    assert found.train and found.train.epochs == 3
    assert found.budget.model_bytes == 5000 and found.data.calibration == 7 and found.convert[0].format == "float32"


@pytest.mark.parametrize("model", ["resnet8", "{resnet8: {width: 2.0}}"])
def test_set_changes_a_networks_parameter(tmp_path: Path, model: str) -> None:
    path = recipe(tmp_path, f"model: {model}\ndata: digits\ntrain: {{epochs: 1}}\n")
    assert load_recipe(path, ["model.width=0.5"]).dump()["model"] == {"resnet8": {"width": 0.5}}
    with pytest.raises(RecipeError, match="Did you mean 'width'"):
        load_recipe(path, ["model.widht=0.5"])


@pytest.mark.parametrize("text", ["epochs", "=3", ".a=1", "passes.7.sparsity=1", "seed.x=1", "passes.x.y=1", "model={"])
def test_set_that_names_nothing_is_wrong_usage(tmp_path: Path, text: str) -> None:
    path = recipe(tmp_path, "model: digits_cnn\ndata: digits\npasses: [qat]\nseed: 1\n")
    with pytest.raises(UsageError, match="--set"):
        load_recipe(path, [text])


def test_relative_paths_are_taken_from_the_recipes_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("m.h5", "d.npz"):
        (tmp_path / "sub" / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    found = load_recipe(recipe(tmp_path / "sub", "model: m.h5\ndata: d.npz\n"))
    assert Path(found.model) == tmp_path / "sub" / "m.h5" and Path(found.data.source) == tmp_path / "sub" / "d.npz"


@pytest.mark.parametrize("name", target_names())
def test_every_target_is_a_contract_that_the_formats_know(name: str) -> None:
    check_target(name)


@pytest.mark.parametrize("name", target_names())
def test_a_part_says_where_its_sizes_come_from_and_what_emulates_it(name: str) -> None:
    target = load_target(name)
    assert (target.flash_bytes is None) == (target.ram_bytes is None) == (target.source == "")
    if target.runtime is not None:
        assert load_runtime(target.runtime).name == target.runtime


def test_errors_of_other_rooms_become_recipe_errors() -> None:
    with pytest.raises(EdgekitError) as caught:
        parse_recipe({**MINIMAL, "passes": [{"sparsify": {"finetune": {"epoch": 3}}}]})
    assert isinstance(caught.value, RecipeError) and "epoch" in str(caught.value)


def test_files_that_parts_name_are_found_beside_the_recipe(tmp_path: Path) -> None:
    for name in ("train.tsv", "dev.tsv", "teacher.h5", "student.h5"):
        (tmp_path / name).touch()
    path = recipe(
        tmp_path,
        "model: text_gru\ndata: {source: train.tsv, test_source: dev.tsv}\ntrain: {epochs: 1}\n"
        "objective: {distill: {teacher: teacher.h5}}\npasses: [{distill: {student: student.h5}}, qat]\n",
    )
    found = load_recipe(path)
    assert found.data.test_source == str(tmp_path / "dev.tsv")
    assert found.objective.distill is not None and found.objective.distill.teacher == str(tmp_path / "teacher.h5")
    assert found.passes[0].student == str(tmp_path / "student.h5")
    assert load_recipe(path, ["passes.0.student=resnet8"]).passes[0].student == "resnet8"


BUILT: dict[str, tuple[dict[str, Any], str]] = {
    "order": ({"passes": ("qat", "sparsify")}, "sparsify comes before qat"),
    "target": ({"target": "nosuch"}, "Unknown target"),
    "runtime": ({"measure": ("litert", "nosuch")}, "Unknown runtime in measure"),
    "no runtime": ({"measure": ()}, "at least one runtime"),
    "no format": ({"convert": ()}, "an empty list"),
    "format": ({"target": "cortex-m4", "convert": ("float16",)}, "formats that the target cortex-m4 runs"),
    "budget": ({"budget": {"cycles": 1}}, "needs the runtime that measures it"),
    "ids": ({"passes": ({"sparsify": {"id": "a"}}, {"qat": {"id": "a"}})}, "An id names one pass"),
    "form": ({"edgekit": 2}, "reads recipes of the form 1. Received: edgekit: 2. Update EdgeKit"),
}


@pytest.mark.parametrize("name", BUILT)
def test_a_recipe_holds_its_rules_however_it_is_built(name: str) -> None:
    change, message = BUILT[name]
    with pytest.raises(RecipeError, match=message):
        Recipe(**{"model": "digits_cnn", "data": "digits", **change})  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match=message):
        parse_recipe({"model": "digits_cnn", "data": "digits", **change})


def test_a_recipe_says_its_form() -> None:
    dumped = parse_recipe(MINIMAL).dump()
    assert dumped["edgekit"] == 1 and parse_recipe(dumped).dump() == dumped


PASSES = {"passes": [{"sparsify": {"id": "prune", "sparsity": 0.5}}, "qat"]}


@pytest.mark.parametrize(
    "path", ["passes.0.sparsity=0.75", "passes.prune.sparsity=0.75", "passes.sparsify.sparsity=0.75"]
)
def test_a_path_names_a_pass_by_number_id_or_name(path: str) -> None:
    changed = parse_recipe({**MINIMAL, **PASSES}, overrides=[path])
    assert changed.dump()["passes"][0]["sparsify"]["sparsity"] == 0.75
    assert parse_recipe({**MINIMAL, **PASSES}, overrides=["passes.qat.skip=[a]"]).dump()["passes"][1]["qat"][
        "skip"
    ] == ["a"]


@pytest.mark.parametrize("path", ["passes.ghost.sparsity=1", "passes.2.sparsity=1", "passes.low_rank.rank=1"])
def test_a_path_that_names_no_pass(path: str) -> None:
    with pytest.raises(UsageError, match="--set names a key of the recipe"):
        parse_recipe({**MINIMAL, **PASSES}, overrides=[path])
    both = {"passes": [{"low_rank": {"rank": 2}}, {"low_rank": {"rank": 4}}]}
    with pytest.raises(UsageError, match="--set names a key"):
        parse_recipe({**MINIMAL, **both}, overrides=["passes.low_rank.rank=3"])


@pytest.mark.parametrize("name", ["Prune", "1a", "a b", "", "x" * 41, "a.b"])
def test_an_id_is_a_plain_name(name: str) -> None:
    with pytest.raises(RecipeError, match="sparsify.id must fit"):
        parse_recipe({**MINIMAL, "passes": [{"sparsify": {"id": name}}]})


OWN_PASS = """
from typing import ClassVar
from edgekit.passes import Pass, Stage

class Nothing(Pass):
    stage: ClassVar[Stage] = Stage.STRUCTURE
    summary: ClassVar[str] = "Nothing at all."
    strength: float = 0.5

    def check(self, model, target, loading=None):
        return []

    def apply(self, model, context):
        return model

class Other:
    pass
"""


def test_a_pass_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine_for_recipes.py").write_text(OWN_PASS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    found = parse_recipe({**MINIMAL, "passes": [{"mine_for_recipes:Nothing": {"strength": 0.25}}, "qat"]})
    assert found.dump()["passes"][0]["mine_for_recipes:Nothing"]["strength"] == 0.25
    assert parse_recipe(found.dump()).dump() == found.dump() and found.passes[0].name == "mine_for_recipes"
    assert len(found.passes[0].source_sha256) == 64 != found.passes[1].source_sha256
    for name, said in (
        ("mine_for_recipes:Other", "subclass of edgekit.passes.Pass"),
        ("mine_for_recipes:Nothin", "Did you mean 'Nothing'"),
        ("nowhere_at_all:Nothing", "importable module"),
    ):
        with pytest.raises(RecipeError, match=said):
            parse_recipe({**MINIMAL, "passes": [name]})
    with pytest.raises(RecipeError, match=r"strenght'. Did you mean 'strength'"):
        parse_recipe({**MINIMAL, "passes": [{"mine_for_recipes:Nothing": {"strenght": 1}}]})


def test_a_target_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "board.yaml").write_text("description: mine\nformats: [int8]\nflash_bytes: 1000\n")
    file = recipe(tmp_path, "model: digits_cnn\ndata: digits\ntrain: {epochs: 1}\ntarget: board.yaml\n")
    found = load_recipe(file)
    assert found.target == str(tmp_path / "board.yaml") and load_target(found.target).flash_bytes == 1000
    with pytest.raises(RecipeError, match="formats that the target board runs"):
        load_recipe(file, ["convert=[float32]"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "A target is a mapping of keys"),
        ("formats: [int8]\n", "A target needs the key description"),
        ("description: x\nformats: [int4]\n", "must fit"),
        ("description: x\nformats: [int8]\nflsh_bytes: 1\n", "Did you mean 'flash_bytes'"),
        ("a: [", "valid YAML"),
        (None, "one of EdgeKit's, or a .yaml file"),
    ],
)
def test_what_is_no_target(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "board.yaml").write_text(text)
    with pytest.raises(RecipeError, match=said):
        load_target(str(tmp_path / "board.yaml"))


def test_a_name_that_stands_beside_the_recipe_too_is_the_targets(tmp_path: Path) -> None:
    (tmp_path / "cortex-m4").mkdir()
    file = recipe(tmp_path, "model: digits_cnn\ndata: digits\ntrain: {epochs: 1}\ntarget: cortex-m4\n")
    assert load_recipe(file).target == "cortex-m4"


@pytest.mark.parametrize("text", ["raise ZeroDivisionError", "import nothing_like_it", "def broken(:"])
def test_a_pass_whose_module_does_not_import(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"broken_pass_{abs(hash(text)) % 10**6}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EdgekitError, match="must import"):
        parse_recipe({**MINIMAL, "passes": [f"{name}:Pass"]})


@pytest.mark.parametrize("key", ["²", "9" * 5000, "-1"])
def test_numbers_of_a_path_are_plain(key: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        parse_recipe({**MINIMAL, **PASSES}, overrides=[f"passes.{key}.sparsity=0.5"])


@pytest.mark.parametrize("line", ["flash_bytes: -5", "ram_bytes: 0", "channel_multiple: 0", "formats: []"])
def test_a_target_has_what_can_be(line: str, tmp_path: Path) -> None:
    head = "description: x\n" + ("" if line.startswith("formats") else "formats: [int8]\n")
    (tmp_path / "board.yaml").write_text(f"{head}{line}\n")
    with pytest.raises(RecipeError, match="must fit"):
        load_target(str(tmp_path / "board.yaml"))
    with pytest.raises(RecipeError, match="A target is one of EdgeKit's"):
        load_target("x" * 300 + ".yaml")
