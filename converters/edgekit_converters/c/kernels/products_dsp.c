/* Products two at a time. Four int8 values make two words of int16 values: the even ones, (0, 2), and the odd ones,
 * (1, 3), as SXTB16 unpacks them. Weights are unpacked as they are used; the values of the image are unpacked once, and
 * taken by all channels. Compilers have no intrinsics for what is written in assembler here. */
#define EK_PIXELS 6 /* Results that share a weight: as many as there are registers for. */

#if defined(__GNUC__)
#define EK_APART __attribute__((noinline)) /* An inner loop wants all registers for itself. */
#define EK_MAYBE __attribute__((unused))   /* Assembler says otherwise what some of it is for. */
#else
#define EK_APART
#define EK_MAYBE
#endif

static inline EK_MAYBE int32_t ek_even(uint32_t bytes) {
    return (int32_t)__sxtb16((int8x4_t)bytes);
}

static inline EK_MAYBE int32_t ek_odd(uint32_t bytes) {
#if defined(__GNUC__)
    int32_t values;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(values) : "r"(bytes));
    return values;
#else
    return (int32_t)__sxtb16((int8x4_t)(bytes >> 8 | bytes << 24));
#endif
}

/* (value * multiplier + 2^31) / 2^32, rounded down. */
static inline int32_t ek_high_of_double(int32_t value, int32_t multiplier) {
#if defined(__GNUC__)
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(value), "r"(multiplier));
    return high;
#else
    return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << 31)) >> 32);
#endif
}

/* The product at bit 31, rounded: of a value that may be doubled. */
static inline int32_t ek_high(int32_t value, int32_t multiplier) {
    return ek_high_of_double(value * 2, multiplier);
}

/* The same in one instruction, by twice the multiplier less 2^32: multipliers have the bit 2^30, so that this is negative,
 * and what it lacks is the value itself, 2^32 times. */
static inline int32_t ek_doubled(int32_t multiplier) {
    return (int32_t)((uint32_t)multiplier * 2u);
}

static inline EK_MAYBE int32_t ek_high_by(int32_t value, int32_t doubled) {
#if defined(__GNUC__)
    int32_t high;
    __asm__("smmlar %0, %1, %2, %1" : "=r"(high) : "r"(value), "r"(doubled));
    return high;
#else
    return (int32_t)(((int64_t)value * doubled + ((int64_t)1 << 31)) >> 32) + value;
#endif
}

/* Two int16 values, from the lower or the upper halves of two words. */
static inline int32_t ek_lower_halves(int32_t first, int32_t second) {
#if defined(__GNUC__)
    int32_t both;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(both) : "r"(first), "r"(second));
    return both;
#else
    return (int32_t)(((uint32_t)first & 0xffffu) | (uint32_t)second << 16);
#endif
}

static inline int32_t ek_upper_halves(int32_t first, int32_t second) {
#if defined(__GNUC__)
    int32_t both;
    __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(both) : "r"(first), "r"(second));
    return both;
#else
    return (int32_t)((uint32_t)first >> 16 | ((uint32_t)second & 0xffff0000u));
#endif
}

