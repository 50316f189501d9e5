"""Recipes that were made to do harm, or by a slip of the hand: one clear error that names the key, at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import edgekit
from edgekit import passes, registry
from edgekit.data.preprocessing import OPERATIONS
from edgekit.errors import EdgekitError, RecipeError
from edgekit.passes import load_pass
from edgekit.recipe import Recipe, load_recipe, parse_recipe

BASE = "model: digits_cnn\ndata: digits\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def load(text: str | bytes, folder: Path, *overrides: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_recipe(path, overrides)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("train: {learning_rate: .inf}", "train.learning_rate"),
        ("train: {learning_rate: .nan}", "train.learning_rate"),
        ("train: {epochs: 1000000000000000000000}", "train.epochs"),
        ("train: {epochs: 10000000}", "train.epochs"),
        ("train: {epochs: 1, batch_size: 1000000000000}", "train.batch_size"),
        ("seed: -1", "seed"),
        ("budget: {model_bytes: .inf}", "budget.model_bytes"),
        ("budget: {accuracy_drop: -.inf}", "budget.accuracy_drop"),
        ("passes: [{sparsify: {sparsity: .nan}}]", "passes.0.sparsify.sparsity"),
        ("objective: {distill: {temperature: 1e300}}", "objective.distill.temperature"),
        ("target: 2001-12-14", "target"),
        ("target: !!binary aGVsbG8=", "target"),
        ("target: !!set {a, b}", "target"),
        ("target: \"a\\u001b[31mb\"", "target"),
        ("target: " + "x" * 20_000, "target"),
    ],
)  # fmt: skip
def test_absurd_values_are_named_by_their_key(line: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=key.replace(".", r"\.")):
        load(BASE + line, tmp_path)


@pytest.mark.parametrize(
    ("override", "key"), [("train.learning_rate=.inf", "learning_rate"), ("train.epochs=1e40", "epochs")]
)
def test_the_same_by_set(override: str, key: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=f"train.{key}"):
        load(BASE + "train: {epochs: 1}", tmp_path, override)


def test_the_same_from_python() -> None:
    for value in (float("inf"), float("nan"), 10**40):
        with pytest.raises(RecipeError, match="train.epochs"):
            parse_recipe({"model": "digits_cnn", "data": "digits", "train": {"epochs": value}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE + "seed: 1\nseed: 2\n", "'seed' again, line 4"),
        (BASE + "train: {epochs: 1, epochs: 2}\n", "'epochs' again"),
        (BASE + LAUGHS, "values"),
        (BASE + "x: " + "[" * 100_000, "levels deep|valid YAML"),
        (BASE + "x: " + "{a: " * 200 + "1" + "}" * 200, "levels deep"),
        (BASE + "? [a, b]\n: 1\n", "names"),
        (BASE + "1: 2\n", "names"),
        (BASE + "x: !!python/object/apply:os.system [id]\n", "valid YAML"),
        (BASE + "x: &a [*a]\n", "valid YAML|levels deep|Unknown"),
        (b"\xff\xfe\x00", "valid YAML"),
        (b"\x00" * 100, "valid YAML"),
        (BASE + "# " + "x" * (2 << 20), "at most"),
        ("", "an empty file"),
        ("- a", "list"),
    ],
)
def test_texts_that_are_no_recipe(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        load(text, tmp_path)


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", Path("/dev/zero")):
        with pytest.raises(EdgekitError):
            load_recipe(path)


def _numbers(kind: type[BaseModel], seen: set[type[BaseModel]]) -> list[str]:
    """Numeric fields without an upper bound, in a model and those inside it."""
    if kind in seen:
        return []
    seen.add(kind)
    return [w for name, field in kind.model_fields.items() for w in _open(f"{kind.__name__}.{name}", field, seen)]


def _open(name: str, field: FieldInfo, seen: set[type[BaseModel]]) -> list[str]:
    schema = str(field.annotation), [str(m) for m in field.metadata]
    return list(_walk(name, field.annotation, [*field.metadata], seen)) if schema else []


def _walk(name: str, annotation: Any, metadata: list[Any], seen: set[type[BaseModel]]) -> list[str]:
    from typing import Annotated, get_args, get_origin

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _numbers(annotation, seen)
    if annotation in (int, float):
        flat = [inner for m in metadata for inner in (m, *getattr(m, "metadata", ()))]
        return [] if any(hasattr(m, "le") or hasattr(m, "lt") for m in flat) else [name]
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _walk(name, inner, more, seen)
    arguments = get_args(annotation)
    return [w for a in arguments for w in _walk(name, a, metadata if len(arguments) < 3 else [], seen)]


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.tflite", "saved"])
def test_a_model_is_no_recipe(name: str, tmp_path: Path, cli: Callable[..., Any]) -> None:
    """What a newcomer tries first; the remedy speaks of where he stands."""
    (tmp_path / "saved").mkdir()
    told = cli("compress", tmp_path / name)
    assert told.code == 1 and "A recipe is a YAML file." in told.err and "edgekit auto" in told.err
    with pytest.raises(RecipeError, match=r"model comes with its data: edgekit\.compress\(.*data=\(x, y\)"):
        edgekit.compress(tmp_path / name)


def test_every_number_of_a_recipe_has_a_largest_value() -> None:
    seen: set[type[BaseModel]] = set()
    kinds = [Recipe, *(load_pass(name) for name in registry.names(passes)), *OPERATIONS.values()]
    assert [name for kind in kinds for name in _numbers(kind, seen)] == []
    assert len(seen) > 12
