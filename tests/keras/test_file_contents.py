"""What a model file is, its content says and never its name: for loading, with and without `unsafe`, and converting."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras import Loading, load_model
from edgekit.keras.files.archives import unpack_saved_model
from edgekit.measure.predict import predict


def packed(folder: Path, path: Path, inside: str = "", more: Mapping[str, bytes] | None = None) -> Path:
    """A zip archive of a folder, as people make them: with the folder's own name in it, or without."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{inside}{file.relative_to(folder)}")
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """A folder with the same model in every form, its input and its output."""
    folder, k = tmp_path_factory.mktemp("saved"), _tf.tf_keras()
    model = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(2)])
    model.save(folder / "hdf5.h5")
    model.save(folder / "archive.keras")
    model.save(folder / "folder", save_format="tf")
    packed(folder / "folder", folder / "root.zip")
    packed(folder / "folder", folder / "inner.zip", "my_model/", {"__MACOSX/my_model/._saved_model.pb": b"x"})
    x = np.random.default_rng(0).random((5, 3)).astype(np.float32)
    return folder, x, model(x).numpy()


CONTENTS = ["hdf5.h5", "archive.keras", "root.zip", "inner.zip"]
NAMES = ["m.keras", "m.h5", "m.hdf5", "m.zip", "m.model", "m"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", CONTENTS)
def test_any_name_loads(content: str, name: str, saved: tuple[Path, Any, Any], tmp_path: Path) -> None:
    folder, x, outputs = saved
    shutil.copy(folder / content, tmp_path / name)
    np.testing.assert_allclose(load_model(tmp_path / name)(x), outputs, atol=1e-6)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m"])
@pytest.mark.parametrize("content", CONTENTS)
def test_any_name_loads_with_unsafe(content: str, name: str, saved: tuple[Path, Any, Any], tmp_path: Path) -> None:
    folder, x, outputs = saved
    shutil.copy(folder / content, tmp_path / name)
    np.testing.assert_allclose(load_model(tmp_path / name, Loading(unsafe=True))(x), outputs, atol=1e-6)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m"])
@pytest.mark.parametrize("content", CONTENTS)
def test_any_name_converts(
    content: str, name: str, saved: tuple[Path, Any, Any], cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, x, outputs = saved
    shutil.copy(folder / content, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    result = cli("convert", name, "--format", "float32")
    assert result.code == 0, result.err
    np.testing.assert_allclose(predict(tmp_path / "m_float32.tflite", x), outputs, atol=1e-5)


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m", "m.tflite"])
def test_what_is_converted_already(name: str, saved: tuple[Path, Any, Any], cli: Any, tmp_path: Path) -> None:
    edgekit.convert(saved[0] / "hdf5.h5", tmp_path / "first.tflite", format="float32")
    shutil.copy(tmp_path / "first.tflite", tmp_path / name)
    result = cli("convert", tmp_path / name, "--format", "float32", "-o", tmp_path / "o.tflite")
    assert result.code == 1 and not (tmp_path / "o.tflite").exists()
    assert "converted already" in result.err and "edgekit evaluate, benchmark or inspect" in result.err
    for loading in (Loading(), Loading(unsafe=True)):
        with pytest.raises(ModelError, match="converted already"):
            load_model(tmp_path / name, loading)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.onnx", b"\x08\x07\x12\x07pytorch" + bytes(40), "an ONNX model. EdgeKit does not read ONNX"),
        ("m", b"GGUF" + bytes(60), "a GGUF language model"),
        ("m.keras", b"<html><head>" + b"x" * 60, "a web page.*Download the file itself again"),
        ("m", bytes(range(200, 256)) * 2, "complete Keras model.*no kind of model"),
    ],
)
def test_other_kinds_are_called_what_they_are(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        load_model(tmp_path / name)


def _link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("variables/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(info, "/etc/passwd")


def _many(archive: zipfile.ZipFile) -> None:
    for number in range(10_001):
        archive.writestr(f"assets/{number}", b"")


GRAPH = b"\x08\x01\x12\x00"
HOSTILE: dict[str, tuple[Callable[[zipfile.ZipFile], None] | dict[str, bytes], str]] = {
    "upwards": ({"saved_model.pb": GRAPH, "../evil": b"x"}, "lie in its own folders"),
    "upwards inside": ({"m/saved_model.pb": GRAPH, "m/../../evil": b"x"}, "lie in its own folders"),
    "upwards with backslashes": ({"saved_model.pb": GRAPH, "..\\evil": b"x"}, "lie in its own folders"),
    "absolute": ({"saved_model.pb": GRAPH, "/tmp/evil": b"x"}, "lie in its own folders"),
    "two for one place": ({"saved_model.pb": GRAPH, "variables/a": b"x", "variables\\a": b"y"}, "one member of each"),
    "a file and a folder": ({"saved_model.pb": GRAPH, "variables": b"x", "variables/a": b"y"}, "complete zip archive"),
    "zeros that unpack to 200 MB": ({"saved_model.pb": GRAPH, "variables/a": bytes(200 << 20)}, "20 times the bytes"),
    "zeros beside the model": ({"m/saved_model.pb": GRAPH, "other": bytes(200 << 20)}, "20 times the bytes"),
    "two models": ({"a/saved_model.pb": GRAPH, "b/saved_model.pb": GRAPH}, "in 2 folders"),
    "deep": ({"a/b/saved_model.pb": GRAPH}, "at its root or in its only folder"),
    "none": ({"a/my_saved_model.pb": GRAPH}, "without it"),
    "many": (_many, "one member of each name"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_archives_are_checked_before_they_are_unpacked(kind: str, tmp_path: Path) -> None:
    content, message = HOSTILE[kind]
    path, folder = tmp_path / "m.zip", tmp_path / "unpacked"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if callable(content):
            content(archive)
            content = {"saved_model.pb": GRAPH}
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(ModelError, match=message):
        load_model(path)
    with pytest.raises(ModelError, match=message):
        unpack_saved_model(path, folder, "m.zip")
    assert {file.name for file in tmp_path.iterdir()} <= {"m.zip", "unpacked"}
    assert sum(file.stat().st_size for file in tmp_path.rglob("*")) < 64 << 20


def test_links_in_archives_are_plain_files(tmp_path: Path) -> None:
    path = tmp_path / "m.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("saved_model.pb", GRAPH)
        _link(archive)
    root = unpack_saved_model(path, tmp_path / "unpacked", "m.zip")
    assert (root / "variables" / "link").read_text() == "/etc/passwd"
    assert not any(file.is_symlink() for file in root.rglob("*"))


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_damaged_archives(share: float, saved: tuple[Path, Any, Any], tmp_path: Path) -> None:
    whole = (saved[0] / "inner.zip").read_bytes()
    (tmp_path / "m.zip").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match="m.zip.*damaged or truncated"):
        load_model(tmp_path / "m.zip")


def test_messages_name_the_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("model/saved_model.pb", b"nonsense")
    with pytest.raises(ModelError, match=rf"complete SavedModel. Received: {tmp_path}/m.zip "):
        load_model(tmp_path / "m.zip")
