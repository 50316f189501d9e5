"""`NAME_selftest.c`: golden samples, and a function that holds the model to them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from edgekit.golden import Golden
from edgekit_converters.c.emission.literals import array
from edgekit_converters.c.emission.notes import heading, upper
from edgekit_converters.c.emission.texts import named
from edgekit_converters.c.firmware import Firmware
from edgekit_converters.c.refused import not_finite
from edgekit_converters.c.samples import LARGEST, SEED, is_drawn
from edgekit_converters.c.steps import C_TYPES

__all__ = ["selftest"]

_CRC = """\
/* CRC-32 as zip files have it. */
static uint32_t ek_selftest_crc(const uint8_t *bytes, size_t count) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}
"""
_DRAW = """\
/* The bytes of a sample: the highest of a state that a xorshift renews. */
static uint32_t ek_selftest_draw(uint8_t *bytes, size_t count, uint32_t state) {
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes[i] = (uint8_t)(state >> 24);
    }
    return state;
}
"""
_COMPARE = """\
/* Whether an output is as expected; the first byte that is not is reported. */
static int ek_selftest_equal(int sample, int output, const void *received, const void *expected, size_t bytes) {
    const uint8_t *got = (const uint8_t *)received;
    const uint8_t *want = (const uint8_t *)expected;
    for (size_t i = 0; i < bytes; i++) {
        if (got[i] != want[i]) {
            EK_SELFTEST_REPORT(sample, output, i, want[i], got[i]);
            return 0;
        }
    }
    (void)sample;
    (void)output;
    return 1;
}
"""


def selftest(firmware: Firmware, golden: Golden) -> str:
    """The whole file.

    Args:
        firmware: The model.
        golden: Inputs and the oracle's outputs.
    """
    name, up, draws = firmware.name, upper(firmware.name), is_drawn(firmware.inputs)
    crc = any(values[0].nbytes > LARGEST for values in golden.outputs)
    lines = [
        *heading(firmware.model.sha256, f"Golden samples of the model {name}, answered by {golden.oracle}."),
        f'#include "{name}.h"',
        "",
        "#ifndef EK_SELFTEST_REPORT",
        "/* Called with the first byte of an output that differs: its place, what was expected, what was received. */",
        "#define EK_SELFTEST_REPORT(sample, output, byte, expected, received) ((void)0)",
        "#endif",
        "",
        *([_CRC] if crc else []),
        *([_DRAW] if draws else []),
        _COMPARE,
        *_samples(firmware, golden, draws),
        f"int {name}_selftest(void *arena, size_t arena_bytes) {{",
        "    int differing = 0;",
        "    uint8_t *const a = (uint8_t *)arena;",
        f"    {name}_inputs inputs;",
        f"    {name}_outputs outputs;",
        *([f"    {name}_state state;"] if firmware.program.variables else []),
        *_outputs(firmware),
        # As the oracle took them: one after the other, and what the model remembers goes on.
        *([f"    {name}_reset(&state);"] if firmware.program.variables else []),
        *(line for sample in range(len(golden)) for line in _sample(firmware, golden, sample, draws)),
        "    return differing;",
        "}",
    ]
    return named("\n".join(lines) + "\n", name).replace("EK_SELFTEST_REPORT", f"{up}SELFTEST_REPORT")


def _samples(firmware: Firmware, golden: Golden, draws: bool) -> Iterator[str]:
    sides = [("output", golden.outputs)] if draws else [("input", golden.inputs), ("output", golden.outputs)]
    for sample in range(len(golden)):
        for side, several in sides:
            for place, values in enumerate(several):
                stored = values[sample]
                if side == "output" and stored.nbytes > LARGEST:
                    stored = np.ascontiguousarray(stored).reshape(-1)[: LARGEST // stored.dtype.itemsize]
                if stored.dtype.kind == "b":
                    stored = stored.astype(np.uint8)
                if side == "output" and not_finite(stored) is not None:  # compared byte by byte, so bits will do
                    stored = stored.view(np.uint32)
                yield from array(f"{firmware.name}_sample_{sample}_{side}_{place}", stored, "")
                yield ""


def _outputs(firmware: Firmware) -> Iterator[str]:
    up = upper(firmware.name)
    for place, tensor in enumerate(firmware.program.outputs):
        kind = _kind(firmware.outputs[place].dtype)
        if firmware.program.root(tensor) in firmware.program.constants:
            yield f"    outputs.output_{place} = NULL;"
        else:
            yield f"    outputs.output_{place} = ({kind} *)(void *)(a + {up}OUTPUT_{place}_OFFSET);"


def _sample(firmware: Firmware, golden: Golden, sample: int, draws: bool) -> Iterator[str]:
    name, up = firmware.name, upper(firmware.name)
    yield "    {"
    yield f"        int equal = arena != NULL && arena_bytes >= {up}ARENA_BYTES;"
    if draws:
        yield f"        uint32_t seed = {(SEED + sample) & 0xFFFFFFFF}u;"
    for place, spec in enumerate(firmware.inputs):
        at = f"a + {up}INPUT_{place}_OFFSET"
        if draws:
            yield "        if (equal) {"
            yield f"            seed = ek_selftest_draw({at}, {up}INPUT_{place}_BYTES, seed);"
            yield "        }"
            yield f"        inputs.input_{place} = (const {_kind(spec.dtype)} *)(const void *)({at});"
        else:
            yield f"        inputs.input_{place} = {name}_sample_{sample}_input_{place};"
    state = "&state" if firmware.program.variables else "NULL"
    yield f"        equal = equal && {name}_run(&inputs, &outputs, {state}, arena, arena_bytes) == {up}OK;"
    for place, values in enumerate(golden.outputs):
        if firmware.program.root(firmware.program.outputs[place]) in firmware.program.constants:
            continue
        stored, whole = f"{name}_sample_{sample}_output_{place}", values[sample].nbytes
        compared = f"{sample}, {place}, outputs.output_{place}, {stored}, sizeof {stored}"
        yield f"        equal = equal && ek_selftest_equal({compared});"
        if whole > LARGEST:
            crc = zlib.crc32(np.ascontiguousarray(values[sample]).tobytes())
            yield (
                f"        equal = equal && ek_selftest_crc((const uint8_t *)outputs.output_{place}, {whole}) == {crc}u;"
            )
    if draws:
        yield "        (void)seed;"
    yield "        differing += equal ? 0 : 1;"
    yield "    }"


def _kind(dtype: str) -> str:
    return C_TYPES[dtype]
