typedef struct {
    int32_t rows, depth, smallest;
    const int32_t *exponentials;
} ek_softmax_layer;

/* Bits above the highest one that is set. */
static int32_t ek_softmax_headroom(uint32_t value) {
    int32_t bits = 0;
    while (value < 0x80000000u) {
        value <<= 1;
        bits++;
    }
    return bits;
}

static int32_t ek_softmax_product(int32_t left, int32_t right) {
    return (int32_t)(((int64_t)left * right + ((int64_t)1 << 30)) >> 31);
}

/* 4 * value, saturated. */
static int32_t ek_softmax_fourfold(int32_t value) {
    return value > 0x1fffffff ? 0x7fffffff : value < -0x1fffffff ? -0x7fffffff - 1 : value * 4;
}

/* 1 / (1 + value) for a value in [0, 1): three steps of Newton and Raphson, with two bits before the point. */
static int32_t ek_softmax_reciprocal(int32_t value) {
    const int32_t half = (int32_t)(((int64_t)value + 0x7fffffff + 1) / 2);
    int32_t x = 1515870810 + ek_softmax_product(half, -1010580540);
    for (int i = 0; i < 3; i++) {
        x += ek_softmax_fourfold(ek_softmax_product(x, (1 << 29) - ek_softmax_product(half, x)));
    }
    return x > 0x3fffffff ? 0x7fffffff : x * 2;
}

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
        const int32_t headroom = ek_softmax_headroom((uint32_t)sum);
        const int32_t shift = 12 - headroom + 23;
        const int32_t scale = ek_softmax_reciprocal((int32_t)(((uint32_t)sum << headroom) - 0x80000000u));
        for (int32_t k = 0; k < l->depth; k++) {
            int32_t part = 0;
            if (x[k] - most >= l->smallest) {
                part = ek_softmax_product(scale, l->exponentials[most - x[k]]);
                part = (int32_t)(((int64_t)part + ((int64_t)1 << shift >> 1)) >> shift);
            }
            y[k] = (int8_t)(part > 255 ? 127 : part - 128);
        }
    }
}
