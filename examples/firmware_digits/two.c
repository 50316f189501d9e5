/* SPDX-License-Identifier: Apache-2.0 */
/* Two models in one image, with one arena for both: one sees whole digits, the other reads them row by row, and remembers. */
#include "board.h"
#include "digits.h"
#include "reader.h"
#include "samples.h"

#include <stddef.h>

#define LARGER(a, b) ((a) > (b) ? (a) : (b))

/* Neither model keeps anything in the arena: what the reader remembers is in its state. */
static uint8_t arena[LARGER(DIGITS_ARENA_BYTES, READER_ARENA_BYTES)] __attribute__((aligned(16)));
static reader_state memory;

static size_t seen_whole(const uint8_t *pixels) {
    int8_t *const input = (int8_t *)arena + DIGITS_INPUT_0_OFFSET;
    int8_t *const scores = (int8_t *)arena + DIGITS_OUTPUT_0_OFFSET;
    const digits_inputs inputs = {input};
    digits_outputs outputs = {scores};
    digits_preprocess_uint8(pixels, DIGITS_SAMPLE_WIDTH, input);
    digits_run(&inputs, &outputs, NULL, arena, sizeof arena);
    return digits_top1(scores);
}

static size_t read_row(const uint8_t *pixels) {
    float row[READER_INPUT_0_ELEMENTS];
    int8_t *const input = (int8_t *)arena + READER_INPUT_0_OFFSET;
    int8_t *const scores = (int8_t *)arena + READER_OUTPUT_0_OFFSET;
    const reader_inputs inputs = {input};
    reader_outputs outputs = {scores};
    for (int i = 0; i < READER_INPUT_0_ELEMENTS; i++) {
        row[i] = (float)pixels[i] / 16.0f;
    }
    reader_preprocess_float32(row, input);
    reader_run(&inputs, &outputs, &memory, arena, sizeof arena);
    return reader_top1(scores);
}

int main(void) {
    static const char shades[] = " .:-=+*#@";
    int agree = 0;
    if (digits_selftest(arena, sizeof arena) != 0 || reader_selftest(arena, sizeof arena) != 0) {
        board_print("A self-test FAILS.\n");
        return 1;
    }
    board_print("Both self-tests pass.\n");
    for (int i = 0; i < SAMPLES; i++) {
        size_t read = 0;
        reader_reset(&memory);
        board_print("\n");
        for (int row = 0; row < DIGITS_SAMPLE_HEIGHT; row++) {
            const uint8_t *const pixels = samples[i] + row * DIGITS_SAMPLE_WIDTH;
            char line[2 * DIGITS_SAMPLE_WIDTH + 1] = {0};
            for (int column = 0; column < DIGITS_SAMPLE_WIDTH; column++) {
                line[2 * column] = line[2 * column + 1] = shades[pixels[column] / 2];
            }
            read = read_row(pixels);
            board_print(line);
            board_print("  a ");
            board_print_number((uint32_t)read);
            board_print(row + 1 < DIGITS_SAMPLE_HEIGHT ? "?\n" : "\n");
        }
        const size_t whole = seen_whole(samples[i]);
        board_print("Seen whole it is a ");
        board_print_number((uint32_t)whole);
        board_print("; it is a ");
        board_print_number(answers[i]);
        board_print(".\n");
        agree += read == whole;
    }
    board_print("\nThe two agree on ");
    board_print_number((uint32_t)agree);
    board_print(" of ");
    board_print_number(SAMPLES);
    board_print(".\n");
    return 0;
}
