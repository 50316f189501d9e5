"""Files are called what they are, whatever their names say."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgekit.filekinds import HEAD, describe_kind, kind_of


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, bytes(100))
    return stream.getvalue()


def saved(*, npz: bool) -> bytes:
    stream = io.BytesIO()
    if npz:
        np.savez(stream, x=np.zeros(3))
    else:
        np.save(stream, np.zeros(3))
    return stream.getvalue()


SAFETENSORS = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
KINDS: dict[str, tuple[bytes, str]] = {
    "ONNX of pytorch": (b"\x08\x08\x12\x07pytorch\x1a\x051.4.0:\x9e\x03", "an ONNX model"),
    "ONNX without a producer": (b"\x08\x0a:\xa1\x01\x0a\x10\x12\x04relu", "an ONNX model"),
    "ONNX that begins with operator sets": (b"\x08\x07B\x04\x0a\x00\x10\x0d", "an ONNX model"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file, as Keras .h5 models are"),
    "Keras": (zipped("metadata.json", "config.json", "model.weights.h5"), "a Keras .keras model"),
    "zip": (zipped("readme.txt"), "a zip archive"),
    "zip with a model": (zipped("labels.txt", "model.tflite"), "a zip archive that holds a .tflite model"),
    "zip of a SavedModel": (zipped("m/saved_model.pb"), "a zip archive of a SavedModel"),
    "SavedModel": (b"\x08\x01\x12\xa5\x9f\x02\x0a\x90" + bytes(50), "a TensorFlow SavedModel"),
    "GraphDef": (b"\x0a\x2f\x0a\x05input\x12\x0bPlaceholder*\x0b", "a frozen TensorFlow graph"),
    "PyTorch zip": (zipped("archive/data.pkl", "archive/data/0", "archive/version"), "a PyTorch file"),
    "PyTorch pickle": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch file"),
    "pickle": (pickle.dumps([1], protocol=4), "a Python pickle"),
    "safetensors": (struct.pack("<Q", len(SAFETENSORS)) + SAFETENSORS + bytes(4), "a safetensors file"),
    "GGUF": (b"GGUF\x03\0\0\0" + bytes(16), "a GGUF language model"),
    "npy": (saved(npz=False), "a NumPy array file"),
    "npz": (saved(npz=True), "a NumPy .npz archive"),
    "JSON object": (b'\n {"layers": []}', "a JSON file"),
    "JSON list": (b"[1, 2]", "a JSON file"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an image"),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image"),
    "ELF": (Path(sys.executable).resolve().read_bytes()[:256], "a program or library"),
    "gzip": (gzip.compress(b"TFL3"), "a gzip-compressed file"),
    "xz": (b"\xfd7zXZ\0", "a compressed file"),
    "empty": (b"", "an empty file"),
    "zeros": (bytes(4096), "a file of zero bytes"),
    "text": ("Grüße, " .encode() * 20, "a text file"),
    "web page": (b"\n<!DOCTYPE html><html lang='en'>", "a web page"),
    "Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a Git LFS pointer"),
    "C array": (b'#include "model.h"\nalignas(16) const', "C source text, as a model that was written as an array"),
    "xxd": (b"unsigned char model_tflite[] = {\n 0x1c, 0", "C source text, as a model that was written as an array"),
    "licence, then C": (b"/* Copyright 2024 */\nconst", "C source text, as a model that was written as an array"),
    "TFL2": (b"\x18\0\0\0TFL2\0\0", "a .tflite model of an older form than 'TFL3'"),
    "TFL1": (b"\x18\0\0\0TFL1\0\0", "a .tflite model of an older form than 'TFL3'"),
    "TFL3": (b"\x1c\0\0\0TFL3\x14\0", "a .tflite model"),
    "ExecuTorch": (b"\x30\0\0\0ET12\0\0\0\0", "an ExecuTorch program"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str, tmp_path: Path) -> None:
    data, name = KINDS[kind]
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    for source in (data, path):
        shown = kind_of(source)
        assert shown is not None and shown.name == name and shown.remedy.strip().endswith((".", "OUT.tflite", "pull"))
    if not data.startswith(b"PK"):  # the names in an archive stand further on
        assert describe_kind(data[:HEAD]) == name


def test_folders_and_what_is_no_file(tmp_path: Path) -> None:
    folder = kind_of(tmp_path)
    assert folder is not None and folder.name == "a folder"
    (tmp_path / "saved_model.pb").write_bytes(b"")
    model = kind_of(tmp_path)
    assert model is not None and model.name == "a TensorFlow SavedModel"
    assert kind_of(tmp_path / "none") is None and kind_of(Path("/dev/zero")) is None


@pytest.mark.parametrize("data", [b"\x01\x02\x03\x04\x05\x06\x07\x08\x09", bytes(range(128, 250)), b"\xff" * 64])
def test_what_cannot_be_told_is_not_guessed(data: bytes) -> None:
    assert describe_kind(data) is None


def test_a_character_that_the_head_cuts_is_still_text() -> None:
    assert describe_kind(("a" * (HEAD - 1) + "é").encode()) == "a text file"


def test_archives_of_any_size_are_told_from_their_ends(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(20_000):
            archive.writestr(f"{i}", b"")
        archive.writestr("x/saved_model.pb", b"")
    shown = kind_of(path)
    assert shown is not None and shown.name == "a zip archive of a SavedModel"
