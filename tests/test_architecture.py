"""The arrows of the design, over the syntax trees: imports run one way, those inside functions too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (ROOT / "edgekit", ROOT / "converters" / "edgekit_converters")
HEAVY = {
    "keras", "optuna", "ray", "sklearn", "tensorflow", "tensorflow_model_optimization", "tensorly",
    "tf_keras",
}  # fmt: skip
LAYERS = (
    {"errors", "registry", "user_code", "artifact", "_tf", "figures", "filekinds", "files", "interrupt", "npz"}
    | {"installing", "locks", "observer", "ownership", "overrides", "places", "scratch", "recipe_text", "versions"}
    | {"identifiers", "zips"},
    {"readable", "tensors", "golden"},
    {"tflite"},
    {"sandbox"},
    {"keras"},
    {"methods", "data", "target"},
    {"training"},
    {"passes", "edgekit_converters", "runtimes", "measure"},
    {"recipe"},
    {"pipeline"},
    {"report", "searching"},
    {"testing", "cli", "api", "demo", "layers", "__main__"},
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def modules() -> dict[str, Path]:
    found = {}
    for source in SOURCES:
        for path in source.rglob("*.py"):
            parts = path.relative_to(source.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file's syntax tree, which several tests look through."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def deferred(path: Path) -> frozenset[int]:
    """Ids of the nodes that run only when a function is called."""
    functions = (n for n in nodes(path) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))
    return frozenset(id(inner) for function in functions for inner in ast.walk(function))


@cache
def imports(path: Path, *, everywhere: bool = True) -> tuple[str, ...]:
    """Full names of what a file imports; those for type checkers alone do not count."""
    return tuple(_imports(path, everywhere))


def _imports(path: Path, everywhere: bool) -> Iterator[str]:
    skipped = {
        id(inner)
        for node in nodes(path)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in nodes(path):
        if id(node) in skipped or (id(node) in deferred(path) and not everywhere):
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "edgekit":  # what is used of it counts
                    used = re.findall(r"\bedgekit\.(\w+)", path.read_text(encoding="utf-8"))
                    yield from (f"edgekit.api.{n}" for n in used if n in API)
                else:
                    yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if node.module == "edgekit" and alias.name in API:
                    full = f"edgekit.api.{alias.name}"
                yield full if full in MODULES or node.module == "edgekit" else str(node.module)


def api_names() -> set[str]:
    tree = ast.parse((ROOT / "edgekit" / "api" / "__init__.py").read_text(encoding="utf-8"))
    listed = next(n.value for n in tree.body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__")
    return set(ast.literal_eval(listed))


API = api_names()


def room(module: str) -> str | None:
    """The folder or leaf that a module stands in; None for other packages and for edgekit itself."""
    first, _, rest = module.partition(".")
    if first == "edgekit_converters":
        return first
    of_the_package = rest.startswith("__") and rest != "__main__"  # such as __version__
    return rest.partition(".")[0] if first == "edgekit" and rest and not of_the_package else None


def edges() -> set[tuple[str, str, str]]:
    found = set()
    for name, path in MODULES.items():
        here = room(name)
        for imported in imports(path) if here else ():
            there = room(imported)
            if here and there and here != there:
                found.add((here, there, name))
    return found


def test_every_room_has_a_layer() -> None:
    rooms = {room(name) for name in MODULES} - {None}
    assert rooms <= LEVEL.keys(), f"give these a layer: {rooms - LEVEL.keys()}"


def test_imports_run_downwards() -> None:
    broken = sorted(f"{name} imports {there}" for here, there, name in edges() if LEVEL[there] > LEVEL[here])
    assert not broken, broken


def test_rooms_of_one_layer_have_no_cycle() -> None:
    pairs = {(here, there) for here, there, _ in edges()}
    reach = set(pairs)
    while longer := {(a, d) for a, b in reach for c, d in pairs if b == c} - reach:
        reach |= longer
    assert not [pair for pair in reach if pair[0] == pair[1]]


@pytest.mark.parametrize("family", ["edgekit.passes", "edgekit.runtimes"])
def test_plugins_do_not_know_each_other_nor_the_pipeline(family: str) -> None:
    for name, path in MODULES.items():
        if not name.startswith(f"{family}."):
            continue
        for imported in imports(path):
            assert not imported.startswith("edgekit.pipeline"), f"{name} imports {imported}"
            plugin = imported.removeprefix(f"{family}.")
            if imported.startswith(f"{family}.") and not plugin.startswith("_"):
                assert name.split(".")[2] == plugin.split(".")[0], f"{name} imports {imported}"


def test_heavy_libraries_are_not_imported_at_module_level() -> None:
    for name, path in MODULES.items():
        heavy = {i.partition(".")[0] for i in imports(path, everywhere=False)} & HEAVY
        assert not heavy, f"{name} imports {heavy}"


def test_tensorflow_comes_through_one_door() -> None:
    door = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}
    for name, path in MODULES.items():
        found = {i.partition(".")[0] for i in imports(path)} & door
        assert name == "edgekit._tf" or not found, f"{name} imports {found}"


def test_the_scan_sees_what_it_should() -> None:
    """So that an empty scan never passes for a clean one."""
    found = edges()
    assert ("pipeline", "edgekit_converters", "edgekit.pipeline.run") in found
    assert ("cli", "api", "edgekit.cli.commands.inspect") in found  # import edgekit inside a function
    assert any(here == "api" and there == "pipeline" for here, there, _ in found)
    assert len(MODULES) > 60


OPENERS = {
    r"\.models\.load_model$|\.saving\.load_model$|\.models\.model_from_json$": {
        "edgekit.keras.bridge.back",  # what was written a moment before
        "edgekit.keras.files.building",  # what was read, written anew
        "edgekit.keras.loading",  # behind unsafe
        "edgekit.keras.files.saved_models",  # in a child
    },
    r"\.saved_model\.load$": set(),
    r"\.from_saved_model$|\.from_keras_model$": {"edgekit_converters.tflite.converter"},  # of the model that was built
    r"^h5py\.File$": {"edgekit.keras.files.building", "edgekit.keras.files.reading"},
    r"\.load_weights$": {"edgekit.keras.files.saved_models"},
    r"^(pickle|cloudpickle|joblib|marshal|shelve|dill)\.": set(),
}
"""Ways into a model file, and the modules that may take them."""


@pytest.mark.parametrize("way", OPENERS)
def test_model_files_are_opened_in_few_places(way: str) -> None:
    found = {
        name
        for name, path in MODULES.items()
        for node in nodes(path)
        if isinstance(node, ast.Call) and re.search(way, ast.unparse(node.func))
    }
    assert found == OPENERS[way]


def test_the_page_names_every_room_and_only_those() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Rooms")[2].partition("## Arrows")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    package = ROOT / "edgekit"
    folders = {f"{path.name}/" for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    modules = {path.name for path in package.glob("*.py") if path.name != "__init__.py"}
    converters = ROOT / "converters" / "edgekit_converters"
    kinds = {f"converters/edgekit_converters/{p.name}/" for p in converters.iterdir() if (p / "__init__.py").is_file()}
    assert named == folders | modules | kinds


def test_the_page_has_the_floors_in_order() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    rows = rows[: next(i for i, row in enumerate(rows) if "`cli/`" in row) + 1]
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    parts = [name.removeprefix("converters/").removesuffix(".py").partition("/")[0] for name in names]
    floors = [LEVEL[part] for part in parts if part in LEVEL]  # targets/ and recipes/ hold no code
    assert {part for part in parts if part in LEVEL} == {room(name) for name in MODULES} - {None}
    assert floors == sorted(floors), "a room stands above those that it sees"


def heavy(path: Path) -> bool:
    """Whether importing a module loads TensorFlow: it calls one of `_tf`'s doors outside of a function."""
    calls = (node for node in nodes(path) if isinstance(node, ast.Call) and id(node) not in deferred(path))
    return any(re.fullmatch(r"_tf\.(tensorflow|tf_keras|tfmot|keras3)", ast.unparse(call.func)) for call in calls)


