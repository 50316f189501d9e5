/* SPDX-License-Identifier: Apache-2.0 */
/* Draws digits that the training did not see, and says which the model takes each for. */
#include "board.h"
#include "digits.h"
#include "samples.h"

#include <stddef.h>

static uint8_t arena[DIGITS_ARENA_BYTES] __attribute__((aligned(DIGITS_ARENA_ALIGN)));

static void draw(const uint8_t *pixels) {
    static const char shades[] = " .:-=+*#@";
    for (int row = 0; row < DIGITS_SAMPLE_HEIGHT; row++) {
        char line[2 * DIGITS_SAMPLE_WIDTH + 2];
        for (int column = 0; column < DIGITS_SAMPLE_WIDTH; column++) {
            const char shade = shades[pixels[row * DIGITS_SAMPLE_WIDTH + column] / 2];
            line[2 * column] = shade;
            line[2 * column + 1] = shade;
        }
        line[2 * DIGITS_SAMPLE_WIDTH] = '\n';
        line[2 * DIGITS_SAMPLE_WIDTH + 1] = '\0';
        board_print(line);
    }
}

static void show(const int8_t *scores) {
    for (size_t digit = 0; digit < DIGITS_OUTPUT_0_ELEMENTS; digit++) {
        const int percent = (int)(100.0f * digits_dequantize_output_0(scores[digit]) + 0.5f);
        board_print("  ");
        board_print(digits_labels[digit]);
        board_print(" ");
        for (int bar = 0; bar < percent; bar += 5) {
            board_print("#");
        }
        board_print("\n");
    }
}

int main(void) {
    int right = 0;
    const int broken = digits_selftest(arena, sizeof arena);
    board_print(broken == 0 ? "The self-test passes.\n\n" : "The self-test FAILS.\n");
    if (broken != 0) {
        return 1;
    }
    for (int i = 0; i < SAMPLES; i++) {
        /* Both lie in the arena: nothing is copied. */
        int8_t *const input = (int8_t *)arena + DIGITS_INPUT_0_OFFSET;
        int8_t *const scores = (int8_t *)arena + DIGITS_OUTPUT_0_OFFSET;
        const digits_inputs inputs = {input};
        digits_outputs outputs = {scores};
        if (digits_preprocess_uint8(samples[i], DIGITS_SAMPLE_WIDTH, input) != DIGITS_OK ||
            digits_run(&inputs, &outputs, NULL, arena, sizeof arena) != DIGITS_OK) {
            return 2;
        }
        const size_t answer = digits_top1(scores);
        draw(samples[i]);
        board_print("\nThe model says ");
        board_print(digits_labels[answer]);
        board_print("; it is ");
        board_print_number(answers[i]);
        board_print(".\n");
        show(scores);
        board_print("\n");
        right += answer == answers[i];
    }
    board_print_number((uint32_t)right);
    board_print(" of ");
    board_print_number(SAMPLES);
    board_print(" are right.\n");
    return 0;
}
