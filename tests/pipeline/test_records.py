"""Damaged and foreign manifests give one clear error; damaged step records are steps that are not done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import EdgekitError
from edgekit.pipeline import read_manifest
from edgekit.pipeline.measured import is_whole
from edgekit.pipeline.store import open_store
from edgekit.training.history import thinned

Cli = Callable[..., Any]

FILES: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"{",
    "binary": bytes(range(256)),
    "UTF-16": "{}".encode("utf-16"),
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 500 + b"1" + b"}" * 500,
    "huge number": b'{"schema": ' + b"9" * 5000 + b"}",
    "doubled key": b'{"schema": "edgekit.compress/3", "schema": "edgekit.compress/3"}',
    "large": b'{"schema": "' + b"x" * (17 << 20) + b'"}',
}


def refused(path: Path, cli: Cli) -> str:
    result = cli("report", path.parent)
    assert result.code == 1 and result.err.startswith("Error: ") and "Traceback" not in result.err
    assert "unexpected error" not in result.err and len(result.err) < 1500, result.err
    assert [f.name for f in path.parent.iterdir()] in ([], ["manifest.json"]), "nothing is written"
    return str(result.err)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_no_manifest(kind: str, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "manifest.json").write_bytes(FILES[kind])
    assert "edgekit.compress/3" in refused(tmp_path / "manifest.json", cli)


@pytest.mark.parametrize("kind", ["folder", "fifo", "absent", "dangling"])
def test_what_is_no_file(kind: str, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "manifest.json"
    {
        "folder": lambda: path.mkdir(),
        "fifo": lambda: os.mkfifo(path),
        "absent": lambda: None,
        "dangling": lambda: path.symlink_to("nowhere"),
    }[kind]()
    refused(path, cli)


def damaged(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The manifest with each key, at the top and in a first record, missing, unknown and of each wrong kind."""
    wrong = [None, "", "x" * 200_000, -1, 1.5, float("nan"), float("inf"), 2**80, True, [], {}, [[[]]], [1], {"a": 1}]
    for spot in ("", "steps", "models", "artifacts", "budget", "environment", "trivial"):
        for key in [*(content[spot][0] if isinstance(content.get(spot), list) else content.get(spot, content))]:
            for number, value in enumerate([KeyError, *wrong]):
                copy = deepcopy(content)
                inner = copy[spot] if spot else copy
                inner = inner[0] if isinstance(inner, list) else inner
                if value == inner[key] and type(value) is type(inner[key]):
                    continue  # not a damage
                if value is KeyError:
                    del inner[key]
                else:
                    inner[key] = value
                yield f"{spot}.{key} {number}", copy
    for path in ("/etc/passwd", "../../victim", "models/../../x", "", ".", "a\0b", "a\x1b[2J"):
        for spot in ("models", "artifacts"):
            copy = deepcopy(content)
            copy[spot][0]["path"] = copy["selected"] = path
            yield f"{spot} path {path!r}", copy
    for schema in ("edgekit.compress/99", "edgekit.compress/1", "", "mine"):
        yield f"schema {schema}", {**content, "schema": schema}
    yield "unknown key", {**content, "more": 1}


def test_every_field_is_checked(finished: Any, tmp_path: Path) -> None:
    """Each damage is refused with one error, or leaves a manifest of which a report can be made."""
    from edgekit.report.page import html
    from edgekit.report.text import markdown

    content = json.loads((finished.output / "manifest.json").read_text())
    taken = []
    for name, broken in damaged(content):
        (tmp_path / "manifest.json").write_text(json.dumps(broken))
        try:
            manifest = read_manifest(tmp_path)
        except EdgekitError as error:
            assert "edgekit.compress/3" in str(error) and len(str(error)) < 1200, name
            continue
        markdown(manifest)
        if "environment" in name or "budget" in name:
            html(manifest)
        taken.append(name)
    assert not [name for name in taken if "path" in name or "schema" in name or "unknown" in name]
    known = {name.split()[0].lstrip(".").split(".")[0] for name in taken}
    assert known <= {"steps", "models", "artifacts", "environment", "output", "store", "samples", "recipe"}, taken
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    assert read_manifest(tmp_path).selected == finished.manifest.selected