def test_modules_that_load_tensorflow_are_imported_by_functions_only() -> None:
    loading = {name for name, path in MODULES.items() if heavy(path)}
    assert {"edgekit.methods.low_rank.layers", "edgekit.methods.pruning", "edgekit.training.callbacks"} <= loading
    early = {
        f"{name} imports {imported}"
        for name, path in MODULES.items()
        if name not in loading
        for imported in imports(path, everywhere=False)
        if any(imported == heavy_one or imported.startswith(f"{heavy_one}.") for heavy_one in loading)
    }
    assert not early, early


def test_classes_that_derive_from_others_are_not_made_inside_functions() -> None:
    """They could not be imported, documented or checked."""
    inside = {
        name
        for name, path in MODULES.items()
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ClassDef) and node.bases
    }
    assert inside == {"edgekit.sandbox.seccomp"}  # a structure of ctypes


TFMOT_INTERNALS = (
    r"_weight_vars|_output_quantizer\w*|quantizer_vars|_maybe_update_block_mask|_update_mask|_trainable_weights"
    r"|_non_trainable_weights|pruning_obj|load_own_variables"
)


def test_what_tfmot_keeps_to_itself_is_touched_in_one_module() -> None:
    touching = set()
    for name, path in MODULES.items():
        for node in nodes(path):
            word = (
                node.attr if isinstance(node, ast.Attribute) else node.value if isinstance(node, ast.Constant) else ""
            )
            private = isinstance(word, str) and re.fullmatch(TFMOT_INTERNALS, word)
            if private or (isinstance(word, str) and word.startswith("tensorflow_model_optimization.python")):
                touching.add(name)
    assert touching == {"edgekit.methods.tfmot"}
