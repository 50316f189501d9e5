typedef struct {
    int32_t rows, depth, smallest, radius, multiplier, shift, divisor, divisor_shift;
    const int32_t *exponentials;
} ek_log_softmax_layer;

/* value / 2^power, halves away from zero. */
static int32_t ek_log_softmax_divided(int32_t value, int32_t power) {
    const int32_t mask = (1 << power) - 1;
    return (value >> power) + ((value & mask) > (mask >> 1) + (value < 0 ? 1 : 0) ? 1 : 0);
}

/* The logarithm of a sum of at least 1 that has 12 bits before the point; the result has 5. */
static int32_t ek_log_softmax_logarithm(int32_t sum) {
    const int32_t root = 1805811301; /* of the square root of 1/2 */
    const int32_t bits = ek_headroom((uint32_t)sum);
    const int32_t first = ek_saturated_word((int64_t)ek_high_product(sum << (bits - 1), 1518500250) * 2);
    const int32_t first_power = (12 - bits) * (1 << 25) + (1 << 23);
    const int32_t fewer = ek_headroom((uint32_t)ek_high_product(sum, 1518500250)) - 1;
    const int32_t second = ek_saturated_word((int64_t)sum << fewer);
    const int32_t second_power = (12 - fewer) * (1 << 25) - (1 << 23);
    const int32_t r = first < second ? first : second;
    const int32_t power = first_power > second_power ? first_power : second_power;
    const int32_t p = (int32_t)(((int64_t)r + root + 1) / 2);
    const int32_t q = (r - root) * 2;
    const int32_t square = ek_high_product(q, q);
    const int32_t above = ek_high_product(q, r) + ek_high_product(ek_high_product(q, square), 117049297);
    const int32_t below = ek_high_product(p, 1057819769 + q + ek_high_product(127690142, square)) + ek_high_product(638450708, q);
    const int32_t quotient = ek_high_product(ek_log_softmax_divided(above, 6), ek_reciprocal(below));
    return (ek_high_product(power, 1488522236) + quotient) * 2;
}

static void ek_log_softmax(const ek_log_softmax_layer *l, const int8_t *x, int8_t *y) {
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
        const int32_t logarithm = ek_log_softmax_logarithm(sum);
        const int32_t far = ek_scaled(logarithm + (-0x7fffffff - 1), l->divisor, l->divisor_shift);
        const int32_t below = far > -l->radius - 1 ? far : -l->radius - 1;
        for (int32_t k = 0; k < l->depth; k++) {
            int32_t value = -128;
            if (x[k] - most > below) {
                const int32_t difference = ek_scaled(x[k] - most, l->multiplier, l->shift);
                value = ek_log_softmax_divided(difference - logarithm, 22) + 127;
            }
            y[k] = (int8_t)ek_clamped(value, -128, 127);
        }
    }
}
