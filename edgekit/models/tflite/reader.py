"""Read a `.tflite` file without TensorFlow, verifying it on the way: what comes out here is safe to give to a runtime.

A runtime trusts the file: indices that point nowhere, constants shorter than their shape or operands that nothing
computes make it read foreign memory. Every such index and length is checked here first.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgekit.errors import ModelError
from edgekit.models.tflite._checks import check_graph, fail, in_range
from edgekit.models.tflite._constants import Storage, read_tensor, text, whole_numbers
from edgekit.models.tflite._verify import verify_flatbuffer
from edgekit.models.tflite.model import Operator, Signature, Subgraph, TfliteModel

__all__ = ["read_bytes", "read_tflite"]

_SCHEMA_VERSION = 3
_NOT_OPERATORS = ("DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES")  # made by runtimes and the schema, never by a file


def read_tflite(source: Path | bytes) -> TfliteModel:
    """Read and verify a model.

    Args:
        source: The file, or its bytes.

    Returns:
        The model; its constants are views of the file's bytes.

    Raises:
        ModelError: No such file, not a `.tflite`, damaged, or inconsistent in itself.
    """
    data = source if isinstance(source, bytes) else read_bytes(source)
    verify_flatbuffer(data)
    from ai_edge_litert import schema_py_generated as schema

    try:
        packed = schema.ModelT.InitFromPackedBuf(data)
        return _model(packed, data, schema)
    except (struct.error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The options of operators are the one part that the verifier sees only from outside.
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
        raise ModelError(
            "A .tflite model is one file.",
            received=f"{path} ({'a folder or device' if path.exists() else 'which does not exist'})",
            remedy="Give the path of a .tflite file.",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            "The model file must be readable.", received=f"{path} ({error.strerror})", remedy="Check its permissions."
        ) from error


def _model(packed: Any, data: bytes, schema: Any) -> TfliteModel:
    if packed.version != _SCHEMA_VERSION:
        raise fail(f"Runtimes read schema version {_SCHEMA_VERSION}.", packed.version)
    if not packed.subgraphs:
        raise fail("A model holds at least one subgraph.", 0)
    storage = Storage(packed.buffers or [], data)
    codes = [_code(code, schema) for code in packed.operatorCodes or []]
    subgraphs = tuple(_subgraph(s, index, codes, storage, schema) for index, s in enumerate(packed.subgraphs))
    metadata = {text(m.name): storage.constant(m.buffer) for m in packed.metadata or []}
    runtime = bytes(metadata.get("min_runtime_version", b"")).split(b"\0")[0].decode("ascii", "replace")
    model = TfliteModel(
        subgraphs=subgraphs,
        signatures=tuple(_signature(s, subgraphs) for s in packed.signatureDefs or []),
        metadata=tuple(metadata),
        min_runtime=runtime or None,
        description=text(packed.description),
        bytes=len(data),
    )
    check_graph(model)
    return model


def _code(code: Any, schema: Any) -> tuple[str, int, bool]:
    """Name, version and whether it is custom."""
    number = max(code.deprecatedBuiltinCode, code.builtinCode)  # files before 2020 have only the 8-bit one
    if number == schema.BuiltinOperator.CUSTOM:
        if not code.customCode:
            raise fail("A custom operator has a name.", "none")
        return text(code.customCode), code.version, True
    name = _names(schema.BuiltinOperator).get(number)
    if name is None or name in _NOT_OPERATORS:
        raise ModelError(
            "Every operator is one that the installed schema knows.",
            received=f"operator code {number}",
            remedy="Update ai-edge-litert, or convert the model for an older runtime.",
        )
    return name, code.version, False


def _subgraph(
    packed: Any, index: int, codes: Sequence[tuple[str, int, bool]], storage: Storage, schema: Any
) -> Subgraph:
    dtypes = _names(schema.TensorType)
    tensors = tuple(read_tensor(t, i, storage, dtypes) for i, t in enumerate(packed.tensors or []))
    where = f"subgraph {index}"

    def indices(values: Any, what: str, optional: bool = False) -> tuple[int, ...]:
        found = whole_numbers(values)
        for value in found:
            if not (optional and value == -1):
                in_range(value, len(tensors), f"{what} of {where}")
        return found

    operators = []
    for place, op in enumerate(packed.operators or []):
        in_range(op.opcodeIndex, len(codes), f"the operator code of operator {place} in {where}")
        name, version, custom = codes[op.opcodeIndex]
        operators.append(
            Operator(
                name=name,
                version=version,
                inputs=indices(op.inputs, f"an input of operator {place} ({name})", optional=True),
                outputs=indices(op.outputs, f"an output of operator {place} ({name})"),
                intermediates=indices(op.intermediates, f"an intermediate of operator {place} ({name})", optional=True),
                custom=custom,
                options=_options(op, schema),
                custom_options=_custom_options(op, storage),
            )
        )
    return Subgraph(
        name=text(packed.name),
        tensors=tensors,
        operators=tuple(operators),
        inputs=indices(packed.inputs, "an input"),
        outputs=indices(packed.outputs, "an output"),
    )


def _options(op: Any, schema: Any) -> Mapping[str, object]:
    """The fields of the operator's option table, in the schema's spelling."""
    found: dict[str, object] = {}
    for options in (op.builtinOptions, op.builtinOptions2):
        for key, value in vars(options).items() if options is not None else ():
            found[_snake(key)] = _plain(value)
    for key, kind in (("padding", schema.Padding), ("fused_activation_function", schema.ActivationFunctionType)):
        if isinstance(number := found.get(key), int):
            known = _names(kind)
            if number not in known:
                raise fail(f"The option {key} is one of {', '.join(known.values())}.", number)
            found[key] = known[number]
    return MappingProxyType(found)


def _plain(value: Any) -> object:
    if isinstance(value, bytes):
        return text(value)
    return tuple(value.tolist()) if hasattr(value, "tolist") else value


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _custom_options(op: Any, storage: Storage) -> bytes:
    if op.largeCustomOptionsOffset:
        return bytes(storage.outside(op.largeCustomOptionsOffset, op.largeCustomOptionsSize))
    return b"" if op.customOptions is None else bytes(op.customOptions)


def _signature(packed: Any, subgraphs: Sequence[Subgraph]) -> Signature:
    key = text(packed.signatureKey)
    in_range(packed.subgraphIndex, len(subgraphs), f"the subgraph of signature {key!r}")
    count = len(subgraphs[packed.subgraphIndex].tensors)

    def arguments(maps: Any) -> Mapping[str, int]:
        for entry in maps or []:
            in_range(entry.tensorIndex, count, f"an argument of signature {key!r}")
        return MappingProxyType({text(m.name): m.tensorIndex for m in maps or []})

    return Signature(key, packed.subgraphIndex, arguments(packed.inputs), arguments(packed.outputs))


@functools.cache
def _names(enum: Any) -> dict[int, str]:
    """A schema enumeration as number -> name."""
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}
