"""`NAME.c`: kernels, constants and the run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.tensors import TensorSpec
from edgekit_converters.c.emission.header import members
from edgekit_converters.c.emission.literals import array, number, text
from edgekit_converters.c.emission.notes import heading, upper
from edgekit_converters.c.emission.texts import choice, fields, kernel_texts, named
from edgekit_converters.c.firmware import Firmware
from edgekit_converters.c.planning.lifetimes import Scratch
from edgekit_converters.c.steps import C_TYPES, Constant, Field, Step

__all__ = ["source"]

_MACROS = ("WEIGHTS", "CODE")
"""Empty unless an application says where constants and functions lie."""


def source(firmware: Firmware) -> str:
    """The whole file."""
    name, up = firmware.name, upper(firmware.name)
    lines = [
        *heading(firmware.model.sha256, f"The model {name}: its kernels, its constants, its run."),
        f'#include "{name}.h"',
        "",
        "#include <string.h>",
        "",
        *(line for macro in _MACROS for line in (f"#ifndef {up}{macro}", f"#define {up}{macro}", "#endif")),
        f"#ifndef {up}LAYER_HOOK",
        f"#define {up}LAYER_HOOK(layer) ((void)0)",
        "#endif",
        *(line for text in _code(firmware) for line in ("", named(text, name))),
        *(line for constant in firmware.constants for line in ("", *_array(firmware, constant))),
        *(line for number, step in enumerate(firmware.program.steps) for line in ("", *_layer(firmware, number, step))),
        *_labels(firmware),
        *_reset(firmware),
        "",
        *_run(firmware),
    ]
    return "\n".join(lines) + "\n"


def _code(firmware: Firmware) -> list[str]:
    steps = firmware.program.steps
    return [*filter(None, [choice(steps)]), *kernel_texts(steps)]


def _array(firmware: Firmware, constant: Constant) -> list[str]:
    return array(firmware.symbol(constant), constant.values, f"{upper(firmware.name)}WEIGHTS ")


def _layer(firmware: Firmware, place: int, step: Step) -> list[str]:
    """The record of one step, with its fields in the order of the C text."""
    order = fields(step.kernel)
    if set(order) != set(step.layer):
        raise LookupError(f"{step.kernel}.c and its operator differ in {sorted(set(order) ^ set(step.layer))}.")
    values = (f"    {_value(firmware, step.layer[field])}, /* {field} */" for field in order)
    record = f"static const {firmware.name}_{step.kernel}_layer {firmware.name}_layer_{place}"
    return [f"/* {step.operator}, operator {step.place} */", f"{record} = {{", *values, "};"]


def _value(firmware: Firmware, value: Field) -> str:
    if value is None:
        return "NULL"
    return firmware.symbol(value) if isinstance(value, Constant) else number(value)


def _labels(firmware: Firmware) -> list[str]:
    if not firmware.labels:
        return []
    texts = (f"    {text(label)}," for label in firmware.labels)
    return ["", f"const char *const {firmware.name}_labels[{upper(firmware.name)}LABELS] = {{", *texts, "};"]


def _reset(firmware: Firmware) -> list[str]:
    if not firmware.program.variables:
        return []
    lines = [""]
    body = []
    for place, variable in enumerate(firmware.program.variables):
        where = f"state->variable_{place}"
        if not np.any(variable.initial):
            body.append(f"    memset({where}, 0, sizeof {where});")
            continue
        start = f"{firmware.name}_initial_{place}"
        lines += array(start, variable.initial, f"{upper(firmware.name)}WEIGHTS ")
        body.append(f"    memcpy({where}, {start}, sizeof {where});")
    head = f"{upper(firmware.name)}CODE void {firmware.name}_reset({firmware.name}_state *state) {{"
    return [*lines, head, *body, "}"]


def _run(firmware: Firmware) -> Iterator[str]:
    name, up = firmware.name, upper(firmware.name)
    yield f"{up}CODE int {name}_run(const {name}_inputs *inputs, {name}_outputs *outputs,"
    yield f"    {name}_state *state, void *arena, size_t arena_bytes) {{"
    yield "    uint8_t *const a = (uint8_t *)arena;"
    sources = " || ".join(f"inputs->{member} == NULL" for member in members(firmware.inputs, "input"))
    yield "    if (inputs == NULL || outputs == NULL || arena == NULL || " + sources + ") {"
    yield f"        return {up}ERROR_ARGUMENT;"
    yield "    }"
    if firmware.program.variables:
        yield "    if (state == NULL) {"
        yield f"        return {up}ERROR_ARGUMENT;"
        yield "    }"
    else:
        yield "    (void)state;"
    yield f"    if (arena_bytes < {up}ARENA_BYTES) {{"
    yield f"        return {up}ERROR_ARENA_SIZE;"
    yield "    }"
    yield f"    if ((uintptr_t)arena % {up}ARENA_ALIGN != 0) {{"
    yield f"        return {up}ERROR_ARENA_ALIGNMENT;"
    yield "    }"
    for place, spec in enumerate(firmware.inputs):
        yield from _copied_in(firmware, place, spec)
    yield from _steps(firmware)
    for place, tensor in enumerate(firmware.program.outputs):
        yield from _copied_out(firmware, place, tensor)
    yield f"    return {up}OK;"
    yield "}"


def _steps(firmware: Firmware) -> Iterator[str]:
    up, loops = upper(firmware.name), firmware.program.loops
    begun, ended = {loop.first: loop for loop in loops}, {loop.last for loop in loops}
    indent = "    "
    for place, step in enumerate(firmware.program.steps):
        if place in begun:
            yield f"    for (int32_t turn = 0; turn < {begun[place].turns}; turn++) {{"
            indent = "        "
        yield f"{indent}{up}LAYER_HOOK({place});"
        call = _call(firmware, place, step)
        if step.fails:
            yield f"{indent}if ({call} != 0) {{"
            yield f"{indent}    return {up}ERROR_ARGUMENT;"
            yield f"{indent}}}"
        else:
            yield f"{indent}{call};"
        if place in ended:
            yield "    }"
            indent = "    "


def _copied_in(firmware: Firmware, place: int, spec: TensorSpec) -> Iterator[str]:
    at = f"a + {upper(firmware.name)}INPUT_{place}_OFFSET"
    yield f"    if ((const uint8_t *)inputs->input_{place} != {at}) {{"
    yield f"        memcpy({at}, inputs->input_{place}, {upper(firmware.name)}INPUT_{place}_BYTES);"
    yield "    }"


def _copied_out(firmware: Firmware, place: int, tensor: int) -> Iterator[str]:
    up, to, root = upper(firmware.name), f"outputs->output_{place}", firmware.program.root(tensor)
    if root in firmware.program.constants:
        origin = firmware.symbol(firmware.program.constants[root])
        yield f"    if ({to} != NULL) {{"
    else:
        origin = f"a + {up}OUTPUT_{place}_OFFSET"
        yield f"    if ({to} != NULL && (uint8_t *){to} != {origin}) {{"
    yield f"        memcpy({to}, {origin}, {up}OUTPUT_{place}_BYTES);"
    yield "    }"


def _call(firmware: Firmware, place: int, step: Step) -> str:
    def pointer(tensor: int, qualifier: str) -> str:
        stored = firmware.program.constants.get(firmware.program.root(tensor))
        if stored is not None:
            return firmware.symbol(stored)
        kind = C_TYPES[firmware.program.dtypes[tensor]]
        return f"({qualifier}{kind} *)(void *)(a + {firmware.offset(tensor)})"

    arguments = [f"&{firmware.name}_layer_{place}"]
    arguments += [pointer(tensor, "const ") for tensor in step.inputs]
    arguments += [f"state->variable_{number}" for number in step.variables]
    arguments += [pointer(tensor, "") for tensor in step.outputs]
    if step.scratches:
        arguments.append(f"(void *)(a + {firmware.arena.offsets.get(Scratch(place), 0)})")
    return f"{firmware.name}_{step.kernel}({', '.join(arguments)})"
