/* The scratch memory holds, for every channel, the columns that its windows slide over, each as high as the filter: so
   the taps of a window lie side by side, and one instruction multiplies 16 of them. The next output row needs new
   input rows. They are written one byte further, where the rows lay that are not needed any more: the columns stay as
   high as the filter, and what lies in them moves up. After some rows everything begins anew at the start. Filters are
   brought into the same order once. A dilated filter counts as a larger one with zeros in it. */
#define EK_DEPTHWISE_CONV_2D_DRIFT 8  /* bytes that rows may move */
#define EK_DEPTHWISE_CONV_2D_BLOCK 32 /* channels whose sums are kept */

typedef struct {
    int32_t height, columns, plane; /* of the filter, with its dilation; of all windows; bytes of a channel */
    int32_t quads;                  /* vectors of a filter */
} ek_depthwise_conv_2d_shape;

/* Eight channels of `count` pixels or taps, `step` values apart, to eight places `distance` bytes apart, and so on;
   where `from` is NULL, all of them are one value. Places that 16 bits cannot say are written byte by byte. */
EK_INLINE void ek_depthwise_conv_2d_spread(const int8_t *from, int32_t step, int32_t value, int32_t count,
                                           int32_t channels, int8_t *to, int32_t next, int32_t distance) {
    if (distance > 0xFFFF / 7) {
        for (; count > 0; count--, to += next, from = from == NULL ? NULL : from + step) {
            for (int32_t c = 0; c < channels; c++) {
                to[c * distance] = (int8_t)(from == NULL ? value : from[c]);
            }
        }
        return;
    }
    const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)distance);
    const int16x8_t values = vdupq_n_s16((int16_t)value);
    for (; channels > 0; channels -= 8, to += 8 * distance) {
        const mve_pred16_t there = vctp16q((uint32_t)channels);
        int8_t *at = to;
        if (from == NULL) {
            for (int32_t j = count; j > 0; j--, at += next) {
                vstrbq_scatter_offset_p_s16(at, places, values, there);
            }
            continue;
        }
        const int8_t *origin = from;
        if (channels >= 8) {
            for (int32_t j = count; j > 0; j--, at += next, origin += step) {
                vstrbq_scatter_offset_s16(at, places, vldrbq_s16(origin));
            }
        } else {
            for (int32_t j = count; j > 0; j--, at += next, origin += step) {
                vstrbq_scatter_offset_p_s16(at, places, vldrbq_z_s16(origin, there), there);
            }
        }
        from += 8;
    }
}

/* One input row into the columns, at their place `to`: padding, pixels, padding. */
EK_SHARED void ek_depthwise_conv_2d_row(const ek_depthwise_conv_2d_layer *l, const ek_depthwise_conv_2d_shape *s,
                                        const int8_t *x, int32_t row, int8_t *to) {
    const int32_t height = s->height, plane = s->plane, depth = l->x_depth, zero = l->x_zero_point;
    if (row < 0 || row >= l->x_height) {
        ek_depthwise_conv_2d_spread(NULL, 0, zero, s->columns, depth, to, height, plane);
        return;
    }
    const int32_t before = l->pad_left < s->columns ? l->pad_left : s->columns;
    const int32_t left = s->columns - before, inside = left < l->x_width ? left : l->x_width;
    ek_depthwise_conv_2d_spread(NULL, 0, zero, before, depth, to, height, plane);
    to += before * height;
    ek_depthwise_conv_2d_spread(x + row * l->x_width * depth, depth, 0, inside, depth, to, height, plane);
    to += inside * height;
    ek_depthwise_conv_2d_spread(NULL, 0, zero, left - inside, depth, to, height, plane);
}

