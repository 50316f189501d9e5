"""Read a `.tflite` file without TensorFlow, verifying it on the way: what comes out here is safe to give to a runtime.

A runtime trusts the file: indices that point nowhere, constants shorter than their shape or operands that nothing
computes make it read foreign memory. Every such index and length is checked here first. What TFLite or TFLite Micro
runs all the same is read, and stands among the model's warnings.
"""

from __future__ import annotations

import gc
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edgekit import filekinds
from edgekit.errors import ModelError
from edgekit.tflite._checks import Oddities, check_graph, fail, in_range
from edgekit.tflite._constants import Storage, read_tensor, text
from edgekit.tflite._flatbuffer import Row, read_flatbuffer
from edgekit.tflite._options import OptionTables, names_of
from edgekit.tflite.model import Graph, Model, Operator, Signature

__all__ = ["read_bytes", "read"]

_SCHEMA_VERSION = 3
_IDENTIFIER = b"TFL3"
_NOT_OPERATORS = ("DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES")  # made by runtimes and the schema, never by a file
# Custom operators that say where a file runs.
_SPECIAL = {
    "TFLM_DECODE": "Weights are compressed for TFLite Micro's DECODE operator: no other runtime reads them, and they "
    "do not count among the weights here",
    "edgetpu-custom-op": "The file is compiled for Google's Edge TPU; only its driver runs that part",
    "ethos-u": "The file is compiled by Vela; only the driver of an Ethos-U NPU runs that part",
}


