/* Up to four channels are unpacked at once, the rows that one row of results takes, or two: channel by channel, two columns
 * of a row a word, so a word holds two taps of a filter. What a result reads lies together: a pair of columns in all rows,
 * then the next pair. */
typedef struct {
    int32_t rows, pairs, depth; /* of columns; depth is channels */
    int32_t *values;            /* [channel][pair of columns][row] */
    int32_t first, end;         /* rows that lie in the image */
} ek_planes;

static inline void ek_set_half(int32_t *word, int32_t upper, int32_t value) {
    const int16_t half = (int16_t)value;
    memcpy((uint8_t *)word + 2 * upper, &half, sizeof half);
}

static void ek_planes_padding(const ek_depthwise_conv_2d_layer *l, int32_t *to, int32_t count, int32_t step) {
    const uint32_t pair = (uint32_t)l->x_zero_point << 16 | ((uint32_t)l->x_zero_point & 0xffffu);
    for (; count > 0; count--, to += step) {
        *to = (int32_t)pair;
    }
}

#ifdef EK_PART_FEW_CHANNELS
/* A row of fewer than four channels. */
static void ek_planes_few(const ek_depthwise_conv_2d_layer *l, const ek_planes *p, const int8_t *from, int32_t columns,
                          int32_t *to) {
    for (int32_t channel = 0; channel < p->depth; channel++, to += p->pairs * p->rows) {
        for (int32_t column = 0, at = l->pad_left; column < columns; column++, at++) {
            ek_set_half(to + at / 2 * p->rows, at & 1, from[column * l->x_depth + channel]);
        }
    }
}
#endif

/* Pairs of columns of four channels: across a row, or in one row after the other. */
static EK_APART void ek_planes_pairs(const int8_t *from, int32_t next, int32_t depth, int32_t count, int32_t *to,
                                     int32_t next_to, int32_t plane) {
    for (; count > 0; count--, from += next, to += next_to) {
        const uint32_t first = ek_word(from), second = ek_word(from + depth);
        const int32_t even = ek_even(first), even2 = ek_even(second), odd = ek_odd(first), odd2 = ek_odd(second);
        to[0] = ek_lower_halves(even, even2);
        to[plane] = ek_lower_halves(odd, odd2);
        to[2 * plane] = ek_upper_halves(even, even2);
        to[3 * plane] = ek_upper_halves(odd, odd2);
    }
}

/* One column, whose neighbour is padding. */
static void ek_planes_column(const int8_t *from, int32_t pitch, int32_t count, int32_t *to, int32_t plane, int32_t upper) {
    for (; count > 0; count--, from += pitch, to++) {
        const int32_t even = ek_even(ek_word(from)), odd = ek_odd(ek_word(from));
        ek_set_half(to, upper, even);
        ek_set_half(to + plane, upper, odd);
        ek_set_half(to + 2 * plane, upper, even >> 16);
        ek_set_half(to + 3 * plane, upper, odd >> 16);
    }
}

/* Which rows lie in the image; those outside are the zero point, for all channels to come. */
static void ek_planes_at(const ek_depthwise_conv_2d_layer *l, ek_planes *p, int32_t top) {
    const int32_t rows = p->rows, all = p->depth * p->pairs;
    p->first = top < 0 ? (top + rows < 0 ? rows : -top) : 0;
    p->end = top + rows > l->x_height ? (top > l->x_height ? 0 : l->x_height - top) : rows;
    for (int32_t i = 0; i < p->first; i++) {
        ek_planes_padding(l, p->values + i, all, rows);
    }
    for (int32_t i = p->end > p->first ? p->end : p->first; i < rows; i++) {
        ek_planes_padding(l, p->values + i, all, rows);
    }
}

