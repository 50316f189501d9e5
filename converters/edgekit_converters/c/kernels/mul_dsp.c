/* Rows of which both operands go on by one value: four products at a time, each in two of 16 bits. */
static inline int32_t ek_mul_result(int32_t product, int32_t doubled, int32_t power, int32_t half) {
    const int32_t value = ek_high_by(product, doubled);
    return ek_rounded(value + (value >> 31), power, half);
}

static void ek_mul_row(const ek_mul_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    const int32_t doubled = ek_doubled(l->y_multiplier), power = 1 << (16 + l->y_shift);
    const int32_t half = (2 * l->y_zero_point + 1) * (1 << 15), low = l->y_min, high = l->y_max;
    const int32_t less_a = -l->a_zero_point, less_b = -l->b_zero_point;
    const int32_t both_a = (int32_t)((uint32_t)less_a << 16 | ((uint32_t)less_a & 0xffffu));
    const int32_t both_b = (int32_t)((uint32_t)less_b << 16 | ((uint32_t)less_b & 0xffffu));
    int8_t *const end = y + l->count, *const fours = y + (l->count & ~3);
    int8_t *to = y;
    for (; to != fours; to += 4, a += 4, b += 4) {
        const uint32_t left = ek_four(a), right = ek_four(b);
        const int32_t even_a = ek_more_even(both_a, left), odd_a = ek_more_odd(both_a, left);
        const int32_t even_b = ek_more_even(both_b, right), odd_b = ek_more_odd(both_b, right);
        to[0] = (int8_t)ek_mul_result((int16_t)even_a * (int16_t)even_b, doubled, power, half);
        to[1] = (int8_t)ek_mul_result((int16_t)odd_a * (int16_t)odd_b, doubled, power, half);
        to[2] = (int8_t)ek_mul_result((even_a >> 16) * (even_b >> 16), doubled, power, half);
        to[3] = (int8_t)ek_mul_result((odd_a >> 16) * (odd_b >> 16), doubled, power, half);
    }
    while (to != end) {
        const int32_t product = (*a++ + less_a) * (*b++ + less_b);
        *to++ = (int8_t)ek_mul_result(product, doubled, power, half);
    }
    if (low > -128 || high < 127) {
        for (to = y; to != end; to++) {
            *to = (int8_t)ek_clamped(*to, low, high);
        }
    }
}

static void ek_mul(const ek_mul_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t row = 0; row < l->rows; row++) {
        const int8_t *left = a + ek_row(row, l->size_1, l->size_2, l->a_0, l->a_1, l->a_2);
        const int8_t *right = b + ek_row(row, l->size_1, l->size_2, l->b_0, l->b_1, l->b_2);
        if (l->quick != 0 && l->a_3 == 1 && l->b_3 == 1) {
            ek_mul_row(l, left, right, y);
            y += l->count;
            continue;
        }
        for (int32_t k = 0; k < l->count; k++, left += l->a_3, right += l->b_3) {
            const int32_t product = (*left - l->a_zero_point) * (*right - l->b_zero_point);
            const int32_t scaled = ek_scaled(product, l->y_multiplier, l->y_shift);
            *y++ = (int8_t)ek_clamped(scaled + l->y_zero_point, l->y_min, l->y_max);
        }
    }
}
