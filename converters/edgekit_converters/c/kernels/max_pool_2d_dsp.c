static inline uint32_t ek_max_pool_2d_four(const int8_t *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* The larger ones of four values each. */
static inline uint32_t ek_max_pool_2d_larger(uint32_t a, uint32_t b) {
#if defined(__GNUC__)
    uint32_t larger;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(larger) : "r"(a), "r"(b) : "cc");
    return larger;
#else
    (void)__ssub8((int8x4_t)a, (int8x4_t)b);
    return (uint32_t)__sel((uint8x4_t)a, (uint8x4_t)b);
#endif
}

static void ek_max_pool_2d(const ek_max_pool_2d_layer *l, const int8_t *x, int8_t *y) {
    const int clamps = l->y_min > -128 || l->y_max < 127;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->depth) {
        for (int32_t i = 0; i < l->y_height; i++) {
            const int32_t top = i * l->stride_height - l->pad_top;
            const int32_t first_row = top < 0 ? 0 : top;
            const int32_t end_row = top + l->filter_height < l->x_height ? top + l->filter_height : l->x_height;
            for (int32_t j = 0; j < l->y_width; j++) {
                const int32_t left = j * l->stride_width - l->pad_left;
                const int32_t first = left < 0 ? 0 : left;
                const int32_t end = left + l->filter_width < l->x_width ? left + l->filter_width : l->x_width;
                const int32_t width = end - first, pitch = l->x_width * l->depth;
                const int8_t *const corner = x + first_row * pitch + first * l->depth;
                int32_t channel = 0;
                for (; channel + 4 <= l->depth; channel += 4, y += 4) {
                    const int8_t *row = corner + channel;
                    uint32_t most = ek_max_pool_2d_four(row);
                    for (int32_t n = end_row - first_row; n > 0; n--, row += pitch) {
                        const int8_t *from = row;
                        for (int32_t k = width; k > 0; k--, from += l->depth) {
                            most = ek_max_pool_2d_larger(most, ek_max_pool_2d_four(from));
                        }
                    }
                    memcpy(y, &most, 4);
                    for (int32_t k = 0; clamps && k < 4; k++) {
                        y[k] = (int8_t)ek_clamped(y[k], l->y_min, l->y_max);
                    }
                }
                for (; channel < l->depth; channel++) {
                    int32_t most = l->y_min;
                    for (int32_t row = first_row; row < end_row; row++) {
                        const int8_t *from = x + (row * l->x_width + first) * l->depth + channel;
                        for (int32_t k = first; k < end; k++, from += l->depth) {
                            most = *from > most ? *from : most;
                        }
                    }
                    *y++ = (int8_t)ek_clamped(most, l->y_min, l->y_max);
                }
            }
        }
    }
}
