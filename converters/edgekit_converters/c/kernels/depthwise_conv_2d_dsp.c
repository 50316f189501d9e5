/* Up to four channels are unpacked at once, the rows that one row of results takes, or two: channel by channel, two columns
 * of a row a word, so a word holds two taps of a filter. What a result reads lies together: a pair of columns in all rows,
 * then the next pair. */
typedef struct {
    int32_t rows, pairs, depth; /* of columns; depth is channels */
    int32_t *values;            /* [channel][pair of columns][row] */
    int32_t first, end;         /* rows that lie in the image */
} ek_planes;

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

/* A row of fewer than four channels. */
static void ek_planes_few(const ek_depthwise_conv_2d_layer *l, const ek_planes *p, const int8_t *from, int32_t columns,
                          int32_t *to) {
    for (int32_t channel = 0; channel < p->depth; channel++, to += p->pairs * p->rows) {
        for (int32_t column = 0, at = l->pad_left; column < columns; column++, at++) {
            ek_set_half(to + at / 2 * p->rows, at & 1, from[column * l->x_depth + channel]);
        }
    }
}

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
    if (p->depth < 4) {
        for (int32_t i = p->first; i < p->end; i++, from += pitch) {
            ek_planes_few(l, p, from, columns, p->values + i);
        }
        return;
    }
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

static inline int8_t ek_square_result(int32_t sum, const ek_square *c) {
    const int32_t value = ek_high_of_double(sum, c->multiplier);
    return (int8_t)ek_rounded(value + (value >> 31), c->power, c->half);
}

/* How results of some channels lie. */
typedef struct {
    int32_t channels, step, plane; /* from a channel to the next one: filters and results, words of the image */
    int32_t width, pixel, below;   /* `below` is from a result to that one row below */
} ek_square_run;

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

/* Any filter as words in the order of a window's, with zeros where it has no taps: for windows that begin in a lower half,
 * then for those that begin in an upper one. */
static EK_APART void ek_filter_words(const ek_depthwise_conv_2d_layer *l, int32_t channel, int32_t rows, int32_t count,
                            int32_t *to) {
    const int8_t *w = l->weights + channel;
    memset(to, 0, (size_t)(2 * count) * sizeof *to);
    for (int32_t i = 0; i < l->filter_height; i++) {
        int32_t *const at = to + i * l->dilation_height;
        for (int32_t j = 0; j < l->filter_width; j++, w += l->y_depth) {
            const int32_t column = j * l->dilation_width, after = column + 1;
            ek_set_half(at + column / 2 * rows, column & 1, *w);
            ek_set_half(at + count + after / 2 * rows, after & 1, *w);
        }
    }
}

static EK_APART void ek_row_of_any(const ek_depthwise_conv_2d_layer *l, const int32_t *x, int32_t rows, const int32_t *filter,
                          int32_t count, int32_t bias, const ek_scaling *scaling, int8_t *y) {
    for (int32_t j = 0, column = 0; j < l->y_width; j++, column += l->stride_width, y += l->y_depth) {
        const int32_t *from = x + column / 2 * rows;
        const int32_t *w = filter + (column & 1) * count;
        const int32_t *const pairs = w + (count & ~1);
        int32_t sum = bias;
        for (; w != pairs; w += 2, from += 2) {
            sum = __smlad(from[0], w[0], sum);
            sum = __smlad(from[1], w[1], sum);
        }
        if ((count & 1) != 0) {
            sum = __smlad(*from, *w, sum);
        }
        *y = (int8_t)ek_result(sum, *scaling);
    }
}

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
            if (l->stride_width == 1) {
                ek_square_rows(c, x, &run, y + channel);
            } else {
                ek_square_row_by_2(c, x, &run, y + channel);
            }
        }
    }
}

/* The same with any filters: one row of results. */
static void ek_any_of(const ek_depthwise_conv_2d_layer *l, const ek_planes *p, int32_t channel, int32_t *filter, int8_t *y) {
    const ek_results results = {
        l->weights, l->bias, l->multipliers, l->shifts, 0, l->y_depth, l->y_zero_point, l->y_min, l->y_max, l->y_depth, 0, 0,
    };
    const int32_t count = (((l->filter_width - 1) * l->dilation_width + 1) / 2 + 1) * p->rows;
    const int32_t *x = p->values;
    for (int32_t k = 0; k < p->depth; k++, x += p->pairs * p->rows) {
        for (int32_t again = 0; again < l->depth_multiplier; again++, channel++) {
            const ek_scaling scaling = ek_scaling_of(&results, channel);
            ek_filter_words(l, channel, p->rows, count, filter);
            ek_row_of_any(l, x, p->rows, filter, count, l->bias[channel], &scaling, y + channel);
        }
    }
}

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
    for (int32_t channel = 0; l->squares > 1 && channel < l->y_depth; channel++) {
        ek_square_of(l, channel, (ek_square *)filters + channel);
    }
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
                if (l->squares > 0) {
                    ek_squares_of(l, &own, first * l->depth_multiplier, (ek_square *)filters, (rows - 1) * pitch, y);
                } else {
                    ek_any_of(l, &own, first * l->depth_multiplier, filters, y);
                }
            }
            if (l->squares > 0 && (l->y_min > -128 || l->y_max < 127)) {
                for (int32_t k = 0; k < rows * pitch; k++) {
                    y[k] = (int8_t)ek_clamped(y[k], l->y_min, l->y_max);
                }
            }
        }
    }
}
