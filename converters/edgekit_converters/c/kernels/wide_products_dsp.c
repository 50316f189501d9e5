/* Products of int16 values with int8 weights, made as those of int8 values are: the values lie in words as SXTB16 unpacks
 * weights, 0 and 2, 1 and 3. Sums of so many steps of four values fit into 32 bits, whatever the values are:
 * 124 * 4 * 2^7 * 2^15 < 2^31. They are added up in 64 bits. */
#define EK_WIDE_STEPS 124

typedef struct {
    const int8_t *weights;
    const int64_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t depth, channels, low, high;
    int32_t pixel; /* from a pixel's results to the next pixel's */
} ek_wide_results;

/* How the sums of one channel are scaled: by a mantissa of 16 bits, as TFLite does it. */
typedef struct {
    uint64_t half; /* of what is shifted out */
    uint32_t mantissa;
    int32_t places, low, high;
} ek_wide_scaling;

static inline ek_wide_scaling ek_wide_scaling_of(const ek_wide_results *r, int32_t channel) {
    const int32_t multiplier = r->multipliers[channel], places = 15 - r->shifts[channel];
    const ek_wide_scaling s = {
        (uint64_t)1 << (places - 1),
        multiplier < 0x7fff0000 ? (uint32_t)(multiplier + (1 << 15)) >> 16 : 0x7fffu, places, r->low, r->high,
    };
    return s;
}

static inline int16_t ek_wide_result(int64_t sum, const ek_wide_scaling *s) {
    const uint64_t product = (uint64_t)sum * s->mantissa + s->half;
    const int32_t upper = (int32_t)(product >> 32);
    const int32_t value = s->places < 32 ? (int32_t)((uint32_t)product >> s->places | (uint32_t)upper << (32 - s->places))
                                         : upper >> (s->places - 32);
    return (int16_t)ek_clamped(value, s->low, s->high);
}

/* Four values as two words. */
static inline void ek_wide_unpack(uint32_t first, uint32_t second, int64_t *to) {
    const int32_t even = ek_lower_halves((int32_t)first, (int32_t)second);
    const int32_t odd = ek_upper_halves((int32_t)first, (int32_t)second);
    EK_SET_PAIR(even, odd, to);
}

/* Values, with zeros behind the last; every fourth value begins a pair of words, `step` pairs further on. */
static void ek_wide_unpacked(const int16_t *from, int32_t count, int64_t *to, int32_t step) {
    const int16_t *const fours = from + (count & ~3);
    for (; from != fours; from += 4, to += step) {
        ek_wide_unpack(ek_word((const int8_t *)from), ek_word((const int8_t *)(from + 2)), to);
    }
    if ((count & 3) != 0) {
        int16_t rest[4] = {0, 0, 0, 0};
        memcpy(rest, from, (size_t)(count & 3) * sizeof *rest);
        ek_wide_unpack(ek_word((const int8_t *)rest), ek_word((const int8_t *)(rest + 2)), to);
    }
}

#ifdef EK_PART_MANY
/* All channels of four pixels to EK_PIXELS, whose values lie in turns: four of each, then the next four of each. */
static EK_APART void ek_wide_products(const ek_wide_results *r, const int64_t *x, int32_t pixels, int16_t *y) {
    const int32_t steps = (r->depth + 3) / 4, back = r->depth - 4 * steps;
    const int8_t *w = r->weights;
    for (int32_t channel = 0; channel < r->channels; channel++, w += back) {
        const int64_t *a = x, bias = r->bias[channel];
        int64_t sums[EK_PIXELS] = {bias, bias, bias, bias, bias, bias};
        for (int32_t left = steps, now; left > 0; left -= now) {
            now = left < EK_WIDE_STEPS ? left : EK_WIDE_STEPS;
            const int64_t *const end = a + now * EK_PIXELS;
            int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, a4 = 0, a5 = 0;
            EK_SUMS(w, a, end, -now & 3);
            sums[0] += a0, sums[1] += a1, sums[2] += a2, sums[3] += a3, sums[4] += a4, sums[5] += a5;
        }
        const ek_wide_scaling scaling = ek_wide_scaling_of(r, channel);
        int16_t *to = y + channel;
        for (int32_t pixel = 0; pixel < pixels; pixel++, to += r->pixel) {
            *to = ek_wide_result(sums[pixel], &scaling);
        }
    }
}
#endif

#ifdef EK_PART_ONE
/* All channels of one pixel, four at a time: there, the values of the image are what is shared. */
static EK_APART void ek_wide_products_of_one(const ek_wide_results *r, const int64_t *x, int16_t *y) {
    const int32_t depth = r->depth, steps = (depth + 3) / 4;
    const int8_t *w = r->weights;
    for (int32_t channel = 0, count; channel < r->channels; channel += count, w += count * depth) {
        count = r->channels - channel < 4 ? 1 : 4;
        int64_t totals[4];
        memcpy(totals, r->bias + channel, (size_t)count * sizeof *totals);
        for (int32_t at = 0, now; at < steps; at += now) {
            now = steps - at < EK_WIDE_STEPS ? steps - at : EK_WIDE_STEPS;
            int32_t sums[4] = {0, 0, 0, 0}, even, odd, low, high;
            if (count == 4) {
                ek_fours_of_four(w + 4 * at, depth, x + at, x + at + now, sums);
            } else {
                const int8_t *from = w + 4 * at;
                for (const int64_t *a = x + at; a != x + at + now; a++) {
                    EK_PAIR(low, high, a, 0);
                    EK_OF_ONE(from, sums[0]);
                }
            }
            for (int32_t k = 0; k < count; k++) {
                totals[k] += sums[k];
            }
        }
        for (int32_t k = 0; k < count; k++) {
            const ek_wide_scaling scaling = ek_wide_scaling_of(r, channel + k);
            y[channel + k] = ek_wide_result(totals[k], &scaling);
        }
    }
}
#endif

/* Pixels whose values lie in turns: one alone, or a block. */
static void ek_wide_products_of(const ek_wide_results *r, const int64_t *x, int32_t pixels, int16_t *y) {
#ifdef EK_PART_ONE
    if (pixels == 1) {
        ek_wide_products_of_one(r, x, y);
    }
#endif
#ifdef EK_PART_MANY
    if (pixels != 1) {
        ek_wide_products(r, x, pixels, y);
    }
#endif
}
