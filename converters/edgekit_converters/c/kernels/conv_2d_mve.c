/* Up to 48 taps of two pixels stay in registers, while the weights of all channels pass by: a load of weights serves
   two products, and one of pixels all channels. Taps beyond the end are zeros of the pixels'; their weights would be
   other channels', and behind the last channel nobody's, so they are not loaded either. */
#if defined(__GNUC__)
/* One loop over channels. The first portion multiplies, the others add to the sums that there are. */
#define EK_CONV_2D_LOOP(start, multiply, load, more, ...)                                                   \
    __asm__ volatile("vmsr p0, %[there]\n"                                                                  \
                     "dls lr, %[channels]\n"                                                                \
                     "1:\n" start load " %q[v], [%[w]]\n" multiply " %[sum_a], %q[v], %q[a0]\n" multiply     \
                     " %[sum_b], %q[v], %q[b0]\n" more "strd %[sum_a], %[sum_b], [%[sums]], #8\n"           \
                     "add %[w], %[w], %[w_row]\n"                                                           \
                     "le lr, 1b"                                                                            \
                     : [w] "+r"(w), [sums] "+r"(sums), [sum_a] "=&Te"(sum_a), [sum_b] "=&Te"(sum_b),        \
                       [v] "=&w"(v)                                                                         \
                     : [channels] "r"(channels), [w_row] "r"(w_row), [there] "r"(there), __VA_ARGS__        \
                     : "lr", "memory")
#define EK_CONV_2D_ANY(first, load, more, ...)                                                           \
    do {                                                                                                 \
        if (first) {                                                                                     \
            EK_CONV_2D_LOOP("", "vmlav.s8", load, more, __VA_ARGS__);                                    \
        } else {                                                                                         \
            EK_CONV_2D_LOOP("ldrd %[sum_a], %[sum_b], [%[sums]]\n", "vmlava.s8", load, more, __VA_ARGS__); \
        }                                                                                                \
    } while (0)
#define EK_CONV_2D_MORE(load, offset, a, b)  \
    load " %q[v], [%[w], #" offset "]\n"     \
    "vmlava.s8 %[sum_a], %q[v], %q[" a "]\n" \
    "vmlava.s8 %[sum_b], %q[v], %q[" b "]\n"
#define EK_CONV_2D_ALL "vldrb.8"
#define EK_CONV_2D_END "vpst\nvldrbt.8"
#define EK_CONV_2D_2(load) EK_CONV_2D_MORE(load, "16", "a1", "b1")
#define EK_CONV_2D_3(load) EK_CONV_2D_2(EK_CONV_2D_ALL) EK_CONV_2D_MORE(load, "32", "a2", "b2")

EK_INLINE void ek_conv_2d_48(const int8_t *w, int32_t w_row, int32_t channels, const int8_t *a, const int8_t *b,
                             int8x16_t a2, int8x16_t b2, int32_t *sums, int first, int whole, mve_pred16_t there) {
    const int8x16_t a0 = vldrbq_s8(a), b0 = vldrbq_s8(b), a1 = vldrbq_s8(a + 16), b1 = vldrbq_s8(b + 16);
    int32_t sum_a, sum_b;
    int8x16_t v;
    if (whole) {
        EK_CONV_2D_ANY(first, EK_CONV_2D_ALL, EK_CONV_2D_3(EK_CONV_2D_ALL), [a0] "w"(a0), [b0] "w"(b0),
                       [a1] "w"(a1), [b1] "w"(b1), [a2] "w"(a2), [b2] "w"(b2));
    } else {
        EK_CONV_2D_ANY(first, EK_CONV_2D_ALL, EK_CONV_2D_3(EK_CONV_2D_END), [a0] "w"(a0), [b0] "w"(b0),
                       [a1] "w"(a1), [b1] "w"(b1), [a2] "w"(a2), [b2] "w"(b2));
    }
}

EK_INLINE void ek_conv_2d_32(const int8_t *w, int32_t w_row, int32_t channels, const int8_t *a, const int8_t *b,
                             int8x16_t a1, int8x16_t b1, int32_t *sums, int first, int whole, mve_pred16_t there) {
    const int8x16_t a0 = vldrbq_s8(a), b0 = vldrbq_s8(b);
    int32_t sum_a, sum_b;
    int8x16_t v;
    if (whole) {
        EK_CONV_2D_ANY(first, EK_CONV_2D_ALL, EK_CONV_2D_2(EK_CONV_2D_ALL), [a0] "w"(a0),
                       [b0] "w"(b0), [a1] "w"(a1), [b1] "w"(b1));
    } else {
        EK_CONV_2D_ANY(first, EK_CONV_2D_ALL, EK_CONV_2D_2(EK_CONV_2D_END), [a0] "w"(a0),
                       [b0] "w"(b0), [a1] "w"(a1), [b1] "w"(b1));
    }
}

