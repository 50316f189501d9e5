"""`edgekit.lock`: the same bytes every time, and one clear line for whatever is no lock."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import EdgekitError
from edgekit_converters.android.lock import (
    Accuracy,
    Lock,
    LockedModel,
    lock_model,
    lock_text,
    over_budget,
    read_lock,
    write_lock,
)

ACCURACY = Accuracy(value=0.97, low=0.95, high=0.98, metric="top1")


def record(asset: str = "digits.tflite", **changed: Any) -> LockedModel:
    return lock_model(asset, b"some bytes", **changed)


def test_a_lock_reads_back_and_its_bytes_do_not_depend_on_order(tmp_path: Path) -> None:
    first = record("b/digits.tflite", budget={"model_bytes": 99, "arena_bytes": 7}, accuracy=ACCURACY)
    second = record("a.tflite", recipe="../recipe.yaml", recipe_sha256="0" * 64)
    text = lock_text(Lock(models=(first, second)))
    other = first.model_copy(update={"budget": {"arena_bytes": 7, "model_bytes": 99}})
    assert text == lock_text(Lock(models=(second, other))) and text.endswith("}\n") and "\r" not in text
    write_lock(Lock(models=(first, second)), tmp_path / "edgekit.lock")
    assert (tmp_path / "edgekit.lock").read_text() == text
    lock = read_lock(tmp_path / "edgekit.lock")
    assert lock.models == (second, first) and lock.find("a.tflite") == second and lock.find("b") is None
    assert [path.name for path in tmp_path.iterdir()] == ["edgekit.lock"]


def test_only_the_size_is_told_from_a_file_alone() -> None:
    model = record(budget={"model_bytes": 9, "latency_ms": 0.5})
    assert over_budget(model, 9) is None and over_budget(record(), 10**9) is None
    assert over_budget(model, 10) == "model_bytes 10 is above 9"


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "newer": (lambda lock: lock.update(schema="edgekit.lock/2"), "Update EdgeKit"),
    "another schema": (lambda lock: lock.update(schema="edgekit.compress/2"), "edgekit.compress/2"),
    "no schema": (lambda lock: lock.pop("schema"), "no schema"),
    "unknown key": (lambda lock: lock.update(extra=1), "extra"),
    "windows separator": (lambda lock: lock["models"][0].update(asset="a\\b.tflite"), "Write 'a/b.tflite'"),
    "traversal": (lambda lock: lock["models"][0].update(asset="../b.tflite"), "inside the app's assets folder"),
    "absolute": (lambda lock: lock["models"][0].update(asset="/b.tflite"), "inside the app's assets folder"),
    "drive": (lambda lock: lock["models"][0].update(asset="C:/b.tflite"), "inside the app's assets folder"),
    "empty part": (lambda lock: lock["models"][0].update(asset="a//b.tflite"), "inside the app's assets folder"),
    "no name": (lambda lock: lock["models"][0].update(asset=""), "printable"),
    "escape": (lambda lock: lock["models"][0].update(asset="a\x1b[2J.tflite"), "printable"),
    "long name": (lambda lock: lock["models"][0].update(asset="a" * 401), "printable"),
    "short digest": (lambda lock: lock["models"][0].update(sha256="12"), "models.0.sha256"),
    "no bytes": (lambda lock: lock["models"][0].update(bytes=0), "models.0.bytes"),
    "bytes as text": (lambda lock: lock["models"][0].update(bytes="7"), "models.0.bytes"),
    "budget as text": (lambda lock: lock["models"][0].update(budget={"model_bytes": "9"}), "models.0.budget"),
    "budget below zero": (lambda lock: lock["models"][0].update(budget={"model_bytes": -1}), "models.0.budget"),
    "budget's name": (lambda lock: lock["models"][0].update(budget={"Model Bytes": 1}), "models.0.budget"),
    "recipe from the root": (lambda lock: lock["models"][0].update(recipe="/home/me/r.yaml"), "relative to the lock"),
    "recipe of a drive": (lambda lock: lock["models"][0].update(recipe="C:/r.yaml"), "relative to the lock"),
    "recipe of Windows": (lambda lock: lock["models"][0].update(recipe="..\\r.yaml"), "Write '../r.yaml'"),
    "metric": (lambda lock: lock["models"][0].update(accuracy={"value": 1, "metric": "f1"}), "accuracy.metric"),
    "twice": (lambda lock: lock["models"].append(lock["models"][0]), "two models at 'digits.tflite'"),
    "models as object": (lambda lock: lock.update(models={}), "models"),
    "no models": (lambda lock: lock.pop("models"), "models"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_lock_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    change, said = BROKEN[name]
    content = json.loads(lock_text(Lock(models=(record(),))))
    change(content)
    path = tmp_path / "edgekit.lock"
    path.write_text(json.dumps(content))
    with pytest.raises(EdgekitError) as error:
        read_lock(path)
    assert said in str(error.value) and "\n" not in str(error.value) and "\x1b" not in str(error.value)
    assert error.value.remedy


def test_no_message_shows_a_regular_expression(tmp_path: Path) -> None:
    for change, words in (
        ({"sha256": "00"}, "a sha256 has 64 hexadecimal digits"),
        ({"budget": {"Model Bytes": 1}}, "a figure is called like model_bytes"),
        ({"asset": "..\\\\a.tflite"}, "Write '../a.tflite'"),
    ):
        lock = json.loads(lock_text(Lock(models=(record(),))))
        lock["models"][0].update(change)
        (tmp_path / "edgekit.lock").write_text(json.dumps(lock))
        with pytest.raises(EdgekitError, match=re.escape(words)):
            read_lock(tmp_path / "edgekit.lock")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"schema": "edgekit.lock/1", "schema": 1}', b"[" * 100_000, b"NaN"]
)
def test_what_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "edgekit.lock").write_bytes(content)
    with pytest.raises(EdgekitError, match="A lock must be"):
        read_lock(tmp_path / "edgekit.lock")


def test_a_missing_lock_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(EdgekitError, match="A lock must be a readable file"):
            read_lock(path)