/* The rows in the image, of which `from` is the first. What lies beside the image is the zero point already. */
static EK_APART void ek_planes_rows(const ek_depthwise_conv_2d_layer *l, const ek_planes *p, const int8_t *from) {
    const int32_t rows = p->rows, plane = p->pairs * rows, depth = l->x_depth, pitch = l->x_width * depth;
    const int32_t room = 2 * p->pairs - l->pad_left, count = p->end - p->first;
    const int32_t columns = room < l->x_width ? room : l->x_width;
#ifdef EK_PART_FEW_CHANNELS
    if (p->depth < 4) {
        for (int32_t i = p->first; i < p->end; i++, from += pitch) {
            ek_planes_few(l, p, from, columns, p->values + i);
        }
        return;
    }
#endif
    int32_t *to = p->values + l->pad_left / 2 * rows + p->first;
    int32_t left = columns;
    if ((l->pad_left & 1) != 0) {
        ek_planes_column(from, pitch, count, to, plane, 1);
        from += depth, to += rows, left--;
    }
    const int32_t pairs = left / 2;
    if (pairs > count) {
        for (int32_t i = 0; i < count; i++) {
            ek_planes_pairs(from + i * pitch, 2 * depth, depth, pairs, to + i, rows, plane);
        }
    } else {
        for (int32_t i = 0; i < pairs; i++) {
            ek_planes_pairs(from + 2 * i * depth, pitch, depth, count, to + i * rows, 1, plane);
        }
    }
    if (left % 2 == 1) {
        ek_planes_column(from + 2 * pairs * depth, pitch, count, to + pairs * rows, plane, 0);
    }
}

#ifdef EK_PART_SQUARES
/* A channel with a filter of 3 x 3: of each row the taps 0 and 1, and the taps 1 and 2. All is doubled, as the scaling of
 * sums takes it; no result leaves 14 bits before it is cut off. */
typedef struct {
    int32_t sum, multiplier, half, power;
    int32_t taps[3][2];
} ek_square;

static EK_APART void ek_square_of(const ek_depthwise_conv_2d_layer *l, int32_t channel, ek_square *to) {
    const int32_t tap = l->y_depth;
    const int8_t *w = l->weights + channel;
    for (int32_t i = 0; i < 3; i++, w += 3 * tap) {
        const int32_t middle = 2 * w[tap];
        to->taps[i][0] = ek_lower_halves(2 * w[0], middle);
        to->taps[i][1] = ek_lower_halves(middle, 2 * w[2 * tap]);
    }
    to->sum = 2 * l->bias[channel];
    to->multiplier = l->multipliers[channel];
    to->half = (2 * l->y_zero_point + 1) * (1 << 15);
    to->power = 1 << (16 + l->shifts[channel]);
}

#ifdef EK_PART_SQUARES_BY_2
static inline int8_t ek_square_result(int32_t sum, const ek_square *c) {
    const int32_t value = ek_high_of_double(sum, c->multiplier);
    return (int8_t)ek_rounded(value + (value >> 31), c->power, c->half);
}
#endif

/* How results of some channels lie. */
typedef struct {
    int32_t channels, step, plane; /* from a channel to the next one: filters and results, words of the image */
    int32_t width, pixel, below;   /* `below` is from a result to that one row below */
} ek_square_run;

#ifdef EK_PART_SQUARES_BY_1
/* The sums of two columns in two rows, whose windows lie one apart; or of one column. */
#if defined(__GNUC__)
#define EK_SQUARE_ROW(x0, x1, p0, p1)                             \
    "smlad %[sum], %[" #x0 "], %[a], %[sum]\n\t"                  \
    "smlad %[sum2], %[" #x1 "], %[a], %[sum2]\n\t"                \
    "smlabt %[sum], %[" #p0 "], %[b], %[sum]\n\t"                 \
    "smlabt %[sum2], %[" #p1 "], %[b], %[sum2]\n\t"
#define EK_SQUARE_NEXT(x0, x1, p0, p1)                            \
    "smlatb %[next], %[" #x0 "], %[a], %[next]\n\t"               \
    "smlatb %[next2], %[" #x1 "], %[a], %[next2]\n\t"             \
    "smlad %[next], %[" #p0 "], %[b], %[next]\n\t"                \
    "smlad %[next2], %[" #p1 "], %[b], %[next2]\n\t"
#define EK_SQUARE_FIRST                                           \
    "ldrd %[a], %[b], [%[of], #16]\n\t"                           \
    "ldrd %[x0], %[x1], [%[from]]\n\t"                            \
    "ldrd %[p0], %[p1], [%[from], #16]\n\t"
