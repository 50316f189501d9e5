"""The tables of a `.tflite` flatbuffer that EdgeKit visits, in the order of the public schema (schema.fbs)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

__all__ = ["LAYOUT", "OPAQUE", "Field", "Layout", "layouts"]


@dataclass(frozen=True)
class Field:
    """A field of a table.

    Attributes:
        name: Its name in the decoded table.
        kind: "scalar", "string", "numbers" (a vector as a tuple), "array" (a vector as a numpy view), "table",
            "tables", or "union", whose tag is the slot before.
        form: Code in `struct` of a scalar or of a vector's elements.
        size: Bytes of one of them.
        tables: Names of the tables that follow: one, or those of a union from tag 1 on, "" for one that is not decoded.
    """

    name: str
    kind: str
    form: str = ""
    size: int = 4
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A table: its name, its fields by slot (None for what is skipped), and what those that a file leaves out are."""

    name: str
    fields: tuple[Field | None, ...]
    defaults: dict[str, Any]


# One line a table: the fields by slot, as name:kind. A kind is a `struct` code (with =default where that is not 0), a
# vector of such codes ("i*" a tuple, "i+" an array), "string", "Table", "[Table]", or "A|B|C" for a union of tables;
# "_" is a slot that is not decoded. Options of operators are decoded by the schema's own classes; what stands of them
# here is checked only: every string and vector that they name, so that those classes read nothing else.
_TABLES = {
    "Model": "version:I operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string buffers:[Buffer] "
    "metadata_buffer:i+ metadata:[Metadata] signature_defs:[SignatureDef] "
    "external_buffer_groups:[ExternalBufferGroup] external_buffers:[ExternalBuffer]",
    "OperatorCode": "deprecated_builtin_code:b custom_code:string version:i=1 builtin_code:i",
    "SubGraph": "tensors:[Tensor] inputs:i* outputs:i* operators:[Operator] name:string debug_metadata_index:i",
    "Tensor": "shape:i* type:b buffer:I name:string quantization:Quantization is_variable:B sparsity:Sparsity "
    "shape_signature:i* has_rank:B variant_tensors:[VariantSubType] external_buffer:I",
    "Quantization": "min:f+ max:f+ scale:f* zero_point:q* details_type:B "
    "details:CustomQuantization|BlockwiseQuantization quantized_dimension:i",
    "CustomQuantization": "custom:B+",
    "BlockwiseQuantization": "scales:i zero_points:i block_size:i _:i+",
    "Sparsity": "traversal_order:i* block_map:i* dim_metadata:[Dimension]",
    "Dimension": "format:b dense_size:i segments_type:B segments:Int32Vector|Uint16Vector|Uint8Vector "
    "indices_type:B indices:Int32Vector|Uint16Vector|Uint8Vector",
    "Int32Vector": "values:i+",
    "Uint16Vector": "values:H+",
    "Uint8Vector": "values:B+",
    "VariantSubType": "shape:i+ type:b has_rank:B",
    "Operator": "opcode_index:I inputs:i* outputs:i* builtin_options_type:B builtin_options:{1} custom_options:B+ "
    "custom_options_format:b mutating_variable_inputs:B+ intermediates:i* large_custom_options_offset:Q "
    "large_custom_options_size:Q builtin_options_2_type:B builtin_options_2:{2} debug_metadata_index:i",
    "Buffer": "data:B+ offset:Q size:Q",
    "Metadata": "name:string buffer:I",
    "SignatureDef": "inputs:[TensorMap] outputs:[TensorMap] signature_key:string _ subgraph_index:I",
    "ExternalBufferGroup": "name:string",
    "ExternalBuffer": "id:I group:I offset:Q length:Q packing:string",
    "TensorMap": "name:string tensor_index:I",
}
_OPTIONS = {  # by tag
    3: "_ _:i+ _:i+",  # ConcatEmbeddings
    8: "_ _ _ _ _ _:B+",  # FullyConnected
    17: "_:i+",  # Reshape
    30: "_:i+",  # Squeeze
    111: "_:string _:string",  # VarHandle
    115: "_:f+",  # Bucketize
}
_OPTIONS_2 = {
    2: "_:q+",  # StablehloBroadcastInDim
    3: "_:q+ _:q+ _:q+",  # StablehloSlice
    4: "_:q+ _:q+ _:q+ _:q+ _:B+ _ _ _:q+ _ _ _:q+ _ _ _:q+ _ _ _:I+",  # StablehloConvolution
    5: "_:string _ _:string _ _:i+ _:B+",  # StablehloCustomCall
    6: "_:q+",  # StablehloReduce
    7: "_ _:q+ _:q+ _:q+",  # StablehloScatter
    9: "_:q+",  # StablehloDynamicSlice
    10: "_:q+ _:q+ _:q+",  # StablehloPad
    12: "_:q+ _:q+ _:q+ _:q+ _:I+",  # StablehloDotGeneral
    13: "_:q+ _:q+ _:q+ _:q+ _:q+",  # StablehloReduceWindow
    16: "_:q+ _:q+ _:q+ _ _:q+",  # StablehloGather
    17: "_:q+",  # StablehloTranspose
    21: "_:string _ _:B+",  # StableHLOComposite
    23: "_:i+",  # StablehloCase
}


def layouts(lines: dict[str, str]) -> dict[str, Layout]:
    """Tables by name, from a line each."""
    return {name: _layout(name, line) for name, line in lines.items()}


def _layouts() -> dict[str, Layout]:
    lines = dict(_TABLES)
    unions = []
    for prefix, options in (("Options", _OPTIONS), ("Options2.", _OPTIONS_2)):
        lines |= {f"{prefix}{tag}": line for tag, line in options.items()}
        unions.append("|".join(f"{prefix}{tag}" if tag in options else "" for tag in range(1, max(options) + 1)))
    lines["Operator"] = lines["Operator"].replace("{1}", unions[0]).replace("{2}", unions[1])
    return layouts(lines)


def _layout(name: str, line: str) -> Layout:
    defaults: dict[str, Any] = {}
    fields = []
    for word in line.split(" "):
        field, default = _field(word)
        fields.append(field)
        if field is not None and field.name != "_":
            defaults[field.name] = default
    return Layout(name, tuple(fields), defaults)


def _field(word: str) -> tuple[Field | None, Any]:
    name, _, kind = word.partition(":")
    kind, _, default = kind.partition("=")
    if not kind:
        return None, None
    if kind == "string":
        return Field(name, "string", size=1), None
    if kind[-1] in "*+":
        return Field(name, "numbers" if kind[-1] == "*" else "array", kind[0], struct.calcsize(kind[0])), None
    if len(kind) == 1:
        return Field(name, "scalar", kind, struct.calcsize(kind)), int(default or 0)
    if "|" in kind:
        return Field(name, "union", tables=tuple(kind.split("|"))), None
    return Field(name, "tables" if kind[0] == "[" else "table", tables=(kind.strip("[]"),)), None


OPAQUE = Layout("", (), {})
"""A table of which only the frame is checked."""

LAYOUT = _layouts()
