"""Metadata of a foreign `.tflite`: verified like the model itself, and never believed about sizes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import TypeVar

from edgekit.errors import ModelError
from edgekit.tflite._flatbuffer import Row, read_flatbuffer
from edgekit.tflite._layout import layouts
from edgekit.tflite.metadata.encoding import IDENTIFIER
from edgekit.tflite.metadata.model import (
    COLORS,
    KINDS,
    AssociatedFile,
    Image,
    Metadata,
    Normalization,
    TensorDescription,
)
from edgekit.tflite.model import Model
from edgekit.zips import END, read_end, read_member

__all__ = ["ENTRY", "archive_start", "associated_files", "read_metadata"]

ENTRY = "TFLITE_METADATA"
"""Name of the metadata entry that the flatbuffer lies in."""
MOST_FILES = 1000
_IMAGE, _NORMALIZATION = 2, 1  # tags of the unions ContentProperties and ProcessUnitOptions

_LAYOUTS = layouts(
    {
        "ModelMetadata": "name:string description:string version:string subgraph_metadata:[SubGraphMetadata] _:string "
        "_:string _:[AssociatedFile] min_parser_version:string",
        "SubGraphMetadata": "name:string description:string inputs:[TensorMetadata] outputs:[TensorMetadata]",
        "TensorMetadata": "name:string description:string _ content:Content process_units:[ProcessUnit] stats:Stats "
        "files:[AssociatedFile]",
        "Content": "type:B properties:Properties|ImageProperties|Properties|Properties",
        "Properties": "",
        "ImageProperties": "color:B",
        "ProcessUnit": "type:B options:NormalizationOptions",
        "NormalizationOptions": "mean:f* std:f*",
        "Stats": "high:f* low:f*",
        "AssociatedFile": "name:string description:string kind:b",
    }
)

Item = TypeVar("Item")


def read_metadata(model: Model) -> Metadata | None:
    """What a model says of itself; None where it says nothing.

    Raises:
        ModelError: The metadata or the archive behind the model is damaged.
    """
    if ENTRY not in model.metadata:
        return None
    content = model.metadata[ENTRY].tobytes()
    if content[4:8] != IDENTIFIER:
        raise ModelError(
            "TFLite metadata carries the identifier 'M001'.",
            received=repr(content[4:8]),
            remedy="Describe the model again, or remove the entry.",
        )
    row, _ = read_flatbuffer(content, "ModelMetadata", _LAYOUTS)
    graph = next(iter(row["subgraph_metadata"] or []), None)
    return Metadata(
        _text(row["name"]),
        _text(row["description"]),
        _text(row["version"]),
        _text(row["min_parser_version"]),
        _each(graph["inputs"] if graph else None, _tensor),
        _each(graph["outputs"] if graph else None, _tensor),
        {info.filename: info.file_size for info in _archive(model.content).infolist()} if _ends(model) else {},
    )


def associated_files(model: Model, most: int) -> dict[str, bytes]:
    """The files behind the model by name, each of at most `most` bytes.

    Raises:
        ModelError: One is longer, or the archive is damaged.
    """
    if not _ends(model):
        return {}
    archive = _archive(model.content)
    try:
        return {info.filename: read_member(archive, info, most) for info in archive.infolist()}
    except Exception as error:  # of many kinds, from zipfile, zlib, lzma and bz2
        raise _damaged(str(error)[:200]) from None


def archive_start(content: bytes) -> int:
    """Where the archive behind the model begins: the end of the content where there is none."""
    if END not in content[-(1 << 16) :]:
        return len(content)
    infos = _archive(content).infolist()
    return min((info.header_offset for info in infos), default=len(content))


def _ends(model: Model) -> bool:
    return END in model.content[-(1 << 16) :]


def _archive(content: bytes) -> zipfile.ZipFile:
    stream = io.BytesIO(content)
    try:
        end = read_end(stream)
        if end.entries > MOST_FILES:
            raise ValueError(f"{end.entries:,} files")
        return zipfile.ZipFile(stream)
    except (ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise _damaged(str(error)[:200]) from None


def _damaged(received: str) -> ModelError:
    return ModelError(
        "Files behind a model are a whole zip archive of bounded size.",
        received=received,
        remedy="Describe the model again, or take the archive away.",
    )


def _tensor(row: Row) -> TensorDescription:
    content, stats = row["content"], row["stats"]
    units = [unit["options"] for unit in row["process_units"] or [] if unit["type"] == _NORMALIZATION]
    done = next((unit for unit in units if unit is not None), None)
    image = content["properties"] if content is not None and content["type"] == _IMAGE else None
    return TensorDescription(
        _text(row["name"]),
        Image(_name(COLORS, image["color"])) if image is not None else None,
        Normalization(done["mean"] or (), done["std"] or ()) if done is not None else None,
        (stats["low"] or ()) if stats is not None else (),
        (stats["high"] or ()) if stats is not None else (),
        _each(row["files"], lambda file: AssociatedFile(_text(file["name"]), _name(KINDS, file["kind"]))),
    )


def _each(rows: Sequence[Row] | None, read: Callable[[Row], Item]) -> tuple[Item, ...]:
    return tuple(read(row) for row in rows or ())


def _name(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else names[0]


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
