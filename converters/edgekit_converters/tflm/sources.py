"""The text of the sources: plain C for the model, one C++ header for the interpreter's operators."""

from __future__ import annotations

import json
import math

from edgekit.tensors import TensorSpec
from edgekit_converters.exporters import Source
from edgekit_converters.tflm.operators import adding, used

__all__ = ["model_header", "model_source", "operators_header"]

_PER_LINE = 16


def model_header(name: str, source: Source, arena_margin: int) -> str:
    """`NAME_model.h`: sizes, shapes, scales, zero points and labels as constants.

    Args:
        name: Prefix of all symbols.
        source: The model and what is known of it.
        arena_margin: Bytes beyond the measured arena.
    """
    graph, up = source.model.graphs[0], name.upper()
    lines = [
        *_heading(source),
        f"#ifndef {up}_MODEL_H_",
        f"#define {up}_MODEL_H_",
        "",
        "#include <stddef.h>",
        "",
        f"#define {up}_MODEL_BYTES {len(source.model.content)}",
        f'#define {up}_MODEL_SHA256 "{source.model.sha256}"',
    ]
    arena = source.figures.get("arena_bytes")
    if arena is not None:
        lines += [
            f"/* {arena} bytes measured on a 64-bit host, where records are larger, and {arena_margin} to spare. */",
            f"#define {up}_ARENA_BYTES {_rounded(arena + arena_margin)}",
        ]
    for side, indices in (("INPUT", graph.inputs), ("OUTPUT", graph.outputs)):
        lines += ["", f"#define {up}_{side}S {len(indices)}"]
        for number, index in enumerate(indices):
            lines += _tensor(f"{up}_{side}_{number}", graph.tensors[index].spec)
    labels = source.sidecar.label_names if source.sidecar else ()
    lines += ["", f"#define {up}_LABELS {len(labels)}"] if labels else []
    lines += [
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        f"extern const unsigned char {name}_model[{up}_MODEL_BYTES];",
        *([f"extern const char *const {name}_labels[{up}_LABELS];"] if labels else []),
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        f"#endif /* {up}_MODEL_H_ */",
    ]
    return "\n".join(lines) + "\n"


def model_source(name: str, source: Source) -> str:
    """`NAME_model.c`: the bytes of the `.tflite`, aligned as the interpreter asks, and the labels."""
    content, up = source.model.content, name.upper()
    rows = (content[start : start + _PER_LINE] for start in range(0, len(content), _PER_LINE))
    labels = source.sidecar.label_names if source.sidecar else ()
    lines = [
        *_heading(source),
        f'#include "{name}_model.h"',
        "",
        "#if defined(__GNUC__) || defined(__clang__)",
        f"#define {up}_ALIGN __attribute__((aligned(16)))",
        "#else",
        f"#define {up}_ALIGN",
        "#endif",
        "",
        f"const unsigned char {name}_model[{up}_MODEL_BYTES] {up}_ALIGN = {{",
        *("    " + ", ".join(f"0x{byte:02x}" for byte in row) + "," for row in rows),
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
            *_heading(source),
            f"#ifndef {up}_OPS_H_",
            f"#define {up}_OPS_H_",
            "",
            '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"',
            "",
            f"using {name}_resolver = tflite::MicroMutableOpResolver<{max(1, len(operators))}>;",
            "",
            "/* Add the operators of the model to an empty resolver. */",
            f"inline TfLiteStatus {name}_add_operators({name}_resolver &resolver) {{",
            *adds,
            "  return kTfLiteOk;",
            "}",
            "",
            f"#endif  /* {up}_OPS_H_ */",
            "",
        ]
    )


def _heading(source: Source) -> list[str]:
    return [f"/* Made by EdgeKit from the .tflite with sha256 {source.model.sha256}. */", ""]


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
