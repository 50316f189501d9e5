"""The C text between the firmware and one exported model."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.runtimes._bare_metal.export import NAME, Export

__all__ = ["glue"]

_UP = NAME.upper()


def glue(export: Export) -> str:
    """`glue.c`: the arena, where inputs and outputs lie in it, and one inference on them.

    Inputs and outputs stay in the arena, so that an inference copies neither. Outputs that would lie on top of each
    other, as constants may, get places of their own.
    """
    kept = max(1, sum(port.bytes for port in export.inputs))
    apart = sorted(_overlapping(export))
    inputs = [f"(model_arena + {_UP}_INPUT_{i}_OFFSET)" for i in range(len(export.inputs))]
    outputs = [
        f"output_{i}" if i in apart else f"(model_arena + {_UP}_OUTPUT_{i}_OFFSET)" for i in range(len(export.outputs))
    ]
    state = "&model_state" if export.state_bytes else "NULL"
    return "\n".join(
        [
            "// SPDX-License-Identifier: Apache-2.0",
            f'#include "{NAME}.h"',
            '#include "port.h"',
            "",
            f"unsigned char model_arena[{_UP}_ARENA_BYTES] __attribute__((aligned({_UP}_ARENA_ALIGN)));",
            f"unsigned char model_kept[{kept}] __attribute__((aligned(8)));",
            *([f"static {NAME}_state model_state;"] if export.state_bytes else []),
            f"const uint32_t model_inputs = {len(export.inputs)}, model_outputs = {len(export.outputs)};",
            *(f"static unsigned char output_{i}[{_UP}_OUTPUT_{i}_BYTES] __attribute__((aligned(8)));" for i in apart),
            *_ports("INPUT", inputs),
            *_ports("OUTPUT", outputs),
            "",
            "void model_reset(void) {",
            *([f"  {NAME}_reset(&model_state);"] if export.state_bytes else []),
            "}",
            "",
            "int model_run(void) {",
            f"  const {NAME}_inputs inputs = {{{_pointers('INPUT', 'const void *', inputs)}}};",
            f"  {NAME}_outputs outputs = {{{_pointers('OUTPUT', 'void *', outputs)}}};",
            f"  return {NAME}_run(&inputs, &outputs, {state}, model_arena, sizeof model_arena);",
            "}",
            "",
        ]
    )


def _overlapping(export: Export) -> frozenset[int]:
    """Outputs that share bytes of the arena with another one."""
    ranges = [(start, start + port.bytes) for start, port in zip(export.output_offsets, export.outputs, strict=True)]
    return frozenset(
        number
        for number, (start, end) in enumerate(ranges)
        if any(start < other_end and other < end for i, (other, other_end) in enumerate(ranges) if i != number)
    )


def _ports(side: str, places: Sequence[str]) -> list[str]:
    rows = [f"    {{{place}, {_UP}_{side}_{i}_BYTES}}," for i, place in enumerate(places)]
    return [f"const model_port model_{side.lower()}[] = {{", *(rows or ["    {0, 0},"]), "};"]


def _pointers(side: str, kind: str, places: Sequence[str]) -> str:
    return ", ".join(f".{side.lower()}_{i} = ({kind}){place}" for i, place in enumerate(places))
