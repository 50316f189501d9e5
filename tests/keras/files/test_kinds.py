"""Each class of the installed Keras has a row or a reason why not. Its sources are parsed, not imported."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from edgekit.keras.files.functions import ACTIVATIONS, OPERATIONS
from edgekit.keras.files.holds import KEYS, Holds
from edgekit.keras.files.kinds import KINDS, LayerKind
from edgekit.keras.files.objects import FAMILIES
from edgekit.keras.files.refused import REASONS

_KERAS = importlib.metadata.version("keras")
newest = pytest.mark.skipif(
    tuple(int(part) for part in _KERAS.split(".")[:2]) < (3, 15),
    reason=f"Keras {_KERAS} has not yet, or has no longer, all that the tables list; files of it are read all the same",
)

MODELS = {"Functional", "Sequential", "Model"}
BASES: Mapping[str, Holds | None] = {
    "Layer": None,
    "Operation": None,
    "Initializer": Holds.INITIALIZER,
    "Regularizer": Holds.REGULARIZER,
    "Constraint": Holds.CONSTRAINT,
    "DTypePolicy": Holds.POLICY,
}
NOT_IN_FILES = ("_test", "/testing/", "/test_", "/tests/", "legacy_tf_layers/", "/estimator", "/metrics/", "/trainers/")
"""Where tests lie, and classes that are layers by descent only: metrics, and TensorFlow 1's."""


@cache
def classes(package: str) -> Mapping[str, tuple[tuple[str, ...], str]]:
    """Base classes and file of each class in a package's sources, by name."""
    spec = importlib.util.find_spec(package)
    assert spec and spec.submodule_search_locations
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    for path in sorted(Path(spec.submodule_search_locations[0]).rglob("*.py")):
        if any(part in str(path) for part in NOT_IN_FILES):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                bases = tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases)
                found.setdefault(node.name, (bases, str(path)))
    return found


@cache
def members(package: str, base: str) -> frozenset[str]:
    """Names of the classes that descend from a base class."""
    known, descendants = classes(package), {base}
    while more := {name for name, (bases, _) in known.items() if descendants & {*bases}} - descendants:
        descendants |= more
    return frozenset(descendants - {base})


@newest
@pytest.mark.parametrize("package", ["keras", "tf_keras"])
@pytest.mark.parametrize("base", BASES)
def test_every_class_has_a_row_or_a_reason(package: str, base: str) -> None:
    holds = BASES[base]
    rows = set(FAMILIES[holds].rows) if holds else set(KINDS) | MODELS | {n for ops in OPERATIONS.values() for n in ops}
    training = {name for other in ("Metric", "Loss", "Optimizer") for name in members(package, other)}
    without = members(package, base) - training - rows - REASONS.keys()
    assert not without, f"give these a row or a reason: {sorted(without)}"


def test_the_scan_sees_what_it_should() -> None:
    assert {"Dense", "LSTM", "Lambda"} <= set(members("keras", "Layer"))
    assert {"Dense", "TFOpLambda", "Lambda"} <= set(members("tf_keras", "Layer"))
    assert {"Relu6", "GetItem"} <= set(members("keras", "Operation"))


def test_no_class_has_both_a_row_and_a_reason() -> None:
    assert not (set(KINDS) | {n for family in FAMILIES.values() for n in family.rows}) & REASONS.keys()


@newest
@pytest.mark.parametrize("module", OPERATIONS)
def test_operations_exist_where_the_table_says(module: str) -> None:
    spec = importlib.util.find_spec("keras")
    assert spec and spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0], *module.split(".")[1:]).with_suffix(".py")
    defined = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}
    assert OPERATIONS[module] <= defined


def test_activations_exist() -> None:
    names: set[str] = set()
    for package in ("keras", "tf_keras"):
        spec = importlib.util.find_spec(package)
        assert spec and spec.submodule_search_locations
        for path in Path(spec.submodule_search_locations[0], "src").glob("activations*/**/*.py"):
            names |= {n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)}
        single = Path(spec.submodule_search_locations[0], "src", "activations.py")
        if single.is_file():
            names |= {n.name for n in ast.parse(single.read_text()).body if isinstance(n, ast.FunctionDef)}
    assert ACTIVATIONS - {"swish", "hard_swish"} <= names


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_weights_are_told_by_keys_of_the_same_row(kind: str) -> None:
    row: LayerKind = KINDS[kind]
    for pattern in row.weights:
        assert {axis.partition("*")[0] for axis in pattern if axis != "*"} <= row.keys.keys()


def test_every_kind_of_content_is_in_use() -> None:
    assert {*KEYS.values()} == {*Holds}
