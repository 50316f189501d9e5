typedef struct {
    int32_t rows, depth, x_zero_point;
} ek_l2_normalization_layer;

/* 1 / sqrt(value) as a multiplier; its power of two goes to `shift`: five steps of Newton and Raphson. */
static int32_t ek_l2_normalization_root(int32_t value, int32_t *shift) {
    int32_t right = 11;
    if (value <= 1) {
        *shift = 0;
        return 0x7fffffff;
    }
    while (value >= 1 << 29) {
        value /= 4;
        right++;
    }
    const int32_t pairs = (ek_headroom((uint32_t)value) - 1) / 2 - 1;
    right -= pairs;
    const int32_t half = ((value << (2 * pairs)) / 2 + 1) / 2;
    int32_t x = 1 << 28;
    for (int i = 0; i < 5; i++) {
        const int32_t cube = ek_saturated_word((int64_t)ek_high_product(ek_high_product(x, x), x) * 64);
        x = ek_saturated_word(((int64_t)ek_high_product((1 << 28) + (1 << 27), x) - ek_high_product(half, cube)) * 8);
    }
    x = ek_high_product(x, 1518500250);
    *shift = right < 0 ? 0 : -right;
    return right < 0 ? x * (1 << -right) : x;
}

static void ek_l2_normalization(const ek_l2_normalization_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t row = 0; row < l->rows; row++, x += l->depth, y += l->depth) {
        int32_t sum = 0;
        int32_t shift = 0;
        for (int32_t k = 0; k < l->depth; k++) {
            sum += (x[k] - l->x_zero_point) * (x[k] - l->x_zero_point);
        }
        const int32_t multiplier = ek_l2_normalization_root(sum, &shift);
        for (int32_t k = 0; k < l->depth; k++) {
            const int32_t value = ek_scaled(x[k] - l->x_zero_point, multiplier, shift + 7);
            y[k] = (int8_t)ek_clamped(value, -128, 127);
        }
    }
}