def read(source: Path | bytes | Model) -> Model:
    """Read and verify a model.

    Args:
        source: The file, or its bytes. A model that was read comes back as it is.

    Returns:
        The model; its constants are views of the file's bytes.

    Raises:
        ModelError: No such file, not a `.tflite`, damaged, or inconsistent in itself.
    """
    if isinstance(source, Model):
        return source
    data = source if isinstance(source, bytes) else read_bytes(source)
    if data[4:8] != _IDENTIFIER:
        raise _another_kind(data, "" if isinstance(source, bytes) else f"{source}, ")
    try:
        with _without_collector():
            row, aligned = read_flatbuffer(data)
            model = _Reader(data, row, aligned).model()
            return model if isinstance(source, bytes) else replace(model, path=source)
    except (struct.error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The options of operators are the one part that is decoded by other code.
        raise ModelError(
            "Every part of a .tflite file must be readable by the public schema.",
            received=f"{type(error).__name__}: {error}",
            remedy="The file is damaged; convert or download it again.",
        ) from error


def read_bytes(path: Path) -> bytes:
    """The bytes of a model file.

    Raises:
        ModelError: It is no file, or cannot be read.
    """
    if not path.is_file():
        kind = filekinds.kind_of(path)
        raise ModelError(
            "A .tflite model is one file.",
            received=f"{path} ({'a folder or device' if path.exists() else 'which does not exist'})",
            remedy=kind.explanation if kind else "Give the path of a .tflite file.",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            "The model file must be readable.", received=f"{path} ({error.strerror})", remedy="Check its permissions."
        ) from error


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let Python's garbage collector rest: it would look again and again through tables that only grow in number."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _another_kind(data: bytes, where: str) -> ModelError:
    kind = filekinds.kind_of(data)
    return ModelError(
        "A .tflite file carries the identifier 'TFL3' at byte 4.",
        received=where + (kind.name if kind else repr(data[4:8])),
        remedy=kind.explanation if kind else "Give a .tflite file; its kind cannot be told from its first bytes.",
    )


class _Reader:
    """One file on its way from decoded tables to a model."""

    def __init__(self, data: bytes, row: Row, aligned: bool) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._data, self._row, self._schema = data, row, schema
        self._odd = Oddities()
        self._storage = Storage(row["buffers"] or [], data)
        self._codes: list[Row] = row["operator_codes"] or []
        self._known: dict[int, tuple[str, int, bool]] = {}
        self._dtypes = names_of(schema.TensorType)
        self._options = OptionTables(data, schema, self._odd)
        if not aligned:
            self._odd.note("Parts of the file are misaligned, which TFLite refuses and some processors cannot read")

    def model(self) -> Model:
        row, odd = self._row, self._odd
        if row["version"] != _SCHEMA_VERSION:
            odd.note(f"TFLite reads schema version {_SCHEMA_VERSION} only; the file names {row['version']}")
        if not row["subgraphs"]:
            raise fail("A model holds at least one subgraph.", 0)
        graphs = tuple(self._graph(s, index) for index, s in enumerate(row["subgraphs"]))
        metadata = self._metadata()
        runtime = bytes(metadata.get("min_runtime_version", ())[:64]).split(b"\0")[0].decode("ascii", "replace")
        model = Model(
            graphs=graphs,
            signatures=tuple(self._signatures(graphs)),
            metadata=metadata,
            min_runtime=runtime or None,
            description=text(row["description"]),
            content=self._data,
        )
        check_graph(model, odd)
        return replace(model, warnings=odd.sentences())

    def _metadata(self) -> Mapping[str, NDArray[np.uint8]]:
        """The entries by name."""
        entries: dict[str, NDArray[np.uint8]] = {}
        for entry in self._row["metadata"] or []:
            name = text(entry["name"])
            if entry["buffer"] < len(self._storage):
                entries[name] = self._storage.constant(entry["buffer"])
            else:
                self._odd.note("A metadata entry names a buffer that does not exist", repr(name))
        return MappingProxyType(entries)

    def _graph(self, row: Row, index: int) -> Graph:
        where = f"subgraph {index}"
        rows: list[Row] = row["tensors"] or []
        operators = tuple(
            self._operator(op, len(rows), f"operator {place}", where) for place, op in enumerate(row["operators"] or [])
        )
        inputs = _indices(row["inputs"], len(rows), f"an input of {where}")
        outputs = _indices(row["outputs"], len(rows), f"an output of {where}")
        used = {*inputs, *outputs}.union(*({*op.inputs, *op.outputs, *op.intermediates} for op in operators))
        tensors = tuple(
            read_tensor(t, i, self._storage, self._dtypes, used=i in used, odd=self._odd) for i, t in enumerate(rows)
        )
        return Graph(text(row["name"]), tensors, operators, inputs, outputs)

    def _operator(self, row: Row, count: int, place: str, where: str) -> Operator:
        in_range(row["opcode_index"], len(self._codes), f"the operator code of {place} in {where}")
        if row["opcode_index"] not in self._known:
            self._known[row["opcode_index"]] = self._code(self._codes[row["opcode_index"]])
        name, version, custom = self._known[row["opcode_index"]]
        what = f"{place} ({name}) of {where}"
        return Operator(
            name=name,
            version=version,
            inputs=_indices(row["inputs"], count, f"an input of {what}", optional=True),
            outputs=_indices(row["outputs"], count, f"an output of {what}"),
            intermediates=_indices(row["intermediates"], count, f"an intermediate of {what}", optional=True),
            custom=custom,
            options=self._options.of(row, what),
            options_2=self._options.second(row, what),
            custom_options=self._custom_options(row),
        )

    def _code(self, row: Row) -> tuple[str, int, bool]:
        """Name, version and whether it is custom, of an operator code that is used."""
        number = max(row["deprecated_builtin_code"], row["builtin_code"])  # before 2020 only the 8-bit one
        if number == self._schema.BuiltinOperator.CUSTOM:
            if not row["custom_code"]:
                raise fail("A custom operator has a name.", "none")
            name = text(row["custom_code"])
            if name in _SPECIAL:
                self._odd.note(_SPECIAL[name])
            return name, row["version"], True
        name = names_of(self._schema.BuiltinOperator).get(number, f"BUILTIN_{number}")
        if number < 0 or name in _NOT_OPERATORS:
            raise fail("An operator has a code of the schema.", f"operator code {number}")
        if name == f"BUILTIN_{number}":
            self._odd.note(
                "An operator is newer than EdgeKit's schema (update ai-edge-litert)", f"operator code {number}"
            )
        return name, row["version"], False

    def _custom_options(self, row: Row) -> bytes:
        if row["large_custom_options_offset"]:
            return bytes(self._storage.outside(row["large_custom_options_offset"], row["large_custom_options_size"]))
        return b"" if row["custom_options"] is None else bytes(row["custom_options"])

    def _signatures(self, graphs: Sequence[Graph]) -> list[Signature]:
        signatures = []
        for row in self._row["signature_defs"] or []:
            key = text(row["signature_key"])
            if row["subgraph_index"] >= len(graphs):
                self._odd.note("A signature names a subgraph that does not exist", repr(key))
                continue
            count = len(graphs[row["subgraph_index"]].tensors)
            inputs, outputs = (self._arguments(row[side] or [], count, key) for side in ("inputs", "outputs"))
            signatures.append(Signature(key, row["subgraph_index"], inputs, outputs))
        return signatures

    def _arguments(self, rows: Sequence[Row], count: int, key: str) -> Mapping[str, int]:
        arguments = {}
        for row in rows:
            name = text(row["name"])
            if row["tensor_index"] < count:
                arguments[name] = row["tensor_index"]
            else:
                self._odd.note("A signature names a tensor that does not exist", f"{name!r} of {key!r}")
        return MappingProxyType(arguments)


def _indices(values: tuple[int, ...] | None, count: int, what: str, optional: bool = False) -> tuple[int, ...]:
    for value in values or ():
        if not 0 <= value < count and not (optional and value == -1):
            in_range(value, count, what)
    return values or ()