#define EK_SQUARE_SECOND                                          \
    "ldrd %[a], %[b], [%[of], #24]\n\t"                           \
    "ldr %[x0], [%[from], #8]\n\t"                                \
    "ldr %[p0], [%[from], #24]\n\t"
#define EK_SQUARE_THIRD                                           \
    "ldrd %[a], %[b], [%[of], #32]\n\t"                           \
    "ldr %[x1], [%[from], #12]\n\t"                               \
    "ldr %[p1], [%[from], #28]\n\t"
#define EK_SQUARE_SUMS(c, x, sum, next, sum2, next2)                                                                  \
    do {                                                                                                              \
        int32_t a_, b_, x0_, x1_, p0_, p1_;                                                                           \
        __asm__("ldr %[next2], [%[of]]\n\t" EK_SQUARE_FIRST                                                           \
                "smlad %[sum], %[x0], %[a], %[next2]\n\t"                                                             \
                "smlad %[sum2], %[x1], %[a], %[next2]\n\t"                                                            \
                "smlatb %[next], %[x0], %[a], %[next2]\n\t"                                                           \
                "smlatb %[next2], %[x1], %[a], %[next2]\n\t"                                                          \
                "smlabt %[sum], %[p0], %[b], %[sum]\n\t"                                                              \
                "smlabt %[sum2], %[p1], %[b], %[sum2]\n\t"                                                            \
                "smlad %[next], %[p0], %[b], %[next]\n\t"                                                             \
                "smlad %[next2], %[p1], %[b], %[next2]\n\t"                                                           \
                EK_SQUARE_SECOND EK_SQUARE_ROW(x1, x0, p1, p0) EK_SQUARE_NEXT(x1, x0, p1, p0)                         \
                EK_SQUARE_THIRD EK_SQUARE_ROW(x0, x1, p0, p1) EK_SQUARE_NEXT(x0, x1, p0, p1)                          \
                : [sum] "=&r"(sum), [next] "=&r"(next), [sum2] "=&r"(sum2), [next2] "=&r"(next2), [a] "=&r"(a_),      \
                  [b] "=&r"(b_), [x0] "=&r"(x0_), [x1] "=&r"(x1_), [p0] "=&r"(p0_), [p1] "=&r"(p1_), [of] "+r"(c)     \
                : [from] "r"(x)                                                                                      \
                : "memory");                                                                                          \
    } while (0)
#define EK_SQUARE_SUM(c, x, sum, sum2)                                                                                \
    do {                                                                                                              \
        int32_t a_, b_, x0_, x1_, p0_, p1_;                                                                           \
        __asm__("ldr %[sum], [%[of]]\n\t"                                                                             \
                "mov %[sum2], %[sum]\n\t"                                                                             \
                EK_SQUARE_FIRST EK_SQUARE_ROW(x0, x1, p0, p1) EK_SQUARE_SECOND EK_SQUARE_ROW(x1, x0, p1, p0)          \
                EK_SQUARE_THIRD EK_SQUARE_ROW(x0, x1, p0, p1)                                                         \
                : [sum] "=&r"(sum), [sum2] "=&r"(sum2), [a] "=&r"(a_), [b] "=&r"(b_), [x0] "=&r"(x0_),                \
                  [x1] "=&r"(x1_), [p0] "=&r"(p0_), [p1] "=&r"(p1_), [of] "+r"(c)                                     \
                : [from] "r"(x)                                                                                      \
                : "memory");                                                                                          \
    } while (0)
#else
#define EK_SQUARE_SUM(c, x, sum, sum2)                                                  \
    do {                                                                                \
        (sum) = (sum2) = (c)->sum;                                                      \
        for (int32_t i_ = 0; i_ < 3; i_++) {                                            \
            const int32_t a_ = (c)->taps[i_][0], b_ = (c)->taps[i_][1];                 \
            (sum) = __smlabt((x)[i_ + 4], b_, __smlad((x)[i_], a_, sum));               \
            (sum2) = __smlabt((x)[i_ + 5], b_, __smlad((x)[i_ + 1], a_, sum2));         \
        }                                                                               \
    } while (0)
