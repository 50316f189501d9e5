"""A pack for Play's AI delivery: the model as it is, a lock of it, and a build file for each way of delivery."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit.errors import EdgekitError
from edgekit_converters.android.lock import read_lock
from edgekit_converters.exporters import ai_pack


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "größe $x.tflite"
    path.write_bytes(packed(dense_model()))
    return path


@pytest.mark.parametrize("delivery", ["install-time", "fast-follow", "on-demand"])
def test_the_pack_holds_the_model_its_lock_and_the_way_of_delivery(delivery: str, model: Path, tmp_path: Path) -> None:
    edgekit.export(model, {"ai_pack": {"name": "digits", "delivery": delivery}}, tmp_path / "pack")
    shipped = tmp_path / "pack" / "src" / "main" / "assets" / "digits.tflite"
    assert shipped.read_bytes() == model.read_bytes()
    (locked,) = read_lock(tmp_path / "pack" / "edgekit.lock").models
    assert (locked.asset, locked.sha256) == ("digits.tflite", hashlib.sha256(model.read_bytes()).hexdigest())
    build = (tmp_path / "pack" / "build.gradle.kts").read_text()
    assert 'packName = "digits"' in build and f'deliveryType = "{delivery}"' in build
    readme = (tmp_path / "pack" / "README.md").read_text()
    assert ("AiPackManagerFactory" in readme) == ("ai-delivery" in readme) == (delivery != "install-time")


def test_a_pack_under_another_name_takes_the_place_of_the_one_before(model: Path, tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        edgekit.export(model, {"ai_pack": {"name": name}}, tmp_path / "pack")
    assert [p.name for p in (tmp_path / "pack").rglob("*.tflite")] == ["dogs.tflite"]


def test_what_play_does_not_take_is_refused(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ai_pack, "LARGEST", 100)
    with pytest.raises(EdgekitError, match="at most 100 bytes"):
        edgekit.export(model, "ai_pack", tmp_path / "pack")
    for options, words in (
        ({"name": "Digits"}, "a name is a lower-case letter, then"),
        ({"name": "a-b"}, "a name is a lower-case letter, then"),
        ({"name": "a" * 41}, "a name is a lower-case letter, then"),
        ({"name": "base"}, "base is what a bundle calls the app itself"),
        ({"delivery": "later"}, "delivery"),
    ):
        with pytest.raises(EdgekitError, match=words):
            edgekit.export(model, {"ai_pack": options}, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()
