"""A folder full of things that look like EdgeKit's, and every command that writes, in it: all of them survive."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
Snapshot = Callable[[Path], dict[str, object]]


def _file(name: str, text: str = "mine") -> Callable[[Path, Path], None]:
    def make(root: Path, outside: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    return make


def _link(name: str) -> Callable[[Path, Path], None]:
    def make(root: Path, outside: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(outside)

    return make


VICTIM = json.dumps({"schema": "edgekit.compress/3", "models": [{"path": "../../outside/file"}, {"path": "mine.txt"}]})
BESIDE: dict[str, Callable[[Path, Path], None]] = {
    name: _file(name)
    for name in (
        ".a.b.c/file", ".x.y/file", ".report.html.abc/report.html", "models/.m.tflite.abc/file", "models/mine.tflite",
        "models/mine.tflite.json", "steps/.qat.x/file", "steps/.lock", "steps/mine-0123456789ab/step.json",
        "steps/unfinished/baseline-0123456789ab/file", "steps/teachers/x.npy", "unfinished/file", "tensorboard/file",
        "tmp-abc/lock", "mine.txt",
    )
} | {name: _link(name) for name in ("link", "steps/link", "models/link.tflite")}  # fmt: skip
"""What no command needs to touch."""

IN_THE_WAY: dict[str, Callable[[Path, Path], None]] = {
    "a manifest": _file("manifest.json", '{"schema": "mine"}'),
    "a manifest that leads out": _file("manifest.json", VICTIM),
    "a report": _file("report.html"),
    "a report that is a link": lambda root, outside: (root / "report.md").symlink_to(outside / "file"),
    "a model": _file("models/digits_cnn_int8.tflite"),
    "a sidecar": _file("models/digits_cnn_int8.tflite.json"),
    "golden vectors": _file("models/digits_cnn_int8.tflite.golden.npz"),
    "a folder of a model's name": _file("models/digits_cnn_int8.tflite/file"),
    "models is a link": _link("models"),
    "models is a file": _file("models"),
    "steps is a link": _link("steps"),
    "steps is a file": _file("steps"),
    "tensorboard is a link": _link("tensorboard"),
    ".edgekit is the user's": _file(".edgekit/written.json"),
    ".edgekit is a link": _link(".edgekit"),
}


def places(tmp_path: Path) -> tuple[Path, Path]:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "file").write_text("theirs")
    return root, outside


def kept(before: dict[str, object], after: dict[str, object]) -> bool:
    return all(after.get(name) == content for name, content in before.items())


@pytest.mark.parametrize("command", ["compress", "convert", "report", "init", "benchmark", "sensitivity"])
def test_what_lies_beside_survives(
    command: str, finished: Any, trained: Any, tflites: dict[str, Path], npz: Path, tmp_path: Path, cli: Cli,
    snapshot: Snapshot,
) -> None:  # fmt: skip
    root, outside = places(tmp_path)
    if command in ("compress", "report"):
        shutil.copytree(finished.output, root, dirs_exist_ok=True)
    for make in BESIDE.values():
        make(root, outside)
    ours = {"manifest.json", "report.md", "report.html", "report.json", ".edgekit/written.json"}
    before = {k: v for k, v in snapshot(tmp_path).items() if k.removeprefix("root/") not in ours}
    arguments: dict[str, list[object]] = {
        "compress": [finished.recipe, "-o", root, "--quiet"],
        "convert": [trained.h5, "--format", "float32", "-o", root / "m.tflite"],
        "report": [root],
        "init": [root],
        "benchmark": [tflites["int8"], "--runs", 1, "--launches", 1, "--plot", root / "plot.html"],
        "sensitivity": [trained.h5, "--data", npz, "--kind", "int8_weights", "--samples", 8, "--plot", root / "p.png"],
    }
    for _ in range(1 if command in ("benchmark", "sensitivity") else 2):
        result = cli(command, *arguments[command])
        assert result.code == 0, result.err
        assert kept(before, snapshot(tmp_path))
    assert not list(root.glob(".edgekit/tmp-*"))


@pytest.mark.parametrize("command", ["compress", "demo"])
@pytest.mark.parametrize("kind", IN_THE_WAY)
def test_what_is_in_the_way_is_refused_before_any_training(
    command: str, kind: str, finished: Any, tmp_path: Path, cli: Cli, snapshot: Snapshot
) -> None:
    root, outside = places(tmp_path)
    IN_THE_WAY[kind](root, outside)
    before = snapshot(tmp_path)
    if command == "demo" and "tensorboard" in kind:
        return  # demo writes none
    arguments = [finished.recipe, "-o", root, "--tensorboard"] if command == "compress" else ["-o", root]
    result = cli(command, *arguments)
    assert result.code == 1 and "--overwrite" in result.err and "Traceback" not in result.err
    assert "training" not in result.err and snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "kind", ["a report", "a report that is a link", ".edgekit is the user's", ".edgekit is a link"]
)
def test_report_refuses_what_is_in_the_way(
    kind: str, finished: Any, tmp_path: Path, cli: Cli, snapshot: Snapshot
) -> None:
    root, outside = places(tmp_path)
    shutil.copy(finished.output / "manifest.json", root)
    IN_THE_WAY[kind](root, outside)
    before = snapshot(tmp_path)
    result = cli("report", root)
    assert result.code == 1 and "--overwrite" in result.err and snapshot(tmp_path) == before
    if kind.startswith("a report"):
        assert cli("report", root, "--overwrite").code == 0 and cli("report", root).code == 0
        assert (outside / "file").read_text() == "theirs"


@pytest.mark.parametrize("name", ["m.tflite", "m.tflite.json", "m.tflite.golden.npz"])
@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_convert_refuses_what_is_in_the_way(
    name: str, kind: str, trained: Any, tmp_path: Path, cli: Cli, snapshot: Snapshot
) -> None:
    root, outside = places(tmp_path)
    make = {"file": _file(name), "link": _link(name), "folder": _file(f"{name}/file")}[kind]
    make(root, outside)
    before = snapshot(tmp_path)
    result = cli("convert", trained.h5, "--format", "float32", "-o", root / "m.tflite")
    assert result.code == 1 and "--overwrite" in result.err and snapshot(tmp_path) == before


@pytest.mark.parametrize("command", ["benchmark", "sensitivity"])
def test_plots_refuse_what_is_in_the_way(
    command: str, trained: Any, tflites: dict[str, Path], npz: Path, tmp_path: Path, cli: Cli
) -> None:
    plot = tmp_path / "plot.png"
    plot.write_text("mine")
    arguments = [tflites["int8"]] if command == "benchmark" else [trained.h5, "--data", npz]
    result = cli(command, *arguments, "--plot", plot)
    assert result.code == 1 and "--overwrite" in result.err and plot.read_text() == "mine"


def test_a_shipped_file_that_was_edited_is_kept(finished: Any, tmp_path: Path, cli: Cli) -> None:
    """Of this recipe with an error; of an earlier one by staying when the unchanged ones go."""
    root = tmp_path / "out"
    shutil.copytree(finished.output, root)
    sidecar = root / "models" / "digits_cnn_int8.tflite.json"
    sidecar.write_text(sidecar.read_text() + "\n")
    refused = cli("compress", finished.recipe, "-o", root)
    assert refused.code == 1 and str(sidecar) in refused.err and "done before" not in refused.err
    other = cli("compress", finished.recipe, "-o", root, "--set", "convert=[float32]", "--quiet")
    assert other.code == 0, other.err
    assert {f.name for f in (root / "models").glob("*int8*")} == {sidecar.name}
    assert cli("compress", finished.recipe, "-o", root, "--overwrite", "--quiet").code == 0
    assert not sidecar.read_text().endswith("\n\n") and os.path.getsize(root / "models" / "digits_cnn_int8.tflite")