#define EK_SQUARE_SUMS(c, x, sum, next, sum2, next2)                                    \
    do {                                                                                \
        EK_SQUARE_SUM(c, x, sum, sum2);                                                 \
        (next) = (next2) = (c)->sum;                                                    \
        for (int32_t i_ = 0; i_ < 3; i_++) {                                            \
            const int32_t a_ = (c)->taps[i_][0], b_ = (c)->taps[i_][1];                 \
            (next) = __smlad((x)[i_ + 4], b_, __smlatb((x)[i_], a_, next));             \
            (next2) = __smlad((x)[i_ + 5], b_, __smlatb((x)[i_ + 1], a_, next2));       \
        }                                                                               \
    } while (0)
#endif

/* Two rows of results, whose windows lie one column apart: two of each at a time. Where there is only one row, the other
 * is written at the same place before it. */
static EK_APART void ek_square_rows(const ek_square *c, const int32_t *x, const ek_square_run *r, int8_t *y) {
    for (int32_t k = r->channels; k > 0; k--, c += r->step, x += r->plane, y += r->step) {
        const int32_t *from = x;
        const int32_t below = r->below, pixel = r->pixel;
        int8_t *to = y;
        for (int8_t *const end = y + (r->width & ~1) * pixel; to != end; from += 4) {
            int32_t sum, next, sum2, next2;
            EK_SQUARE_SUMS(c, from, sum, next, sum2, next2);
            const int32_t multiplier = c->multiplier, half = c->half, power = c->power;
            sum = ek_high_of_double(sum, multiplier);
            sum2 = ek_high_of_double(sum2, multiplier);
            next = ek_high_of_double(next, multiplier);
            next2 = ek_high_of_double(next2, multiplier);
            to[below] = (int8_t)ek_rounded(sum2 + (sum2 >> 31), power, half);
            to[0] = (int8_t)ek_rounded(sum + (sum >> 31), power, half);
            to += pixel;
            to[below] = (int8_t)ek_rounded(next2 + (next2 >> 31), power, half);
            to[0] = (int8_t)ek_rounded(next + (next >> 31), power, half);
            to += pixel;
        }
        if ((r->width & 1) != 0) {
            int32_t sum, sum2;
            EK_SQUARE_SUM(c, from, sum, sum2);
            const int32_t multiplier = c->multiplier, half = c->half, power = c->power;
            sum = ek_high_of_double(sum, multiplier);
            sum2 = ek_high_of_double(sum2, multiplier);
            to[below] = (int8_t)ek_rounded(sum2 + (sum2 >> 31), power, half);
            to[0] = (int8_t)ek_rounded(sum + (sum >> 31), power, half);
        }
    }
}
#endif

#ifdef EK_PART_SQUARES_BY_2
/* One row of results, whose windows lie two columns apart. */
static EK_APART void ek_square_row_by_2(const ek_square *c, const int32_t *x, const ek_square_run *r, int8_t *y) {
    for (int32_t k = r->channels; k > 0; k--, c += r->step, x += r->plane, y += r->step) {
        const int32_t a0 = c->taps[0][0], b0 = c->taps[0][1], a1 = c->taps[1][0], b1 = c->taps[1][1];
        const int32_t a2 = c->taps[2][0], b2 = c->taps[2][1], pixel = r->pixel;
        const int32_t *from = x;
        int8_t *to = y;
        for (const int8_t *const end = y + r->width * pixel; to != end; to += pixel, from += 3) {
            int32_t sum = c->sum, low, high;
            EK_PAIR(low, high, from, 0);
            sum = __smlad(low, a0, sum);
            sum = __smlad(high, a1, sum);
            EK_PAIR(low, high, from, 1);
            sum = __smlad(low, a2, sum);
            sum = __smlabt(high, b0, sum);
            EK_PAIR(low, high, from, 2);
            sum = __smlabt(low, b1, sum);
            sum = __smlabt(high, b2, sum);
            *to = ek_square_result(sum, c);
        }
    }
}
#endif

