"""A hand-written export in C, of the form that `edgekit export c` writes: one layer that scales a vector by floats."""

from __future__ import annotations

__all__ = ["small_export"]

_HEADER = """\
#ifndef UPPER_H_
#define UPPER_H_

#include <stddef.h>
#include <stdint.h>

#define UPPER_API_VERSION 1
#define UPPER_ARENA_BYTES 48
#ifndef UPPER_ARENA_ALIGN
#define UPPER_ARENA_ALIGN 16
#endif
#ifndef UPPER_ARENA_ATTR
#define UPPER_ARENA_ATTR
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { UPPER_OK = 0, UPPER_ERROR_ARGUMENT = -1, UPPER_ERROR_ARENA_SIZE = -2, UPPER_ERROR_ARENA_ALIGNMENT = -3 };

typedef struct NAME_inputs { const int8_t *input_0; } NAME_inputs;
typedef struct NAME_outputs { int8_t *output_0; } NAME_outputs;
typedef struct NAME_state NAME_state;

int NAME_run(const NAME_inputs *inputs, NAME_outputs *outputs, NAME_state *state, void *arena, size_t arena_bytes);
int NAME_selftest(void *arena, size_t arena_bytes);
void NAME_preprocess(const float *sample, int8_t *input);

#ifdef __cplusplus
}
#endif

#endif
"""
_LAYERS = """\
#include "NAME.h"

#include <string.h>

#ifndef UPPER_WEIGHTS
#define UPPER_WEIGHTS
#endif

static const int8_t NAME_weights[4] UPPER_WEIGHTS = {1, 2, -3, 4};

int NAME_run(const NAME_inputs *inputs, NAME_outputs *outputs, NAME_state *state, void *arena, size_t arena_bytes)
{
    int8_t *values = (int8_t *)arena;
    size_t i;

    (void)state;
    if (inputs == NULL || inputs->input_0 == NULL || outputs == NULL || arena == NULL) {
        return UPPER_ERROR_ARGUMENT;
    }
    if (arena_bytes < UPPER_ARENA_BYTES) {
        return UPPER_ERROR_ARENA_SIZE;
    }
    if ((uintptr_t)arena % UPPER_ARENA_ALIGN != 0) {
        return UPPER_ERROR_ARENA_ALIGNMENT;
    }
    for (i = 0; i < 4; i++) {
        values[i] = (int8_t)(inputs->input_0[i] * NAME_weights[i]);
    }
    if (outputs->output_0 != NULL) {
        memcpy(outputs->output_0, values, 4);
    }
    return UPPER_OK;
}
"""
_PREPROCESS = """\
#include "NAME.h"

#include <math.h>

/* The second value is the rounded square of the first: a fused multiply-subtract, which does not round, gives no 0. */
void NAME_preprocess(const float *sample, int8_t *input)
{
    float error = sample[0] * sample[0] - sample[1];
    int i;

    for (i = 0; i < 4; i++) {
        input[i] = (int8_t)(error == 0.0f ? floorf(sample[i]) : 0.0f);
    }
}
"""
_SELF_TEST = """\
#include "NAME.h"

int NAME_selftest(void *arena, size_t arena_bytes)
{
    static const int8_t golden[4] = {1, 2, -9, EXPECTED};
    static const float sample[4] = {1.00000011920928955078125f, 1.0000002384185791015625f, 3.0f, 4.0f};
    int8_t input[4], output[4];
    NAME_inputs inputs;
    NAME_outputs outputs;
    int i, code;

    NAME_preprocess(sample, input);
    inputs.input_0 = input;
    outputs.output_0 = output;
    code = NAME_run(&inputs, &outputs, NULL, arena, arena_bytes);
    if (code != UPPER_OK) {
        return code;
    }
    for (i = 0; i < 4; i++) {
        if (output[i] != golden[i]) {
            return 1;
        }
    }
    return 0;
}
"""


def small_export(name: str = "net", *, right: bool = True) -> dict[str, str]:
    """The text of each file by its name.

    Args:
        name: What files and symbols start with.
        right: Whether the self-test passes; else its last golden value is another one.
    """
    texts = {".h": _HEADER, ".c": _LAYERS, "_preprocess.c": _PREPROCESS, "_selftest.c": _SELF_TEST}
    places = {"NAME": name, "UPPER": name.upper(), "EXPECTED": "16" if right else "17"}
    filled = {}
    for end, text in texts.items():
        for place, value in places.items():
            text = text.replace(place, value)
        filled[f"{name}{end}"] = text
    return filled