def _other_metric(content: dict[str, Any]) -> None:
    content["steps"][1] |= {"metric": "mse", "accuracy": 0.1, "answers": {"samples": 1, "bins": [[0, 1]]}}


def _other_classes(content: dict[str, Any]) -> None:
    content["steps"][0]["answers"]["classes"] = 300_000


@pytest.mark.parametrize("spoil", [_other_metric, _other_classes])
def test_steps_that_cannot_stand_side_by_side(
    spoil: Callable[[dict[str, Any]], None], finished: Any, tmp_path: Path
) -> None:
    content = json.loads((finished.output / "manifest.json").read_text())
    spoil(content)
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(EdgekitError, match="steps"):
        read_manifest(tmp_path)


def test_a_damaged_step_record_is_a_step_that_is_not_done(tmp_path: Path, said: list[str]) -> None:
    key = "0123456789abcdef"
    with open_store(tmp_path) as store:
        with store.writing("a step", key) as (_, record):
            record["value"] = 1
        folder = store.folder("a step", key)
        good = json.loads((folder / "step.json").read_text())
        assert good == {"schema": "edgekit.step/4", "key": key, "value": 1}
        others = [json.dumps({**good, "schema": s}).encode() for s in ("edgekit.step/99", "", None, 1, [])]
        for content in (*FILES.values(), *others, json.dumps({"key": key, "value": 1}).encode()):
            said.clear()
            (folder / "step.json").write_bytes(content)
            assert store.find("a step", key) is None and len(said) == 1 and str(folder) in said[0]
        (folder / "step.json").unlink()
        (folder / "step.json").mkdir()
        assert store.find("a step", key) is None


@pytest.mark.parametrize(
    ("schema", "why"),
    [("edgekit.step/1", "another version"), ("edgekit.step/99", "another version"), ("mine", "damaged or gone"),
     (None, "damaged or gone")],
)  # fmt: skip
def test_why_a_step_is_made_again(schema: object, why: str, tmp_path: Path, said: list[str]) -> None:
    with open_store(tmp_path) as store:
        with store.writing("a step", "0" * 16):
            pass
        file = store.folder("a step", "0" * 16) / "step.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "schema": schema}))
        assert store.find("a step", "0" * 16) is None and why in said[0]


def test_a_step_that_was_damaged_since_it_was_found_is_made_beside_it(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        for _ in range(2):
            with store.writing("a step", "0" * 16):
                pass
            folder = store.folder("a step", "0" * 16)
            assert store.find("a step", "0" * 16) == {}
            (folder / "step.json").unlink()
            assert store.find("a step", "0" * 16) is None
            assert not store.folder("a step", "0" * 16).exists()


def test_a_record_of_very_many_epochs_is_read_again(tmp_path: Path) -> None:
    training = thinned({f"fit {n}": dict.fromkeys(("loss", "val_loss"), [1 / 3] * 40_000) for n in range(9)})
    with open_store(tmp_path) as store:
        with store.writing("a step", "0" * 16) as (_, record):
            record["training"] = training
        assert store.find("a step", "0" * 16) == {"training": training}


FREE = (("metric", "x"), ("name", "x"))


def test_every_field_of_a_step_record_is_checked(finished: Any) -> None:
    for folder in finished.output.glob("steps/[bcqs]*"):
        record = json.loads((folder / "step.json").read_text())
        for name in ("schema", "key"):
            del record[name]
        assert is_whole(folder, record)
        for field in record.keys() - {"keras_parent"}:
            for value in (KeyError, [], {"a": 1}, "x"):
                broken = {k: v for k, v in record.items() if k != field} | ({} if value is KeyError else {field: value})
                assert not is_whole(folder, broken) or (field, value) in FREE, (folder.name, field, value)