/* The channels that are unpacked, with filters of 3 x 3: two rows of results, or one. */
static void ek_squares_of(const ek_depthwise_conv_2d_layer *l, const ek_planes *p, int32_t channel, ek_square *squares,
                          int32_t below, int8_t *y) {
    const int32_t plane = p->pairs * p->rows, together = l->squares > 1 ? p->depth : 1;
    const ek_square_run run = {together, l->depth_multiplier, plane, l->y_width, l->y_depth, below};
    const int32_t *x = p->values;
    for (int32_t k = 0; k < p->depth; k += together, x += plane) {
        for (int32_t again = 0; again < l->depth_multiplier; again++, channel++) {
            const ek_square *const c = l->squares > 1 ? squares + channel : squares;
            if (l->squares == 1) {
                ek_square_of(l, channel, squares);
            }
#ifdef EK_PART_SQUARES_BY_1
            if (l->stride_width == 1) {
                ek_square_rows(c, x, &run, y + channel);
            }
#endif
#ifdef EK_PART_SQUARES_BY_2
            if (l->stride_width == 2) {
                ek_square_row_by_2(c, x, &run, y + channel);
            }
#endif
        }
    }
}
#endif

#ifdef EK_PART_ANY
#ifdef EK_PART_ANY_SINGLES
/* Any filter as words in the order of a window's: for windows that begin in a lower half, then for those that begin in an
 * upper one. Where it has no taps, there are zeros, from the beginning on. */
static EK_APART void ek_filter_words(const ek_depthwise_conv_2d_layer *l, int32_t channel, int32_t rows, int32_t count,
                                     int32_t *to) {
    const int8_t *w = l->weights + channel;
    for (int32_t i = 0; i < l->filter_height; i++) {
        int32_t *const at = to + i * l->dilation_height;
        for (int32_t j = 0; j < l->filter_width; j++, w += l->y_depth) {
            const int32_t column = j * l->dilation_width, after = column + 1;
            ek_set_half(at + column / 2 * rows, column & 1, *w);
            ek_set_half(at + count + after / 2 * rows, after & 1, *w);
        }
    }
}
#endif

#ifdef EK_PART_ANY_FOURS

/* Two taps of four channels: what `ek_even` and `ek_odd` made of them. */
static inline void ek_filter_pair(int32_t even, int32_t odd, int32_t even2, int32_t odd2, int32_t *to, int32_t plane) {
    *to = ek_lower_halves(even, even2), to += plane;
    *to = ek_lower_halves(odd, odd2), to += plane;
    *to = ek_upper_halves(even, even2), to += plane;
    *to = ek_upper_halves(odd, odd2);
}

/* Any filters of four channels, one after the other, whose taps lie side by side, as words in the order of a window's: for
 * windows that begin in a lower half, then for those that begin in an upper one. Where they have no taps, there are zeros. */
static EK_APART void ek_filter_words_of_four(const ek_depthwise_conv_2d_layer *l, int32_t channel, int32_t rows,
                                             int32_t count, int32_t *to) {
    const int32_t tap = l->y_depth, plane = 2 * count, upper = l->stride_width % 2; /* whether windows begin there, too */
    const int8_t *w = l->weights + channel;
    for (int32_t i = 0; i < l->filter_height; i++, to += l->dilation_height) {
        int32_t *at = to, even = 0, odd = 0, left = l->filter_width;
        for (; left > 1; left -= 2, at += rows) {
            const uint32_t first = ek_word(w), second = ek_word(w + tap);
            const int32_t even2 = ek_even(first), odd2 = ek_odd(first);
            if (upper != 0) {
                ek_filter_pair(even, odd, even2, odd2, at + count, plane);
            }
            even = ek_even(second), odd = ek_odd(second);
            ek_filter_pair(even2, odd2, even, odd, at, plane);
            w += 2 * tap;
        }
        int32_t even2 = 0, odd2 = 0;
        if (left != 0) {
            even2 = ek_even(ek_word(w)), odd2 = ek_odd(ek_word(w));
            ek_filter_pair(even2, odd2, 0, 0, at, plane);
            w += tap;
        }
        if (upper != 0) {
            ek_filter_pair(even, odd, even2, odd2, at + count, plane);
        }
    }
}
#endif

