typedef struct {
    int32_t rows, depth, smallest;
    const int32_t *exponentials;
} ek_softmax_layer;

static void ek_softmax(const ek_softmax_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t row = 0; row < l->rows; row++, x += l->depth, y += l->depth) {
        int32_t most = -128;
        int32_t sum = 0;
        for (int32_t k = 0; k < l->depth; k++) {
            most = x[k] > most ? x[k] : most;
        }
        for (int32_t k = 0; k < l->depth; k++) {
            if (x[k] - most >= l->smallest) {
                sum += (int32_t)(((uint32_t)l->exponentials[most - x[k]] + (1u << 11)) >> 12);
            }
        }
        const int32_t headroom = ek_headroom((uint32_t)sum);
        const int32_t shift = 12 - headroom + 23;
        const int32_t scale = ek_reciprocal((int32_t)(((uint32_t)sum << headroom) - 0x80000000u));
        for (int32_t k = 0; k < l->depth; k++) {
            int32_t part = 0;
            if (x[k] - most >= l->smallest) {
                part = ek_high_product(scale, l->exponentials[most - x[k]]);
                part = (int32_t)(((int64_t)part + ((int64_t)1 << shift >> 1)) >> shift);
            }
            y[k] = (int8_t)(part > 255 ? 127 : part - 128);
        }
    }
}