#if defined(__GNUC__)
/* Sums of one vector each, of four windows whose distance is known; two pairs of them. */
#define EK_DEPTHWISE_CONV_2D_LOOP(one, two, three)                                                                  \
    __asm__ volatile("dls lr, %[channels]\n"                                                                        \
                     "1: vldrb.8 %q[v], [%[w]], #16\n"                                                              \
                     "vldrb.8 %q[u], [%[x]]\n"                                                                      \
                     "vmlav.s8 %[s0], %q[v], %q[u]\n"                                                               \
                     "vldrb.8 %q[u], [%[x], #" one "]\n"                                                            \
                     "vmlav.s8 %[s1], %q[v], %q[u]\n"                                                               \
                     "vldrb.8 %q[u], [%[x], #" two "]\n"                                                            \
                     "vmlav.s8 %[s2], %q[v], %q[u]\n"                                                               \
                     "vldrb.8 %q[u], [%[x], #" three "]\n"                                                          \
                     "vmlav.s8 %[s3], %q[v], %q[u]\n"                                                               \
                     "add %[x], %[x], %[plane]\n"                                                                   \
                     "strd %[s2], %[s3], [%[sums], #" EK_DEPTHWISE_CONV_2D_PAIR "]\n"                               \
                     "strd %[s0], %[s1], [%[sums]], #8\n"                                                           \
                     "le lr, 1b"                                                                                    \
                     : [w] "+r"(w), [x] "+r"(x), [sums] "+r"(sums), [s0] "=&Te"(s0), [s1] "=&Te"(s1),               \
                       [s2] "=&Te"(s2), [s3] "=&Te"(s3), [v] "=&w"(v), [u] "=&w"(u)                                 \
                     : [channels] "r"(channels), [plane] "r"(plane)                                                 \
                     : "lr", "memory")
#define EK_DEPTHWISE_CONV_2D_PAIR "256" /* bytes of a block's pairs of sums */

EK_INLINE void ek_depthwise_conv_2d_usual(const int8_t *w, const int8_t *x, int32_t step, int32_t plane,
                                          int32_t channels, int32_t *sums) {
    int32_t s0, s1, s2, s3;
    int8x16_t v, u;
    if (step == 3) {
        EK_DEPTHWISE_CONV_2D_LOOP("3", "6", "9");
    } else {
        EK_DEPTHWISE_CONV_2D_LOOP("6", "12", "18");
    }
}
#endif

/* The sums of four windows, `step` bytes apart, or of one, of some channels. */
EK_INLINE void ek_depthwise_conv_2d_sums(const int8_t *w, const int8_t *x, int32_t step, int32_t quads, int32_t plane,
                                         int32_t multiplier, int32_t turn, int32_t channels, int32_t *sums, int four) {
    for (int32_t c = channels; c > 0; c--, sums += 2) {
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        const int8_t *from = x;
        for (int32_t q = quads; q > 0; q--, w += 16, from += 16) {
            const int8x16_t v = vldrbq_s8(w);
            s0 = vmladavaq_s8(s0, v, vldrbq_s8(from));
            if (four) {
                s1 = vmladavaq_s8(s1, v, vldrbq_s8(from + step));
                s2 = vmladavaq_s8(s2, v, vldrbq_s8(from + 2 * step));
                s3 = vmladavaq_s8(s3, v, vldrbq_s8(from + 3 * step));
            }
        }
        if (four) {
            sums[1] = s1;
            sums[2 * EK_DEPTHWISE_CONV_2D_BLOCK] = s2, sums[2 * EK_DEPTHWISE_CONV_2D_BLOCK + 1] = s3;
        }
        sums[0] = s0;
        if (multiplier == 1 || ++turn == multiplier) {
            turn = 0;
            x += plane;
        }
    }
}