static inline uint32_t ek_word(const int8_t *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* A pair of words in one instruction: compilers take a pair apart again. */
typedef uint8_t ek_pair_bytes[8];
#if defined(__GNUC__)
#define EK_PAIR(low, high, from, place)                                                    \
    __asm__("ldrd %0, %1, [%2, %3]"                                                        \
            : "=r"(low), "=r"(high)                                                        \
            : "r"(from), "i"(8 * (place)), "m"(((const ek_pair_bytes *)(const void *)(from))[place]))
#define EK_SET_PAIR(low, high, to) \
    __asm__("strd %1, %2, [%3]" : "=m"(*(ek_pair_bytes *)(void *)(to)) : "r"(low), "r"(high), "r"(to))
#else
#define EK_PAIR(low, high, from, place) \
    ((void)((low) = ((const int32_t *)(from))[2 * (place)], (high) = ((const int32_t *)(from))[2 * (place) + 1]))
#define EK_SET_PAIR(low, high, to) \
    ((void)(((int32_t *)(to))[0] = (int32_t)(low), ((int32_t *)(to))[1] = (int32_t)(high)))
#endif

static inline void ek_unpack(uint32_t bytes, int64_t *to) {
    const int32_t even = ek_even(bytes), odd = ek_odd(bytes);
    EK_SET_PAIR(even, odd, to);
}

/* Unpacks values, with zeros behind the last; every fourth value begins a pair of words, `step` pairs further on. */
static int64_t *ek_unpacked(const int8_t *from, int32_t count, int64_t *to, int32_t step) {
    const int8_t *const sixteens = from + (count & ~15);
    const int8_t *const fours = from + (count & ~3);
    for (; from != sixteens; from += 16, to += step) {
        ek_unpack(ek_word(from), to);
        to += step;
        ek_unpack(ek_word(from + 4), to);
        to += step;
        ek_unpack(ek_word(from + 8), to);
        to += step;
        ek_unpack(ek_word(from + 12), to);
    }
    for (; from != fours; from += 4, to += step) {
        ek_unpack(ek_word(from), to);
    }
    const int32_t rest = count & 3;
    if (rest != 0) {
        uint32_t bytes = 0;
        if (count > 4) {
            bytes = ek_word(from + rest - 4) >> (32 - 8 * rest);
        } else {
            for (int32_t k = 0; k < rest; k++) {
                bytes |= (uint32_t)(uint8_t)from[k] << (8 * k);
            }
        }
        ek_unpack(bytes, to);
        to += step;
    }
    return to;
}

/* The same for one value, a multiple of four times. */
static int64_t *ek_repeated(int32_t value, int32_t count, int64_t *to, int32_t step) {
    const uint32_t pair = (uint32_t)value << 16 | ((uint32_t)value & 0xffffu);
    for (; count > 0; count -= 4, to += step) {
        EK_SET_PAIR(pair, pair, to);
    }
    return to;
}

/* Copies a few bytes: less than a call of memcpy takes. The last word may lie across the one before it. */
static inline int8_t *ek_copied(const int8_t *from, int32_t count, int8_t *to) {
    int8_t *const end = to + count;
    if (count < 4) {
        if ((count & 2) != 0) {
            memcpy(to, from, 2);
            to += 2, from += 2;
        }
        if ((count & 1) != 0) {
            *to = *from;
        }
        return end;
    }
    const int8_t *const last = from + count - 4;
    for (; from < last; from += 4, to += 4) {
        memcpy(to, from, 4);
    }
    memcpy(end - 4, last, 4);
    return end;
}

/* The same for one value. */
static inline int8_t *ek_filled(int32_t value, int32_t count, int8_t *to) {
    int8_t *const end = to + count;
    const uint32_t four = ((uint32_t)value & 0xffu) * 0x01010101u;
    if (count < 4) {
        while (to != end) {
            *to++ = (int8_t)value;
        }
        return end;
    }
    for (int8_t *const last = end - 4; to < last; to += 4) {
        memcpy(to, &four, 4);
    }
    memcpy(end - 4, &four, 4);
    return end;
}

/* Four more products for one sum. */
#define EK_FOUR(even, odd, from, place, sum)                 \
    do {                                                     \
        EK_PAIR(low, high, from, place);                     \
        sum = __smlad(odd, high, __smlad(even, low, sum));   \
    } while (0)

/* Matrices of weights, and what becomes of the sums. */
typedef struct {
    const int8_t *weights;
    const int32_t *bias, *multipliers;
    const int8_t *shifts;
    int32_t depth, channels;
    int32_t zero_point, low, high;
    int32_t pixel; /* bytes from a pixel's results to the next pixel's */
    int32_t least; /* shifts from here to -1 are those of the short way */
    int32_t half;  /* (2 * zero_point + 1) * 2^15 */
} ek_results;

/* How the sums of one channel are scaled.
 *
 * With a shift of -1 to -22, scaling is one product, and one addition and one shift for the rounding power of two and
 * the zero point. Negative halves are rounded away from zero, so 1 is taken off negative values first, but not where all
 * that is negative ends as the zero point anyway, by the activation.
 *
 * `ek_products` knows of most layers that no result, before it is cut off, leaves 14 bits. There, the power of two is a
 * product with its complement to 2^16, which takes the addition with it; what is left is a shift by 16.
 */
typedef struct {
    int32_t multiplier, shift, addend, zero_point, low, high;
} ek_scaling;

static inline ek_scaling ek_scaling_of(const ek_results *r, int32_t channel) {
    ek_scaling s = {r->multipliers[channel], r->shifts[channel], 0, r->zero_point, r->low, r->high};
    if (s.shift <= -1 && s.shift >= -22) {
        s.addend = (s.zero_point * 2 + 1) * (1 << (-s.shift - 1)); /* an odd number, so never 0 */
    }
    return s;
}

static inline int32_t ek_saturated(int32_t value) {
#if defined(__GNUC__)
    int32_t saturated;
    __asm__("ssat %0, #8, %1" : "=r"(saturated) : "r"(value));
    return saturated;
#else
    return (int32_t)__ssat(value, 8);
#endif
}

/* The upper half of value * power + half. Compilers would shift, which takes one instruction more. */
static inline EK_MAYBE int32_t ek_rounded(int32_t value, int32_t power, int32_t half) {
#if defined(__GNUC__)
    int32_t rounded;
    __asm__("mla %0, %1, %2, %3\n\tssat %0, #8, %0, asr #16" : "=r"(rounded) : "r"(value), "r"(power), "r"(half));
    return rounded;
#else
    return (int32_t)__ssat((value * power + half) >> 16, 8);
#endif
}

#ifdef EK_PART_LONG_SCALING
static EK_APART int32_t ek_result(int32_t sum, ek_scaling s) {
    if (s.addend == 0) {
        return ek_clamped(ek_scaled(sum, s.multiplier, s.shift) + s.zero_point, s.low, s.high);
    }
    int32_t value = ek_high(sum, s.multiplier);
    value = (value + (value >> 31) + s.addend) >> -s.shift;
    return ek_clamped(value, s.low, s.high);
}
#endif

#ifdef EK_PART_SUMS
/* The products of one channel's weights with the values of EK_PIXELS pixels, in steps of four. The loop has four steps, and
 * is entered at the one with which the last ends it: `skipped` are those before. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_UNALIGNED) && defined(__thumb2__)
#define EK_STEP_OF(a, at)                           \
    "ldrd %[low], %[high], [%[x]" at "\n\t"         \
    "smlad %[" a "], %[even], %[low], %[" a "]\n\t" \
    "smlad %[" a "], %[odd], %[high], %[" a "]\n\t"
#define EK_STEP                                                                                              \
    "ldr %[odd], [%[w]], #4\n\t"                                                                             \
    "sxtb16 %[even], %[odd]\n\t"                                                                             \
    "sxtb16 %[odd], %[odd], ror #8\n\t" EK_STEP_OF("a1", ", #8]") EK_STEP_OF("a2", ", #16]") EK_STEP_OF("a3", ", #24]") \
        EK_STEP_OF("a4", ", #32]") EK_STEP_OF("a5", ", #40]") EK_STEP_OF("a0", "], #48")
#define EK_SUMS(weight, value, last, skipped)                                                                          \
    do {                                                                                                     \
        int32_t even_ = (skipped), odd_, low_, high_;                                                        \
        __asm__("tbb [pc, %[even]]\n"                                                                        \
                "10:\n\t"                                                                                    \
                ".byte (20f - 10b) / 2, (21f - 10b) / 2, (22f - 10b) / 2, (23f - 10b) / 2\n"                 \
                "20:\n\t" EK_STEP "21:\n\t" EK_STEP "22:\n\t" EK_STEP "23:\n\t" EK_STEP                      \
                "cmp %[x], %[end]\n\t"                                                                       \
                "bne 20b"                                                                                    \
                : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [a4] "+r"(a4), [a5] "+r"(a5),  \
                  [even] "+r"(even_), [odd] "=&r"(odd_), [low] "=&r"(low_), [high] "=&r"(high_),             \
                  [w] "+r"(weight), [x] "+r"(value)                                                                   \
                : [end] "r"(last)                                                                             \
                : "cc", "memory");                                                                           \
    } while (0)
#else
#define EK_SUMS(weight, value, last, skipped)                     \
    for ((void)(skipped); (value) != (last); (value) += EK_PIXELS, (weight) += 4) { \
        const int32_t even = ek_even(ek_word(weight)), odd = ek_odd(ek_word(weight)); \
        int32_t low, high;                              \
        EK_FOUR(even, odd, value, 0, a0);                   \
        EK_FOUR(even, odd, value, 1, a1);                   \
        EK_FOUR(even, odd, value, 2, a2);                   \
        EK_FOUR(even, odd, value, 3, a3);                   \
        EK_FOUR(even, odd, value, 4, a4);                   \
        EK_FOUR(even, odd, value, 5, a5);                   \
    }
#endif
#endif

#ifdef EK_PART_MANY
#define EK_EACH(what) (what(a0), what(a1), what(a2), what(a3), what(a4), what(a5))
#define EK_NOTHING(a) a = 0
#define EK_HIGH(a) a = ek_high_by(a, doubled)
#define EK_AWAY(a) a += a >> 31
#define EK_ROUND(a) a = ek_rounded(a, power, half)
#define EK_CLAMP(a) a = ek_clamped(a, low, high)

#ifdef EK_PART_LONG_SCALING
/* Results of one channel that are scaled in the long way. */
static EK_APART void ek_results_any(const ek_results *r, int32_t channel, const int32_t *sums, int32_t pixels, int8_t *y) {
    const ek_scaling s = ek_scaling_of(r, channel);
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        y[pixel * r->pixel] = (int8_t)ek_result(sums[pixel], s);
    }
}
#endif

