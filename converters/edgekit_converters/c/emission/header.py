"""`NAME.h`: what an application knows of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.tensors import TensorSpec
from edgekit_converters.c.emission.literals import number
from edgekit_converters.c.emission.notes import heading, upper
from edgekit_converters.c.firmware import Firmware
from edgekit_converters.c.steps import C_TYPES

__all__ = ["header", "members"]


def members(specs: Sequence[TensorSpec], side: str) -> list[str]:
    """Names of the pointers to inputs or outputs: `input_0`, ..."""
    return [f"{side}_{number}" for number in range(len(specs))]


def header(firmware: Firmware, preprocessing: Sequence[str] = ()) -> str:
    """The whole file.

    Args:
        firmware: The model.
        preprocessing: Constants and prototypes of the model's preprocessing.
    """
    name, up = firmware.name, upper(firmware.name)
    lines = [
        *heading(firmware.model.sha256, f"The model {name}: sizes, types and functions."),
        f"#ifndef {up}H_",
        f"#define {up}H_",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        *_sizes(firmware),
        "",
        "enum {",
        f"    {up}OK = 0,",
        f"    {up}ERROR_ARGUMENT = -1,",
        f"    {up}ERROR_ARENA_SIZE = -2,",
        f"    {up}ERROR_ARENA_ALIGNMENT = -3",
        "};",
        "",
        "/* Where the inputs lie. One that lies in the arena, at its OFFSET, is not copied. */",
        *_pointers(f"{name}_inputs", firmware.inputs, "input", "const "),
        "",
        "/* Where the outputs go. One that is NULL is not wanted; one in the arena, at its OFFSET, is not copied. */",
        *_pointers(f"{name}_outputs", firmware.outputs, "output", ""),
        "",
        *_state(firmware),
        "",
        "/* One inference. The arena has ARENA_BYTES at an address that ARENA_ALIGN divides; it keeps nothing. */",
        f"int {name}_run(const {name}_inputs *inputs, {name}_outputs *outputs, {name}_state *state, void *arena,",
        "    size_t arena_bytes);",
        *(["", "/* Begin anew. */", f"void {name}_reset({name}_state *state);"] if firmware.program.variables else []),
        "",
        f"/* In {name}_selftest.c: 0 where all golden samples come out to the bit, else how many do not. */",
        f"int {name}_selftest(void *arena, size_t arena_bytes);",
        *(["", *preprocessing] if preprocessing else []),
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        f"#endif /* {up}H_ */",
    ]
    return "\n".join(lines) + "\n"


def _sizes(firmware: Firmware) -> list[str]:
    """Constants that tell an application what the model is and what it needs."""
    up = upper(firmware.name)
    return [
        f"#define {up}API_VERSION 1",
        f'#define {up}MODEL_SHA256 "{firmware.model.sha256}"',
        f"#define {up}MODEL_BYTES {len(firmware.model.content)}",
        "/* Bytes of constants in flash: weights, biases and tables. */",
        f"#define {up}WEIGHTS_BYTES {firmware.weights_bytes}",
        "/* Bytes of working memory: inputs, outputs, everything between them. */",
        f"#define {up}ARENA_BYTES {firmware.arena.size}",
        f"#ifndef {up}ARENA_ALIGN",
        f"#define {up}ARENA_ALIGN 16",
        "#endif",
        "/* Stands at the definition of an arena: a section of fast RAM, say. */",
        f"#ifndef {up}ARENA_ATTR",
        f"#define {up}ARENA_ATTR",
        "#endif",
        "/* Bytes that the model keeps from one run to the next. */",
        f"#define {up}STATE_BYTES {firmware.state_bytes}",
        f"#define {up}LAYERS {len(firmware.program.steps)}",
        *_side(up, "INPUT", firmware.inputs, firmware.input_offsets),
        *_side(up, "OUTPUT", firmware.outputs, firmware.output_offsets),
        *_labels(firmware),
    ]


def _side(up: str, side: str, specs: Sequence[TensorSpec], offsets: Sequence[int]) -> list[str]:
    lines = ["", f"#define {up}{side}S {len(specs)}"]
    for place, (spec, offset) in enumerate(zip(specs, offsets, strict=True)):
        prefix, elements = f"{up}{side}_{place}", math.prod(spec.shape)
        lines += [
            f"#define {prefix}_RANK {len(spec.shape)}",
            f"#define {prefix}_SHAPE {{{', '.join(map(str, spec.shape)) or '1'}}}",
            f"#define {prefix}_ELEMENTS {elements}",
            f"#define {prefix}_BYTES {elements * np.dtype(spec.dtype).itemsize}",
            f'#define {prefix}_DTYPE "{spec.dtype}"',
            f"#define {prefix}_OFFSET {offset}",
        ]
        if spec.scale is not None:
            lines += [
                f"#define {prefix}_SCALE {number(float(spec.scale))}",
                f"#define {prefix}_ZERO_POINT {spec.zero_point}",
            ]
    return lines


def _labels(firmware: Firmware) -> list[str]:
    if not firmware.labels:
        return []
    up = upper(firmware.name)
    return [
        "",
        f"#define {up}LABELS {len(firmware.labels)}",
        f"extern const char *const {firmware.name}_labels[{up}LABELS];",
    ]


def _pointers(record: str, specs: Sequence[TensorSpec], side: str, qualifier: str) -> list[str]:
    fields = (
        f"    {qualifier}{C_TYPES[spec.dtype]} *{member};"
        for member, spec in zip(members(specs, side), specs, strict=True)
    )
    return [f"typedef struct {record} {{", *fields, f"}} {record};"]


def _state(firmware: Firmware) -> list[str]:
    name, variables = firmware.name, firmware.program.variables
    if not variables:
        return [
            "/* This model keeps nothing from one run to the next: state may be NULL. */",
            f"typedef struct {name}_state {{",
            "    uint8_t unused;",
            f"}} {name}_state;",
        ]
    fields = (
        f"    {C_TYPES[variable.dtype]} variable_{place}[{max(1, variable.initial.size)}];"
        for place, variable in enumerate(variables)
    )
    return [
        f"/* What the model keeps from one run to the next; {name}_reset comes before the first. */",
        f"typedef struct {name}_state {{",
        *fields,
        f"}} {name}_state;",
    ]