/* Results of one channel in one row, which begin with the same halves of words. */
typedef struct {
    int32_t words;        /* of a window: an even number */
    int32_t step, pixel;  /* from a result to the next one: words of the image, and results */
    int32_t bias, slow;   /* whether results are scaled in the long way, or cut off */
    int32_t power, half;  /* how `ek_rounded` takes them; a power of 0 is none */
    ek_scaling scaling;
} ek_any_run;

/* The sums of three or four windows: two words of each in a step. */
#if defined(__GNUC__)
#define EK_ANY_OF(a, x)                          \
    "ldrd %[low], %[high], [%[" x "]], #8\n\t"   \
    "smlad %[" a "], %[even], %[low], %[" a "]\n\t" \
    "smlad %[" a "], %[odd], %[high], %[" a "]\n\t"
#define EK_ANY_THREE "ldrd %[even], %[odd], [%[w]], #8\n\t" EK_ANY_OF("a0", "x0") EK_ANY_OF("a1", "x1") EK_ANY_OF("a2", "x2")
#define EK_ANY_SUMS(step, fourth)                                                                                     \
    do {                                                                                                              \
        int32_t even_ = r->words, odd_, low_, high_;                                                                  \
        __asm__("tst %[even], #2\n\t"                                                                                \
                "bne 21f\n"                                                                                           \
                "20:\n\t" step "21:\n\t" step                                                                        \
                "ldr %[low], %[last]\n\t"                                                                            \
                "cmp %[w], %[low]\n\t"                                                                               \
                "bne 20b"                                                                                             \
                : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [x0] "+r"(x0), [x1] "+r"(x1), [x2] "+r"(x2) fourth,    \
                  [even] "+r"(even_), [odd] "=&r"(odd_), [low] "=&r"(low_), [high] "=&r"(high_), [w] "+r"(w)          \
                : [last] "m"(end)                                                                                     \
                : "cc", "memory");                                                                                    \
    } while (0)
#define EK_ANY_AND_FOURTH , [a3] "+r"(a3), [x3] "+r"(x3)
#define EK_ANY_SUMS_OF_THREE EK_ANY_SUMS(EK_ANY_THREE, )
#define EK_ANY_SUMS_OF_FOUR EK_ANY_SUMS(EK_ANY_THREE EK_ANY_OF("a3", "x3"), EK_ANY_AND_FOURTH)
#else
#define EK_ANY_SUMS_OF_THREE           \
    for (; w != end; w++) {            \
        a0 = __smlad(*w, *x0++, a0);   \
        a1 = __smlad(*w, *x1++, a1);   \
        a2 = __smlad(*w, *x2++, a2);   \
    }
#define EK_ANY_SUMS_OF_FOUR            \
    for (; w != end; w++) {            \
        a0 = __smlad(*w, *x0++, a0);   \
        a1 = __smlad(*w, *x1++, a1);   \
        a2 = __smlad(*w, *x2++, a2);   \
        a3 = __smlad(*w, *x3++, a3);   \
    }
#endif

static inline int32_t ek_any_quick(int32_t sum, int32_t multiplier, int32_t power, int32_t half) {
    const int32_t value = ek_high(sum, multiplier);
    return ek_rounded(value + (value >> 31), power, half);
}

#ifdef EK_PART_ANY_SLOWLY
/* Sums as results that are scaled in the long way, or cut off. */
static EK_APART void ek_any_slowly(const ek_any_run *r, const int32_t *sums, int32_t count, int8_t *y) {
    const ek_scaling s = r->scaling;
    for (int32_t k = 0; k < count; k++, y += r->pixel) {
#ifdef EK_PART_LONG_SCALING
        if (r->power == 0) {
            *y = (int8_t)ek_result(sums[k], s);
            continue;
        }
#endif
        *y = (int8_t)ek_clamped(ek_any_quick(sums[k], s.multiplier, r->power, r->half), s.low, s.high);
    }
}
#endif