/* All channels of four pixels to EK_PIXELS, whose values lie in turns: four of each, then the next four of each. */
static EK_APART void ek_products(const ek_results *r, const int64_t *x, int32_t pixels, int8_t *y) {
    const int8_t *w = r->weights;
    const int64_t *const end = x + (r->depth + 3) / 4 * EK_PIXELS;
    const int32_t skipped = (4 - (r->depth + 3) / 4 % 4) % 4;
    const int32_t back = r->depth - (r->depth + 3) / 4 * 4;
    const int32_t least = r->least < 0 ? r->least : 64; /* above every shift */
    const int32_t away = r->low < r->zero_point, clamps = r->low > -128 || r->high < 127;
    for (int32_t channel = 0; channel < r->channels; channel++) {
        const int64_t *a = x;
        int32_t a0 = r->bias[channel], a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
        EK_SUMS(w, a, end, skipped);
        w += back;
        const uint32_t left = (uint32_t)(r->shifts[channel] - least); /* to a shift by 16 */
        const int32_t multiplier = r->multipliers[channel];
#ifdef EK_PART_LONG_SCALING
        if (left > 15) {
            const int32_t sums[EK_PIXELS] = {a0, a1, a2, a3, a4, a5};
            ek_results_any(r, channel, sums, pixels, y + channel);
            continue;
        }
#endif
        if (multiplier == 0) { /* ek_high_by takes none */
            EK_EACH(EK_NOTHING);
        }
        const int32_t doubled = ek_doubled(multiplier), power = 1 << left, half = r->half;
        EK_EACH(EK_HIGH);
        if (away) {
            EK_EACH(EK_AWAY);
        }
        EK_EACH(EK_ROUND);
        if (clamps) {
            const int32_t low = r->low, high = r->high;
            EK_EACH(EK_CLAMP);
        }
        const int32_t pixel = r->pixel;
        int8_t *const to = y + channel, *const three = to + 3 * pixel;
        to[0] = (int8_t)a0;
        to[pixel] = (int8_t)a1;
        to[2 * pixel] = (int8_t)a2;
        three[0] = (int8_t)a3;
        if (pixels == EK_PIXELS) {
            three[pixel] = (int8_t)a4;
            three[2 * pixel] = (int8_t)a5;
        } else if (pixels > 4) {
            three[pixel] = (int8_t)a4;
        }
    }
}