/* The last portion, of any length. */
EK_SHARED void ek_conv_2d_end(const int8_t *w, int32_t w_row, int32_t channels, const int8_t *a, const int8_t *b,
                              int32_t taps, int32_t *sums, int first) {
    const int32_t whole = (taps - 1) & ~15;
    const mve_pred16_t there = vctp8q((uint32_t)(taps - whole));
    const int8x16_t a_end = vldrbq_z_s8(a + whole, there), b_end = vldrbq_z_s8(b + whole, there);
    if (whole == 32) {
        ek_conv_2d_48(w, w_row, channels, a, b, a_end, b_end, sums, first, 0, there);
    } else if (whole == 16) {
        ek_conv_2d_32(w, w_row, channels, a, b, a_end, b_end, sums, first, 0, there);
    } else {
        int32_t sum_a, sum_b;
        int8x16_t v;
        EK_CONV_2D_ANY(first, EK_CONV_2D_END, "", [a0] "w"(a_end), [b0] "w"(b_end));
    }
}
#else
EK_SHARED void ek_conv_2d_end(const int8_t *w, int32_t w_row, int32_t channels, const int8_t *a, const int8_t *b,
                              int32_t taps, int32_t *sums, int first) {
    for (int32_t c = channels; c > 0; c--, w += w_row, sums += 2) {
        int32_t sum_a = first ? 0 : sums[0], sum_b = first ? 0 : sums[1];
        for (int32_t k = 0; k < taps; k += 16) {
            const mve_pred16_t there = vctp8q((uint32_t)(taps - k));
            const int8x16_t weights = vldrbq_z_s8(w + k, there);
            sum_a = vmladavaq_s8(sum_a, weights, vldrbq_z_s8(a + k, there));
            sum_b = vmladavaq_s8(sum_b, weights, vldrbq_z_s8(b + k, there));
        }
        sums[0] = sum_a, sums[1] = sum_b;
    }
}
#endif

/* Where a pixel's taps lie: in so many pieces of one length, `step` bytes apart. */
typedef struct {
    const int8_t *from;
    int32_t step;
} ek_conv_2d_taps;

/* The sums of some channels of `count` pixels: in pairs, piece by piece, in portions of up to 48 taps. */
EK_SHARED void ek_conv_2d_sums(const int8_t *weights, int32_t w_row, int32_t channels, const ek_conv_2d_taps *at,
                               int32_t count, int32_t pieces, int32_t taps, int32_t *sums, int32_t pair) {
    for (; count > 0; count -= 2, at += 2, sums += pair) {
        const int8_t *a = at[0].from, *b = at[1].from, *w = weights;
        int first = 1;
        for (int32_t piece = pieces; piece > 0; piece--, a += at[0].step - taps, b += at[1].step - taps) {
            int32_t left = taps;
#if defined(__GNUC__)
            for (; left > 64 || left == 48; left -= 48, a += 48, b += 48, w += 48, first = 0) {
                ek_conv_2d_48(w, w_row, channels, a, b, vldrbq_s8(a + 32), vldrbq_s8(b + 32), sums, first, 1, 0);
            }
            if (left > 48 || left == 32) {
                ek_conv_2d_32(w, w_row, channels, a, b, vldrbq_s8(a + 16), vldrbq_s8(b + 16), sums, first, 1, 0);
                left -= 32, a += 32, b += 32, w += 32, first = 0;
            }
            if (left == 32) {
                ek_conv_2d_32(w, w_row, channels, a, b, vldrbq_s8(a + 16), vldrbq_s8(b + 16), sums, 0, 1, 0);
                left -= 32, a += 32, b += 32, w += 32;
            }
#endif
            if (left > 0) {
                ek_conv_2d_end(w, w_row, channels, a, b, left, sums, first);
                a += left, b += left, w += left, first = 0;
            }
        }
    }
}

/* These two may write up to 15 bytes beyond the end: windows are written in the order in which they lie. */
EK_INLINE int8_t *ek_conv_2d_copied(int8_t *to, const int8_t *from, int32_t count) {
    int8_t *const end = to + count;
    for (; count >= 16; count -= 16, to += 16, from += 16) {
        vstrbq_s8(to, vldrbq_s8(from));
    }
    if (count > 0) {
        vstrbq_s8(to, vldrbq_z_s8(from, vctp8q((uint32_t)count)));
    }
    return end;
}

EK_INLINE int8_t *ek_conv_2d_filled(int8_t *to, int32_t value, int32_t count) {
    for (int32_t k = 0; k < count; k += 16) {
        vstrbq_s8(to + k, vdupq_n_s8((int8_t)value));
    }
    return to + count;
}