static EK_APART void ek_any_fours(const ek_any_run *r, const int32_t *x, const int32_t *filter, int32_t fours, int8_t *y) {
    const int32_t *const volatile end = filter + r->words;
    for (; fours > 0; fours--) {
        const int32_t step = r->step, *x0 = x, *x1 = x0 + step, *x2 = x1 + step, *x3 = x2 + step, *w = filter;
        int32_t a0 = r->bias, a1 = a0, a2 = a0, a3 = a0;
        x = x3 + step;
        EK_ANY_SUMS_OF_FOUR;
        const int32_t pixel = r->pixel;
#ifdef EK_PART_ANY_SLOWLY
        if (r->slow != 0) {
            const int32_t sums[4] = {a0, a1, a2, a3};
            ek_any_slowly(r, sums, 4, y);
            y += 4 * pixel;
            continue;
        }
#endif
        const int32_t multiplier = r->scaling.multiplier, power = r->power, half = r->half;
        *y = (int8_t)ek_any_quick(a0, multiplier, power, half), y += pixel;
        *y = (int8_t)ek_any_quick(a1, multiplier, power, half), y += pixel;
        *y = (int8_t)ek_any_quick(a2, multiplier, power, half), y += pixel;
        *y = (int8_t)ek_any_quick(a3, multiplier, power, half), y += pixel;
    }
}

/* One to three results. */
static EK_APART void ek_any_few(const ek_any_run *r, const int32_t *x, const int32_t *filter, int32_t count, int8_t *y) {
    const int32_t *const volatile end = filter + r->words;
    const int32_t *x0 = x, *x1 = count > 1 ? x + r->step : x, *x2 = count > 2 ? x1 + r->step : x, *w = filter;
    int32_t a0 = r->bias, a1 = a0, a2 = a0;
    EK_ANY_SUMS_OF_THREE;
#ifdef EK_PART_ANY_SLOWLY
    if (r->slow != 0) {
        const int32_t sums[3] = {a0, a1, a2};
        ek_any_slowly(r, sums, count, y);
        return;
    }
#endif
    const int32_t multiplier = r->scaling.multiplier, power = r->power, half = r->half, pixel = r->pixel;
    *y = (int8_t)ek_any_quick(a0, multiplier, power, half);
    if (count > 1) {
        y[pixel] = (int8_t)ek_any_quick(a1, multiplier, power, half);
    }
    if (count > 2) {
        y[2 * pixel] = (int8_t)ek_any_quick(a2, multiplier, power, half);
    }
}

static inline void ek_any_results(const ek_any_run *r, const int32_t *x, const int32_t *filter, int32_t count, int8_t *y) {
    const int32_t fours = count / 4, done = 4 * fours;
    if (fours != 0) {
        ek_any_fours(r, x, filter, fours, y);
    }
    if (done != count) {
        ek_any_few(r, x + done * r->step, filter, count - done, y + done * r->pixel);
    }
}

/* The channels that are unpacked, with any filters: one row of results. Windows that are an odd number of columns apart
 * begin with either half of a word in turns. `before` are channels that four of them begin with, and that are not wanted. */