#undef EK_EACH
#undef EK_NOTHING
#undef EK_HIGH
#undef EK_AWAY
#undef EK_ROUND
#undef EK_CLAMP
#endif

#ifdef EK_PART_FOURS
/* Four products of one channel with the values in `low` and `high`. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_UNALIGNED)
#define EK_OF_ONE(w, sum)                                                              \
    __asm__("ldr %[odd], [%[from]], #4\n\t"                                            \
            "sxtb16 %[even], %[odd]\n\t"                                               \
            "sxtb16 %[odd], %[odd], ror #8\n\t"                                        \
            "smlad %[a], %[even], %[low], %[a]\n\t"                                    \
            "smlad %[a], %[odd], %[high], %[a]"                                        \
            : [from] "+r"(w), [a] "+r"(sum), [even] "=&r"(even), [odd] "=&r"(odd)      \
            : [low] "r"(low), [high] "r"(high))
#else
#define EK_OF_ONE(w, sum)                                                                                   \
    (even = ek_even(ek_word(w)), odd = ek_odd(ek_word(w)), sum = __smlad(odd, high, __smlad(even, low, sum)), \
     w += 4)
#endif
#define EK_OF_FOUR(k)            \
    do {                         \
        EK_PAIR(low, high, a, k); \
        EK_OF_ONE(w0, a0);       \
        EK_OF_ONE(w1, a1);       \
        EK_OF_ONE(w2, a2);       \
        EK_OF_ONE(w3, a3);       \
    } while (0)
#endif

#ifdef EK_PART_EIGHTS
/* Eight products of one channel, whose weights lie as words do. */
#if defined(__GNUC__)
#define EK_EIGHT_OF_ONE(w, sum)                                                                  \
    __asm__("ldrd %[first], %[second], [%[from]], #8\n\t"                                        \
            "sxtb16 %[even], %[first]\n\t"                                                       \
            "sxtb16 %[first], %[first], ror #8\n\t"                                              \
            "smlad %[a], %[even], %[x0], %[a]\n\t"                                               \
            "smlad %[a], %[first], %[x1], %[a]\n\t"                                              \
            "sxtb16 %[even], %[second]\n\t"                                                      \
            "sxtb16 %[second], %[second], ror #8\n\t"                                            \
            "smlad %[a], %[even], %[x2], %[a]\n\t"                                               \
            "smlad %[a], %[second], %[x3], %[a]"                                                 \
            : [from] "+r"(w), [a] "+r"(sum), [even] "=&r"(even), [first] "=&r"(odd), [second] "=&r"(second) \
            : [x0] "r"(low), [x1] "r"(high), [x2] "r"(low2), [x3] "r"(high2))