/* The taps of one window one after the other; those outside the image are the zero point. */
EK_SHARED void ek_conv_2d_window(const ek_conv_2d_layer *l, const int8_t *x, int32_t top, int32_t left, int8_t *to) {
    const int32_t depth = l->filter_depth;
    const int joined = l->dilation_width == 1 && depth == l->x_depth;
    const int32_t before = left < 0 ? -left : 0;
    const int32_t over = left + l->filter_width - l->x_width, after = over > 0 ? over : 0;
    for (int32_t i = 0; i < l->filter_height; i++, top += l->dilation_height) {
        if (top < 0 || top >= l->x_height) {
            to = ek_conv_2d_filled(to, l->x_zero_point, l->filter_width * depth);
        } else if (joined && before + after < l->filter_width) {
            to = ek_conv_2d_filled(to, l->x_zero_point, before * depth);
            to = ek_conv_2d_copied(to, x + (top * l->x_width + left + before) * depth,
                                   (l->filter_width - before - after) * depth);
            to = ek_conv_2d_filled(to, l->x_zero_point, after * depth);
        } else {
            for (int32_t j = 0; j < l->filter_width; j++) {
                const int32_t column = left + j * l->dilation_width;
                if (column < 0 || column >= l->x_width) {
                    to = ek_conv_2d_filled(to, l->x_zero_point, depth);
                } else {
                    to = ek_conv_2d_copied(to, x + (top * l->x_width + column) * l->x_depth, depth);
                }
            }
        }
    }
}

/* The same for windows whose columns are all inside the image and lie side by side. */
EK_SHARED void ek_conv_2d_inside(const ek_conv_2d_layer *l, const int8_t *x, int32_t top, int32_t run, int8_t *to) {
    const int32_t x_row = l->x_width * l->x_depth, dilation = l->dilation_height, height = l->x_height;
    const int32_t whole = (run - 1) & ~15, zero = l->x_zero_point;
    const mve_pred16_t last = vctp8q((uint32_t)(run - whole));
    x += top * x_row;
    for (int32_t i = l->filter_height; i > 0; i--, top += dilation, x += dilation * x_row, to += run) {
        if ((uint32_t)top >= (uint32_t)height) {
            ek_conv_2d_filled(to, zero, run);
            continue;
        }
        for (int32_t k = 0; k < whole; k += 16) {
            vstrbq_s8(to + k, vldrbq_s8(x + k));
        }
        vstrbq_s8(to + whole, vldrbq_z_s8(x + whole, last));
    }
}

/* Four pixels at a time, over the ends of rows: all of their inputs are read before any of their results is written.
   Windows inside the image are read where they lie, if their rows are whole vectors or a single one; others are
   gathered in the scratch memory first. */
static void ek_conv_2d(const ek_conv_2d_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    const int32_t run = l->filter_width * l->filter_depth, taps = l->filter_height * run;
    const int32_t length = (taps + 15) / 16 * 16, pixels = l->y_height * l->y_width, pair = (l->y_depth + 3) / 4 * 8;
    const int joined = l->filter_width == 1 || (l->dilation_width == 1 && l->filter_depth == l->x_depth);
    const int direct = joined && (run % 16 == 0 || l->filter_height == 1);
    const int32_t pieces = direct ? l->filter_height : 1, reach = (l->filter_height - 1) * l->dilation_height;
    const int32_t x_row = l->x_width * l->x_depth;
    const int flat = l->filter_height * l->filter_width * l->stride_height * l->stride_width == 1 &&
                     l->pad_top == 0 && l->pad_left == 0;
    const ek_mve_output output =
        ek_mve_output_of(l->bias, l->multipliers, l->shifts, l->y_depth, l->y_zero_point, l->y_min, l->y_max);
    int32_t *const sums = (int32_t *)scratch;
    int8_t *const windows = (int8_t *)(sums + 2 * pair);
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * x_row) {
        int32_t i = 0, j = 0, count;
        for (int32_t pixel = 0; pixel < pixels; pixel += count, y += count * l->y_depth) {
            const int32_t first_i = i, first_j = j;
            count = pixels - pixel < 4 ? pixels - pixel : 4;
            for (int32_t channel = 0, group = 0; channel < l->y_depth; channel += l->group_depth, group++) {
                const int8_t *const origin = x + group * l->filter_depth;
                ek_conv_2d_taps at[5];
                i = first_i, j = first_j;
                for (int32_t t = 0; flat && t < count; t++) {
                    at[t].from = origin + (pixel + t) * l->x_depth;
                    at[t].step = 0;
                }
                for (int32_t t = 0; !flat && t < count; t++) {
                    const int32_t top = i * l->stride_height - l->pad_top, left = j * l->stride_width - l->pad_left;
                    const int inside = joined && left >= 0 && left + l->filter_width <= l->x_width;
                    if (direct && inside && top >= 0 && top + reach < l->x_height) {
                        at[t].from = origin + top * x_row + left * l->x_depth;
                        at[t].step = l->dilation_height * x_row;
                    } else {
                        at[t].from = windows + t * length;
                        at[t].step = run;
                        if (inside) {
                            ek_conv_2d_inside(l, origin + left * l->x_depth, top, run, windows + t * length);
                        } else {
                            ek_conv_2d_window(l, origin, top, left, windows + t * length);
                        }
                    }
                    if (++j == l->y_width) {
                        j = 0, i++;
                    }
                }
                at[count] = at[count - 1];
                ek_conv_2d_sums(l->weights + channel * taps, taps, l->group_depth, at, count, pieces,
                                direct ? run : taps, sums + 2 * channel, pair);
            }
            ek_mve_finish(&output, 0, l->y_depth, sums, pair, y, l->y_depth, count);
        }
    }
}