EK_SHARED void ek_depthwise_conv_2d_pixels(const ek_depthwise_conv_2d_layer *l, const ek_depthwise_conv_2d_shape *s,
                                           const int8_t *w, const int8_t *x, int32_t first, int32_t channels,
                                           int32_t *sums, int32_t pixels) {
    const int32_t step = l->stride_width * s->height, quads = s->quads, plane = s->plane, m = l->depth_multiplier;
    const int32_t turn = m == 1 ? 0 : first % m;
    x += (m == 1 ? first : first / m) * plane;
    w += first * 16 * quads;
#if defined(__GNUC__)
    if (pixels > 1 && quads == 1 && m == 1 && (step == 3 || step == 6)) {
        ek_depthwise_conv_2d_usual(w, x, step, plane, channels, sums); /* of what follows, too, where they are fewer */
        return;
    }
#endif
    if (pixels == 4) {
        ek_depthwise_conv_2d_sums(w, x, step, quads, plane, m, turn, channels, sums, 1);
        return;
    }
    for (int32_t t = 0; t < pixels; t++, x += step) {
        int32_t *const own = sums + t / 2 * 2 * EK_DEPTHWISE_CONV_2D_BLOCK + t % 2;
        if (quads == 1 && m == 1) {
            ek_depthwise_conv_2d_sums(w, x, 0, 1, plane, 1, 0, channels, own, 0);
        } else {
            ek_depthwise_conv_2d_sums(w, x, 0, quads, plane, m, turn, channels, own, 0);
        }
    }
}

static void ek_depthwise_conv_2d_filters(const ek_depthwise_conv_2d_layer *l, const ek_depthwise_conv_2d_shape *s,
                                         int8_t *to) {
    const int8_t *w = l->weights;
    memset(to, 0, (size_t)(l->y_depth * 16 * s->quads));
    for (int32_t i = 0; i < l->filter_height; i++, w += l->filter_width * l->y_depth, to += l->dilation_height) {
        ek_depthwise_conv_2d_spread(w, l->y_depth, 0, l->filter_width, l->y_depth, to, l->dilation_width * s->height,
                                    16 * s->quads);
    }
}

static void ek_depthwise_conv_2d(const ek_depthwise_conv_2d_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    const int32_t block = EK_DEPTHWISE_CONV_2D_BLOCK, furthest = EK_DEPTHWISE_CONV_2D_DRIFT;
    const int32_t height = (l->filter_height - 1) * l->dilation_height + 1;
    const int32_t width = (l->filter_width - 1) * l->dilation_width + 1;
    const int32_t columns = (l->y_width - 1) * l->stride_width + width;
    const ek_depthwise_conv_2d_shape s = {height, columns, height * columns + furthest, (height * width + 15) / 16};
    const ek_mve_output output =
        ek_mve_output_of(l->bias, l->multipliers, l->shifts, l->y_depth, l->y_zero_point, l->y_min, l->y_max);
    int32_t *const sums = (int32_t *)scratch;
    int8_t *const filters = (int8_t *)(sums + 4 * block), *const images = filters + l->y_depth * 16 * s.quads;
    ek_depthwise_conv_2d_filters(l, &s, filters);
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
        int32_t drift = furthest;
        for (int32_t i = 0; i < l->y_height; i++) {
            const int32_t top = i * l->stride_height - l->pad_top;
            int32_t fresh = l->stride_height; /* rows that are new since the last output row */
            if (drift + fresh > furthest || fresh >= height) {
                fresh = height, drift = 0;
            } else {
                drift += fresh;
            }
            int8_t *const image = images + drift;
            for (int32_t k = height - fresh; k < height; k++) {
                ek_depthwise_conv_2d_row(l, &s, x, top + k, image + k);
            }
            for (int32_t j = 0, count; j < l->y_width; j += count, y += count * l->y_depth) {
                count = l->y_width - j < 4 ? l->y_width - j : 4;
                for (int32_t c = 0; c < l->y_depth; c += block) {
                    const int32_t now = l->y_depth - c < block ? l->y_depth - c : block;
                    ek_depthwise_conv_2d_pixels(l, &s, filters, image + j * l->stride_width * height, c, now, sums,
                                                count);
                    ek_mve_finish(&output, c, now, sums, 2 * block, y + c, l->y_depth, count);
                }
            }
        }
    }
}
