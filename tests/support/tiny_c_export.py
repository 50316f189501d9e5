"""A C export written by hand: y = 3 * x + 1 on four bytes, with whatever the test wants beside it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["HEADER", "write_export"]

HEADER = """\
#include <stddef.h>
#include <stdint.h>

#define NET_API_VERSION 1
/* Bytes of constants in flash. */
#define NET_WEIGHTS_BYTES 16
#define NET_ARENA_BYTES {arena}
#ifndef NET_ARENA_ALIGN
#define NET_ARENA_ALIGN 16
#endif
#define NET_STATE_BYTES {state}
#define NET_INPUTS 1
#define NET_INPUT_0_RANK 2
#define NET_INPUT_0_SHAPE {{1, 4}}
#define NET_INPUT_0_BYTES 4
#define NET_INPUT_0_DTYPE "int8"
#define NET_INPUT_0_OFFSET 0
#define NET_OUTPUTS {outputs}
#define NET_OUTPUT_0_RANK 2
#define NET_OUTPUT_0_SHAPE {{1, 4}}
#define NET_OUTPUT_0_BYTES 4
#define NET_OUTPUT_0_OFFSET 16
#define NET_OUTPUT_1_RANK 0
#define NET_OUTPUT_1_SHAPE {{1}}
#define NET_OUTPUT_1_BYTES 4
#define NET_OUTPUT_1_OFFSET 16

typedef struct net_inputs {{
    const int8_t *input_0;
}} net_inputs;
typedef struct net_outputs {{
    int8_t *output_0;
    int32_t *output_1;
}} net_outputs;
typedef struct net_state {{
    int32_t runs;
}} net_state;
int net_run(const net_inputs *inputs, net_outputs *outputs, net_state *state, void *arena, size_t arena_bytes);
void net_reset(net_state *state);
"""
_SOURCE = """\
#include "net.h"

static const int32_t weights[4] = {{3, 3, 3, 3}};

{before}
void net_reset(net_state *state) {{ state->runs = 5; }}

int net_run(const net_inputs *inputs, net_outputs *outputs, net_state *state, void *arena, size_t arena_bytes) {{
    int8_t *const result = (int8_t *)arena + 16;
    (void)state;
    if (arena_bytes < NET_ARENA_BYTES || (uintptr_t)arena % NET_ARENA_ALIGN != 0) return -2;
    {body}
    for (int i = 0; i < 4; i++) result[i] = (int8_t)(weights[i] * inputs->input_0[i] + 1);
    if (outputs->output_0 != NULL && outputs->output_0 != result) {{
        for (int i = 0; i < 4; i++) outputs->output_0[i] = result[i];
    }}
    {after}
    return 0;
}}
"""


def write_export(
    folder: Path,
    *,
    body: str = "",
    after: str = "",
    before: str = "",
    arena: int = 32,
    state: int = 0,
    outputs: int = 1,
) -> Path:
    """Write net.h and net.c.

    Args:
        folder: Where; made where it is missing.
        body, after: Statements before and behind the arithmetic.
        before: Declarations.
        arena, state, outputs: What the header says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "net.h").write_text(HEADER.format(arena=arena, state=state, outputs=outputs))
    (folder / "net.c").write_text(_SOURCE.format(body=body, after=after, before=before))
    return folder
