"""The text of the sources that hold a model: its bytes with what is known of it, and a resolver of its operators."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from edgekit import __version__
from edgekit.tensors import TensorSpec
from edgekit_converters.exporters import Source
from edgekit_converters.tflm.operators import adding, used

__all__ = ["data_header", "data_source", "heading", "operators_header", "rows"]

_PER_LINE = 16


def data_header(name: str, source: Source, labels: Sequence[str], arena_margin: int) -> str:
    """`NAME_data.h`: sizes, shapes, scales, zero points and labels as constants; C and C++ read it.

    Args:
        name: Prefix of all symbols.
        source: The model and what is known of it.
        labels: Names of its classes.
        arena_margin: Bytes beyond the measured arena.
    """
    graph, up = source.model.graphs[0], name.upper()
    lines = [
        *heading(source),
        f"#ifndef {up}_DATA_H_",
        f"#define {up}_DATA_H_",
        "",
        f"#define {up}_MODEL_BYTES {len(source.model.content)}",
        f'#define {up}_MODEL_SHA256 "{source.model.sha256}"',
        *_arena(up, source.figures.get("arena_bytes"), arena_margin),
    ]
    for side, indices in (("INPUT", graph.inputs), ("OUTPUT", graph.outputs)):
        lines += ["", f"#define {up}_{side}S {len(indices)}"]
        for number, index in enumerate(indices):
            lines += _tensor(f"{up}_{side}_{number}", graph.tensors[index].spec)
    lines += ["", f"#define {up}_LABELS {len(labels)}"] if labels else []
    lines += [
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        f"extern const unsigned char {name}_data[{up}_MODEL_BYTES]; /* the .tflite, aligned to 16 bytes */",
        *([f"extern const char *const {name}_labels[{up}_LABELS];"] if labels else []),
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        f"#endif /* {up}_DATA_H_ */",
    ]
    return "\n".join(lines) + "\n"


def data_source(name: str, source: Source, labels: Sequence[str]) -> str:
    """`NAME_data.cc`: the bytes of the `.tflite`, aligned as the interpreter asks, and the labels."""
    up = name.upper()
    lines = [
        *heading(source),
        f'#include "{name}_data.h"',
        "",
        f"alignas(16) const unsigned char {name}_data[{up}_MODEL_BYTES] = {{",
        *rows(source.model.content),
        "};",
    ]
    if labels:
        texts = (f"    {_text(label)}," for label in labels)
        lines += ["", f"const char *const {name}_labels[{up}_LABELS] = {{", *texts, "};"]
    return "\n".join(lines) + "\n"


def operators_header(name: str, source: Source) -> str:
    """`NAME_ops.h`: a resolver with exactly the operators that the model holds."""
    operators, up = used(source.model), name.upper()
    adds = [f"  if (resolver.{adding(operator)}() != kTfLiteOk) return kTfLiteError;" for operator in operators]
    return "\n".join(
        [
            *heading(source),
            f"#ifndef {up}_OPS_H_",
            f"#define {up}_OPS_H_",
            "",
            '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"',
            "",
            f"using {name}_resolver = tflite::MicroMutableOpResolver<{max(1, len(operators))}>;",
            "",
            "/* Add the operators of the model to an empty resolver. */",
            f"inline TfLiteStatus {name}_add_operators({name}_resolver &resolver) {{",
            *(adds or ["  (void)resolver;"]),
            "  return kTfLiteOk;",
            "}",
            "",
            f"#endif /* {up}_OPS_H_ */",
            "",
        ]
    )


def heading(source: Source) -> list[str]:
    """The first lines of every file: what made it of what, without a date."""
    made = f"/* Made by EdgeKit {__version__} from the .tflite with sha256 {source.model.sha256}. */"
    return ["/* SPDX-License-Identifier: Apache-2.0 */", made, ""]


def rows(content: bytes) -> list[str]:
    """The lines of an array's bytes."""
    parts = (content[start : start + _PER_LINE] for start in range(0, len(content), _PER_LINE))
    return ["    " + ", ".join(f"0x{byte:02x}" for byte in part) + "," for part in parts]


def _arena(up: str, measured: int | None, margin: int) -> list[str]:
    if measured is None:
        return [f"/* The arena was not measured: define {up}_ARENA_BYTES. */"]
    return [
        f"/* {measured} bytes measured on a 64-bit host, where records are larger, and {margin} to spare;",
        "   optimised kernels may want more for scratch buffers of their own. */",
        f"#ifndef {up}_ARENA_BYTES",
        f"#define {up}_ARENA_BYTES {_rounded(measured + margin)}",
        "#endif",
    ]


def _tensor(name: str, spec: TensorSpec) -> list[str]:
    shape = ", ".join(str(size) for size in spec.shape)
    lines = [
        f"#define {name}_RANK {len(spec.shape)}",
        f"#define {name}_SHAPE {{{shape}}}",
        f"#define {name}_ELEMENTS {math.prod(spec.shape)}",
        f'#define {name}_DTYPE "{spec.dtype}"',
    ]
    if spec.quant is not None and len(spec.quant.scales) == 1:
        lines += [
            f"#define {name}_SCALE {_float(float(spec.quant.scales[0]))}",
            f"#define {name}_ZERO_POINT {int(spec.quant.zero_points[0])}",
        ]
    return lines


def _float(value: float) -> str:
    """A literal of 9 digits, which a float32 survives."""
    text = f"{value:.9g}"
    return f"{text}f" if {".", "e"} & set(text) else f"{text}.0f"


def _rounded(size: int) -> int:
    """The next multiple of 16, which the interpreter aligns to."""
    return -(-size // 16) * 16


def _text(label: str) -> str:
    """A C string literal; anything but plain ASCII as octal bytes of its UTF-8, which no trigraph or digit can join."""
    plain = json.dumps(label) if label.isascii() and label.isprintable() and "?" not in label else None
    return plain or '"' + "".join(f"\\{byte:03o}" for byte in label.encode()) + '"'
