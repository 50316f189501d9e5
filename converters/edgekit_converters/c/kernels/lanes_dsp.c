/* Four values of int8 in a word. */
static inline uint32_t ek_four(const int8_t *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Two sums of 16 bits more by the even ones of four values, and by the odd ones. */
static inline int32_t ek_more_even(int32_t sums, uint32_t four) {
    return (int32_t)__sxtab16((int16x2_t)sums, (int8x4_t)four);
}

static inline int32_t ek_more_odd(int32_t sums, uint32_t four) {
#if defined(__GNUC__)
    int32_t more;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(more) : "r"(sums), "r"(four));
    return more;
#else
    return (int32_t)__sxtab16((int16x2_t)sums, (int8x4_t)(four >> 8 | four << 24));
#endif
}

/* Adds up values of four channels, 256 at a time: so many fit into 16 bits. */
static void ek_four_sums(const int8_t *x, int32_t rows, int32_t row_step, int32_t count, int32_t step, int32_t *sums) {
    int32_t even = 0, odd = 0, room = 256;
    for (int32_t row = 0; row < rows; row++, x += row_step) {
        const int8_t *from = x;
        for (int32_t left = count; left > 0;) {
            const int32_t now = left < room ? left : room;
            for (int32_t n = now; n > 0; n--, from += step) {
                const uint32_t four = ek_four(from);
                even = ek_more_even(even, four);
                odd = ek_more_odd(odd, four);
            }
            left -= now;
            room -= now;
            if (room == 0 || (left == 0 && row + 1 == rows)) {
                sums[0] += (int16_t)even, sums[1] += (int16_t)odd;
                sums[2] += even >> 16, sums[3] += odd >> 16;
                even = odd = 0;
                room = 256;
            }
        }
    }
}
