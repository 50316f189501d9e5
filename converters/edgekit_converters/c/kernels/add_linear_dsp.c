static inline int32_t ek_saturated_sum(int32_t sum) {
#if defined(__GNUC__)
    int32_t saturated;
    __asm__("ssat %0, #8, %1, asr #22" : "=r"(saturated) : "r"(sum));
    return saturated;
#else
    return ek_clamped(sum >> 22, -128, 127);
#endif
}

static void ek_add_linear(const ek_add_linear_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    const int32_t p = l->a_factor, q = l->b_factor, offset = l->offset, low = l->y_min, high = l->y_max;
    int8_t *const end = y + l->count, *const fours = y + (l->count & ~3);
    int8_t *to = y;
    for (; to != fours; to += 4, a += 4, b += 4) {
        const int32_t first = a[0] * p + offset, second = a[1] * p + offset;
        const int32_t third = a[2] * p + offset, fourth = a[3] * p + offset;
        const int32_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
        to[0] = (int8_t)ek_saturated_sum(b0 * q + first);
        to[1] = (int8_t)ek_saturated_sum(b1 * q + second);
        to[2] = (int8_t)ek_saturated_sum(b2 * q + third);
        to[3] = (int8_t)ek_saturated_sum(b3 * q + fourth);
    }
    while (to != end) {
        const int32_t sum = *a++ * p + *b++ * q + offset;
        *to++ = (int8_t)ek_saturated_sum(sum);
    }
    if (low > -128 || high < 127) {
        for (to = y; to != end; to++) {
            *to = (int8_t)ek_clamped(*to, low, high);
        }
    }
}