#define EK_EIGHT_OF_THREE(k)            \
    do {                                \
        EK_PAIR(low, high, a, k);       \
        EK_PAIR(low2, high2, a, k + 1); \
        EK_EIGHT_OF_ONE(w0, a0);        \
        EK_EIGHT_OF_ONE(w1, a1);        \
        EK_EIGHT_OF_ONE(w2, a2);        \
    } while (0)
#endif

/* Sums of three channels, for the first steps of eight values. */
#if defined(__GNUC__)
static EK_APART void ek_eights_of_three(const int8_t *w0, int32_t depth, const int64_t *a, const int64_t *end, int32_t *sums) {
    const int8_t *w1 = w0 + depth, *w2 = w1 + depth;
    int32_t a0 = sums[0], a1 = sums[1], a2 = sums[2], even, odd, second, low, high, low2, high2;
    for (; (end - a) % 8 != 0; a += 2) {
        EK_EIGHT_OF_THREE(0);
    }
    for (; a != end; a += 8) {
        EK_EIGHT_OF_THREE(0);
        EK_EIGHT_OF_THREE(2);
        EK_EIGHT_OF_THREE(4);
        EK_EIGHT_OF_THREE(6);
    }
    sums[0] = a0, sums[1] = a1, sums[2] = a2;
}
#endif
#endif

