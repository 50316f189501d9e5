typedef struct {
    int32_t rows, depth, multiplier, shift;
    const int16_t *exponentials;
    const int16_t *reciprocals;
} ek_softmax_int16_layer;

/* A function of a number of 16 bits: 512 steps, and a line between two of them. */
static int32_t ek_softmax_int16_between(const int16_t *table, int32_t value) {
    const int32_t place = 256 + (value >> 7);
    const int32_t slope = (int16_t)(table[place + 1] - table[place]);
    return (int16_t)(table[place] + ((slope * (value & 0x7f) + 64) >> 7));
}

static void ek_softmax_int16(const ek_softmax_int16_layer *l, const int16_t *x, int16_t *y) {
    for (int32_t row = 0; row < l->rows; row++, x += l->depth, y += l->depth) {
        int32_t most = -32768;
        int32_t sum = 0;
        int32_t bits = 0;
        for (int32_t k = 0; k < l->depth; k++) {
            most = x[k] > most ? x[k] : most;
        }
        for (int32_t k = 0; k < l->depth; k++) {
            const int32_t difference = ek_scaled(x[k] - most, l->multiplier, l->shift);
            const int32_t part =
                ek_softmax_int16_between(l->exponentials, ek_clamped(difference + 32767, -32768, 32767));
            y[k] = (int16_t)part;
            sum += part;
        }
        while (bits < 32 && (uint32_t)sum >> bits != 0) {
            bits++;
        }
        const int32_t lifted = (int32_t)((((int64_t)sum << (31 - bits)) + (1 << 13)) >> 14);
        const int32_t scale = ek_softmax_int16_between(l->reciprocals, ek_clamped(lifted - 98304, -32768, 32767));
        for (int32_t k = 0; k < l->depth; k++) {
            const int32_t part = (int32_t)(((int64_t)y[k] * scale + ((int64_t)1 << (bits - 2))) >> (bits - 1));
            y[k] = (int16_t)ek_clamped(part, 0, 32767);
        }
    }
}
