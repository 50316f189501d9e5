"""What kind a file is, by its first bytes: so that a message can say "this is an ONNX model" instead of "damaged".

Names mislead (a `.tflite` may be a web page that a failed download left), so only contents are looked at. Nothing is
parsed: a few bytes at the start, and for archives the names near both ends, are compared with a table. That is safe on
hostile files and takes the same time for every size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HEAD", "KERAS", "OTHER_ARCHIVE", "TFLITE", "ZIPPED_SAVED_MODEL", "FileKind", "describe_kind", "kind_of"]

HEAD = 64
"""Bytes from the start of a file that tell its kind."""

_ARCHIVE_ENDS = 1 << 16  # bytes of an archive in which the names of its first and last members stand


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Attributes:
        name: With its article: "an ONNX model".
        remedy: What to do with it, as a whole sentence.
    """

    name: str
    remedy: str

    @property
    def explanation(self) -> str:
        """Kind and remedy, as the closing half of an error message."""
        return f"This is {self.name}. {self.remedy}"


def describe_kind(first_bytes: bytes) -> str | None:
    """The kind of a file with its article, such as "an ONNX model"; None where the bytes do not tell.

    Args:
        first_bytes: The start of the file; `HEAD` bytes are enough. Archives are told apart by more of the file: see
            `kind_of`.
    """
    kind = _kind(first_bytes[:HEAD], first_bytes[:HEAD])
    return kind.name if kind else None


def kind_of(source: Path | bytes) -> FileKind | None:
    """The kind of a file or folder, or of a file's bytes; None where it cannot be told or not be read."""
    if isinstance(source, bytes):
        return _kind(source[:HEAD], source[:_ARCHIVE_ENDS] + source[-_ARCHIVE_ENDS:])
    if source.is_dir():
        return (
            _SAVED_MODEL if (source / "saved_model.pb").is_file() else FileKind("a folder", "Give the path of a file.")
        )
    if not source.is_file():  # a pipe or device would block
        return None
    try:
        with source.open("rb") as file:
            start = file.read(_ARCHIVE_ENDS)
            file.seek(max(0, source.stat().st_size - _ARCHIVE_ENDS))
            return _kind(start[:HEAD], start + file.read(_ARCHIVE_ENDS))
    except OSError:
        return None


def _kind(head: bytes, ends: bytes) -> FileKind | None:
    if not head:
        return FileKind("an empty file", "Write or download it again.")
    if not head.strip(b"\0"):
        return FileKind("a file of zero bytes", "Its contents were lost; write or download it again.")
    if head.startswith(b"PK\x03\x04"):
        return next((kind for names, kind in _ARCHIVES if any(name in ends for name in names)), OTHER_ARCHIVE)
    for pattern, kind in _KINDS:
        if re.match(pattern, head, re.DOTALL):
            return kind
    return _text_kind(head)


def _text_kind(head: bytes) -> FileKind | None:
    if any(byte < 32 and byte not in b"\t\n\r\f\v\x1b" or byte == 127 for byte in head):
        return None
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # the last character may be cut
            return None
        text = head[: error.start].decode("utf-8")
    text = text.removeprefix("\ufeff").lstrip()
    return next((kind for pattern, kind in _TEXTS if re.match(pattern, text, re.IGNORECASE)), _TEXT)


_CONVERT = "Make a .tflite of it with: edgekit convert MODEL --format int8 --data SPEC -o OUT.tflite"
_DOWNLOAD = "Download the file itself again."
_UNPACK = "Unpack it and give the model inside."
KERAS = FileKind("a Keras .keras model", _CONVERT)
_KERAS_H5 = FileKind("an HDF5 file, as Keras .h5 models are", _CONVERT)
_SAVED_MODEL = FileKind("a TensorFlow SavedModel", f"{_CONVERT} (MODEL is the folder that holds saved_model.pb).")
_ONNX = FileKind("an ONNX model", "EdgeKit does not read ONNX; make a .tflite or SavedModel of it, with onnx2tf.")
_TORCH = FileKind("a PyTorch file", "EdgeKit does not read PyTorch; make a .tflite of the model, with litert-torch.")
_NUMPY = FileKind("a NumPy array file", "It holds data, not a model; give it as data, not as a model.")
_IMAGE = FileKind("an image", "It holds data, not a model; a folder of images is given as data.")
_PROGRAM = FileKind("a program or library", "Give the model file itself.")
_COMPRESSED = FileKind("a compressed file", _UNPACK)
OTHER_ARCHIVE = FileKind("a zip archive", _UNPACK)
ZIPPED_SAVED_MODEL = FileKind("a zip archive of a SavedModel", _CONVERT)
_TEXT = FileKind("a text file", "Give the model file itself.")
TFLITE = FileKind("a .tflite model", "Commands that read .tflite files take it: inspect, evaluate, benchmark.")
_OLD_TFLITE = FileKind(
    "a .tflite model of an older form than 'TFL3'", "Today's runtimes do not read it; convert the original model again."
)
_C_ARRAY = FileKind(
    "C source text, as a model that was written as an array",
    "Give the .tflite that it was made of; `xxd -r` or a compiler gives it back.",
)
_OTHER_RUNTIME = "Give the .tflite or Keras model that it was made of."

