"""An app's assets folder against its lock, before there is a package: models, budget, and recipes that went on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit.cli import main
from edgekit.errors import EdgekitError

MODEL = packed(dense_model())


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Two models, one of which a recipe made."""
    (tmp_path / "assets" / "sub").mkdir(parents=True)
    (tmp_path / "assets" / "sub" / "schöne $ziffern.tflite").write_bytes(MODEL)
    (tmp_path / "assets" / "other.txt").write_text("not a model")
    (tmp_path / "recipe.yaml").write_text("model: resnet8\n")
    lock(tmp_path)
    return tmp_path


def lock(app: Path) -> None:
    budget = {"model_bytes": len(MODEL)}
    edgekit.lock_models([app / "assets"], app / "edgekit.lock", recipe=app / "recipe.yaml", budget=budget)


def edit(app: Path, **changed: object) -> None:
    content = json.loads((app / "edgekit.lock").read_text())
    content["models"][0].update(changed)
    (app / "edgekit.lock").write_text(json.dumps(content))


NAME = "sub/schöne $ziffern.tflite"
CHANGES: dict[str, tuple[Callable[[Path], object], int, str, str, str]] = {
    "missing": (lambda app: (app / "assets" / NAME).unlink(), 1, "lock", NAME, "missing"),
    "stale": (lambda app: (app / "assets" / NAME).write_bytes(bytes(len(MODEL))), 1, "lock", NAME, "stale"),
    "orphan": (lambda app: (app / "assets" / "b.TFLITE").write_bytes(MODEL), 1, "lock", "b.TFLITE", "orphan"),
    "edited": (lambda app: edit(app, bytes=7), 1, "lock", NAME, "the lock was edited"),
    "recipe": (lambda app: (app / "recipe.yaml").write_text("model: resnet9\n"), 1, "recipe", NAME, "changed since"),
    "budget": (lambda app: edit(app, budget={"model_bytes": 9}), 3, "budget", NAME, "is above 9"),
}


def test_a_whole_folder_passes(app: Path) -> None:
    told = edgekit.verify_package(app / "assets", app / "edgekit.lock")
    assert [(o.check, o.status, o.where) for o in told.outcomes] == [
        ("lock", "passed", NAME),
        ("budget", "passed", NAME),
        ("recipe", "passed", NAME),
    ]
    assert (told.kind, told.bytes, told.exit_code) == ("folder", len(MODEL), 0)


@pytest.mark.parametrize("name", CHANGES)
def test_each_fault_is_said_of_its_asset(name: str, app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, code, check, where, words = CHANGES[name]
    change(app)
    with pytest.raises(SystemExit) as ended:
        main(["android", "verify", str(app / "assets"), "--lock", str(app / "edgekit.lock"), "--json"])
    told = json.loads(capsys.readouterr().out)
    (outcome,) = [o for o in told["outcomes"] if o["status"] in ("fault", "budget")]
    assert ended.value.code == told["exit_code"] == code
    assert (outcome["check"], outcome["where"]) == (check, where) and words in outcome["said"] and outcome["remedy"]


def test_a_recipe_that_is_elsewhere_is_unknown(app: Path) -> None:
    (app / "recipe.yaml").unlink()
    told = edgekit.verify_package(app / "assets", app / "edgekit.lock")
    assert [o.check for o in told.of("unknown")] == ["recipe"] and told.exit_code == 0


def test_the_command_counts_what_it_checked(app: Path, cli: Any) -> None:
    done = cli("android", "verify", app / "assets", "--lock", app / "edgekit.lock")
    assert done.code == 0 and "Passed: 3 passed." in done.out
    for name in ("a.tflite", "b.tflite"):
        (app / "assets" / name).write_bytes(MODEL)
    done = cli("android", "verify", app / "assets", "--lock", app / "edgekit.lock")
    assert done.code == 1 and "Failed: 2 faults, 3 passed." in done.out


def test_a_folder_needs_a_lock(app: Path) -> None:
    with pytest.raises(EdgekitError, match="held to a lock.*lock=PATH"):
        edgekit.verify_package(app / "assets")
