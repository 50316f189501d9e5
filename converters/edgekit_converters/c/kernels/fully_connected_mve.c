#define EK_FULLY_CONNECTED_BLOCK 32 /* outputs whose sums are kept */

/* Two outputs at a time share what is loaded of the input. Their sums lie as those of pairs whose second pixel is of no
   account. */
EK_INLINE void ek_fully_connected_2(const int8_t *w, int32_t w_row, const int8_t *x, int32_t taps, int32_t *sums) {
    const int8_t *w0 = w, *w1 = w + w_row;
    int32_t s0 = 0, s1 = 0;
#if defined(__GNUC__)
    if (taps >= 16) {
        int8x16_t v, u;
        __asm__ volatile("dls lr, %[vectors]\n"
                         "1: vldrb.8 %q[v], [%[x]], #16\n"
                         "vldrb.8 %q[u], [%[w0]], #16\n"
                         "vmlava.s8 %[s0], %q[v], %q[u]\n"
                         "vldrb.8 %q[u], [%[w1]], #16\n"
                         "vmlava.s8 %[s1], %q[v], %q[u]\n"
                         "le lr, 1b"
                         : [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1), [s0] "+Te"(s0), [s1] "+Te"(s1), [v] "=&w"(v),
                           [u] "=&w"(u)
                         : [vectors] "r"(taps / 16)
                         : "lr", "memory");
    }
#else
    for (int32_t k = taps; k >= 16; k -= 16, x += 16, w0 += 16, w1 += 16) {
        const int8x16_t v = vldrbq_s8(x);
        s0 = vmladavaq_s8(s0, v, vldrbq_s8(w0));
        s1 = vmladavaq_s8(s1, v, vldrbq_s8(w1));
    }
#endif
    if (taps % 16 > 0) {
        const mve_pred16_t there = vctp8q((uint32_t)(taps % 16));
        const int8x16_t v = vldrbq_z_s8(x, there);
        s0 = vmladavaq_s8(s0, v, vldrbq_z_s8(w0, there));
        s1 = vmladavaq_s8(s1, v, vldrbq_z_s8(w1, there));
    }
    sums[0] = s0, sums[2] = s1;
}

/* The sums of a block of outputs. A last one without a second is taken twice: no row behind the last one is read. */
EK_SHARED void ek_fully_connected_sums(const int8_t *w, const int8_t *x, int32_t taps, int32_t outputs, int32_t *sums) {
    for (; outputs > 0; outputs -= 2, w += 2 * taps, sums += 4) {
        ek_fully_connected_2(w, outputs > 1 ? taps : 0, x, taps, sums);
    }
}

static void ek_fully_connected(const ek_fully_connected_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    const ek_mve_output output =
        ek_mve_output_of(l->bias, l->multipliers, l->shifts, l->y_depth, l->y_zero_point, l->y_min, l->y_max);
    int32_t sums[2 * EK_FULLY_CONNECTED_BLOCK + 8];
    (void)scratch;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_depth, y += l->y_depth) {
        for (int32_t c = 0; c < l->y_depth; c += EK_FULLY_CONNECTED_BLOCK) {
            const int32_t left = l->y_depth - c;
            const int32_t now = left < EK_FULLY_CONNECTED_BLOCK ? left : EK_FULLY_CONNECTED_BLOCK;
            ek_fully_connected_sums(l->weights + c * l->x_depth, x, l->x_depth, now, sums);
            ek_mve_finish(&output, c, now, sums, 0, y + c, l->y_depth, 1);
        }
    }
}
