"""What is no `.tflite` is called what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit import tflite
from edgekit.errors import ModelError


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x18\0\0\0TFL3", b"not a model at all, but text", bytes(4096)])
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        tflite.read(path)


OTHER_KINDS = {
    b"\x08\x08\x12\x07pytorch\x1a\x051.4.0:\x9e\x03": "This is an ONNX model.",
    b"\x89HDF\r\n\x1a\n" + bytes(99): "edgekit convert",
    b"<!DOCTYPE html><html>": "This is a web page. The download failed",
    b"\x18\0\0\0TFL2" + bytes(40): "older form than 'TFL3'",
    b"": "This is an empty file.",
    b"GGUF" + bytes(40): "This is a GGUF language model.",
}


@pytest.mark.parametrize("content", OTHER_KINDS, ids=list(OTHER_KINDS.values()))
def test_other_kinds_are_called_what_they_are(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        tflite.read(path)
    message = str(caught.value)
    assert OTHER_KINDS[content] in message and str(path) in message and "damaged" not in message


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        tflite.read(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="folder"):
        tflite.read(tmp_path)
    with pytest.raises(ModelError):
        tflite.read(Path("/dev/zero"))