static void ek_any_of(const ek_depthwise_conv_2d_layer *l, const ek_planes *p, int32_t channel, int32_t before,
                      int32_t *filters, int8_t *y) {
    const ek_results results = {
        l->weights, l->bias, l->multipliers, l->shifts, 0, l->y_depth, l->y_zero_point, l->y_min, l->y_max, l->y_depth, 0, 0,
    };
    const int32_t rows = p->rows, turns = l->stride_width % 2, across = (l->filter_width - 1) * l->dilation_width + 1;
    const int32_t count = ((across / 2 + 1) * rows + 1) & ~1, lower = ((across + 1) / 2 * rows + 1) & ~1;
    const int32_t slow = l->quick == 0 || l->y_min > -128 || l->y_max < 127;
    ek_any_run run = {
        count, turns != 0 ? l->stride_width * rows : l->stride_width / 2 * rows, l->y_depth << turns, 0, slow, 0,
        (2 * l->y_zero_point + 1) * (1 << 15), ek_scaling_of(&results, channel),
    };
    const int32_t *x = p->values;
#ifdef EK_PART_ANY_FOURS
    if (l->fours != 0) {
        ek_filter_words_of_four(l, channel - before, rows, count, filters);
        filters += 2 * count * before;
    }
#endif
    (void)before;
    for (int32_t k = 0; k < p->depth; k++, x += p->pairs * rows) {
        for (int32_t again = 0; again < l->depth_multiplier; again++, channel++) {
#ifdef EK_PART_ANY_SINGLES
            if (l->fours == 0) {
                ek_filter_words(l, channel, rows, count, filters);
            }
#endif
            run.scaling = ek_scaling_of(&results, channel);
            run.power = l->quick != 0 ? 1 << (16 + l->shifts[channel]) : 0;
            run.bias = l->bias[channel];
            run.words = lower;
            ek_any_results(&run, x, filters, (l->y_width + turns) >> turns, y + channel);
            if (turns != 0) {
                run.words = count;
                ek_any_results(&run, x + l->stride_width / 2 * rows, filters + count, l->y_width / 2,
                               y + channel + l->y_depth);
            }
        }
        if (l->fours != 0) {
            filters += 2 * count;
        }
    }
}
#endif

static void ek_depthwise_conv_2d(const ek_depthwise_conv_2d_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    const int32_t across = (l->filter_width - 1) * l->dilation_width + 1;
    const int32_t together = l->rows_together, pitch = l->y_width * l->y_depth;
    ek_planes p = {
        (l->filter_height - 1) * l->dilation_height + together,
        (l->y_width - 1) * l->stride_width / 2 + across / 2 + 1,
        l->x_depth < 4 ? l->x_depth : 4,
        (int32_t *)scratch,
        0, 0,
    };
    int32_t *const filters = p.values + p.depth * p.pairs * p.rows;
    ek_planes_padding(l, p.values, p.depth * p.pairs * p.rows, 1);
#ifdef EK_PART_ANY
    if (l->squares == 0) {
        const int32_t count = ((across / 2 + 1) * p.rows + 1) & ~1;
        memset(filters, 0, (size_t)(2 * count * (l->fours != 0 ? 4 : 1)) * sizeof *filters);
    }
#endif
#ifdef EK_PART_SQUARES
    for (int32_t channel = 0; l->squares > 1 && channel < l->y_depth; channel++) {
        ek_square_of(l, channel, (ek_square *)filters + channel);
    }
#endif
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
        for (int32_t i = 0, rows; i < l->y_height; i += rows, y += rows * pitch) {
            rows = l->y_height - i < together ? 1 : together;
            const int32_t top = i * l->stride_height - l->pad_top;
            p.depth = l->x_depth < 4 ? l->x_depth : 4;
            ek_planes_at(l, &p, top);
            for (int32_t first = 0; first < l->x_depth; first += 4) {
                /* The last channels come with some before them, so that there are four. */
                const int32_t left = l->x_depth - first, before = left < 4 && l->x_depth >= 4 ? 4 - left : 0;
                if (p.first < p.end) {
                    ek_planes_rows(l, &p, x + (top + p.first) * l->x_width * l->x_depth + first - before);
                }
                const ek_planes own = {p.rows, p.pairs, p.depth - before, p.values + before * p.pairs * p.rows, 0, 0};
#ifdef EK_PART_SQUARES
                if (l->squares > 0) {
                    ek_squares_of(l, &own, first * l->depth_multiplier, (ek_square *)filters, (rows - 1) * pitch, y);
                }
#endif
#ifdef EK_PART_ANY
                if (l->squares == 0) {
                    ek_any_of(l, &own, first * l->depth_multiplier, before, filters, y);
                }
#endif
            }
#ifdef EK_PART_SQUARES
            if (l->squares > 0 && (l->y_min > -128 || l->y_max < 127)) {
                for (int32_t k = 0; k < rows * pitch; k++) {
                    y[k] = (int8_t)ek_clamped(y[k], l->y_min, l->y_max);
                }
            }
#endif
        }
    }
}