# What the names of an archive's members tell.
_ARCHIVES: tuple[tuple[tuple[bytes, ...], FileKind], ...] = (
    ((b"data.pkl", b"constants.pkl"), _TORCH),
    ((b"model.weights.h5",), KERAS),
    ((b"saved_model.pb",), ZIPPED_SAVED_MODEL),
    ((b".npy",), FileKind("a NumPy .npz archive", _NUMPY.remedy)),
    ((b".tflite",), FileKind("a zip archive that holds a .tflite model", _UNPACK)),
)

# What begins a binary file. A protobuf has no signature: its first fields stand for one. An ONNX model begins with its
# form version (3 or later) and the producer's name, domain, graph or operator sets; a SavedModel with version 1 and its
# graphs; a GraphDef with a node's name.
_KINDS: tuple[tuple[bytes, FileKind], ...] = (
    (rb".{4}TFL3", TFLITE),
    (rb".{4}TFL[012]", _OLD_TFLITE),
    (rb".{4}ET1[0-9]", FileKind("an ExecuTorch program", _OTHER_RUNTIME)),
    (rb".{4}ORTM", FileKind("an ONNX Runtime .ort model", _ONNX.remedy)),
    (rb"\x89HDF\r\n\x1a\n", _KERAS_H5),
    (rb"\x08[\x03-\x1f](\x12.[ -~]|[\x1a\x22\x32].[ -~]|[\x3a\x42])", _ONNX),
    (rb"\x08\x01\x12", _SAVED_MODEL),
    (
        rb"\x0a.{1,2}\x0a.[ -~]+\x12.[A-Z]",
        FileKind("a frozen TensorFlow graph", "Save the model as a SavedModel folder, and convert that."),
    ),
    (rb"\x80[\x02-\x05]\x8a\x0a", _TORCH),
    (rb"\x80[\x02-\x05]", FileKind("a Python pickle", "EdgeKit never loads pickles: they run code.")),
    (rb".{4}\0{4}\{", FileKind("a safetensors file", "It holds weights without a model; load them into a model.")),
    (rb"GGUF|ggml|ggjt", FileKind("a GGUF language model", "EdgeKit does not read it.")),
    (rb"LITERTLM", FileKind("a LiteRT-LM bundle", _UNPACK)),
    (rb"\x93NUMPY", _NUMPY),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0{4}|RIFF.{4}WEBP|II\*\0|MM\0\*", _IMAGE),
    (rb"RIFF.{4}WAVE", FileKind("a sound file", "It holds data, not a model.")),
    (rb"\x7fELF|MZ.{30}|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe|\0asm|!<arch>", _PROGRAM),
    (rb"\x1f\x8b", FileKind("a gzip-compressed file", _UNPACK)),
    (rb"BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!", _COMPRESSED),
    (rb"%PDF", FileKind("a PDF document", "Give the model file itself.")),
)

# What begins a text.
_TEXTS: tuple[tuple[str, FileKind], ...] = (
    (r"version https://git-lfs", FileKind("a Git LFS pointer", "Fetch the file itself with: git lfs pull")),
    (r"<!doctype html|<html|<head", FileKind("a web page", f"The download failed or needs a login. {_DOWNLOAD}")),
    (r"<\?xml|<net", FileKind("an XML file", _OTHER_RUNTIME)),
    (r"[{\[]", FileKind("a JSON file", "Give the model file itself.")),
    (
        r"/[*/]|#\s*(include|ifndef|ifdef|pragma|define)|(alignas|static|const|extern|unsigned)\b|0x[0-9a-f]{2},",
        _C_ARRAY,
    ),
)