#ifdef EK_PART_FOURS
/* Sums of four channels. */
static EK_APART void ek_fours_of_four(const int8_t *w0, int32_t depth, const int64_t *a, const int64_t *end, int32_t *sums) {
    const int8_t *w1 = w0 + depth, *w2 = w1 + depth, *w3 = w2 + depth;
    int32_t a0 = sums[0], a1 = sums[1], a2 = sums[2], a3 = sums[3], even, odd, low, high;
    for (; end - a >= 4; a += 4) {
        EK_OF_FOUR(0);
        EK_OF_FOUR(1);
        EK_OF_FOUR(2);
        EK_OF_FOUR(3);
    }
    for (; a != end; a++) {
        EK_OF_FOUR(0);
    }
    sums[0] = a0, sums[1] = a1, sums[2] = a2, sums[3] = a3;
}
#endif

#ifdef EK_PART_LONG_SCALING
static EK_APART int8_t ek_result_of(const ek_results *r, int32_t channel, int32_t sum) {
    return (int8_t)ek_result(sum, ek_scaling_of(r, channel));
}
#endif

/* Sums as results. */
static EK_APART void ek_results_of(const ek_results *r, int32_t channel, int32_t count, const int32_t *sums, int8_t *y) {
    const int32_t *multipliers = r->multipliers + channel;
    const int8_t *shifts = r->shifts + channel;
    const int32_t twice = 2 * r->zero_point + 1;
    for (int32_t k = 0; k < count; k++) {
        const int32_t shift = shifts[k];
#ifdef EK_PART_LONG_SCALING
        if (shift < -22 || shift > -1) {
            y[k] = ek_result_of(r, channel + k, sums[k]);
            continue;
        }
#endif
        const int32_t value = ek_high(sums[k], multipliers[k]);
        y[k] = (int8_t)ek_saturated((value + (value >> 31) + twice * (1 << (-1 - shift))) >> -shift);
    }
    if (r->low > -128 || r->high < 127) {
        for (int32_t k = 0; k < count; k++) {
            y[k] = (int8_t)ek_clamped(y[k], r->low, r->high);
        }
    }
}

#ifdef EK_PART_ONE
/* All channels of one pixel, some at a time: there, the values of the image are what is shared. */
static EK_APART void ek_products_of_one(const ek_results *r, const int64_t *x, int8_t *y) {
    enum { BLOCK = 24 };
    const int32_t depth = r->depth;
    const int64_t *const end = x + (depth + 3) / 4;
    const int8_t *w = r->weights;
    int32_t sums[BLOCK], even, odd, low, high;
    for (int32_t first = 0; first < r->channels; first += BLOCK) {
        const int32_t left = r->channels - first, count = left < BLOCK ? left : (int32_t)BLOCK;
        int32_t k = 0;
        memcpy(sums, r->bias + first, (size_t)count * sizeof *sums);
#if defined(__GNUC__)
#ifdef EK_PART_EIGHTS
        if (depth % 8 == 0 && (uintptr_t)w % 4 == 0) {
            for (; k + 3 <= count; k += 3, w += 3 * depth) {
                ek_eights_of_three(w, depth, x, end, sums + k);
            }
        }
#endif
#endif
        for (; k + 4 <= count; k += 4, w += 4 * depth) {
            ek_fours_of_four(w, depth, x, end, sums + k);
        }
        for (; k < count; k++) {
            int32_t sum = sums[k];
            for (const int64_t *a = x; a != end; a++) {
                EK_PAIR(low, high, a, 0);
                EK_OF_ONE(w, sum);
            }
            sums[k] = sum;
            w += depth - (depth + 3) / 4 * 4;
        }
        ek_results_of(r, first, count, sums, y + first);
    }
}
#endif

/* Pixels whose values lie in turns as ek_products takes them: one alone, or a block. */
static void ek_products_of(const ek_results *r, const int64_t *x, int32_t pixels, int8_t *y) {
#ifdef EK_PART_ONE
    if (pixels == 1) {
        ek_products_of_one(r, x, y);
    }
#endif
#ifdef EK_PART_MANY
    if (pixels != 1) {
        ek_products(r, x, pixels, y);
    }
#endif
}
