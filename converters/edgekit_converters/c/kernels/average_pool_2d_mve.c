/* Four channels at a time. */
EK_INLINE int32x4_t ek_average_pool_2d_sum(const int8_t *x, int32_t rows, int32_t columns, int32_t row, int32_t depth,
                                           int all, mve_pred16_t there) {
    int32x4_t sum = vdupq_n_s32(0);
    for (int32_t i = 0; i < rows; i++, x += row) {
        const int8_t *from = x;
        for (int32_t k = 0; k < columns; k++, from += depth) {
            sum = vaddq_s32(sum, all ? vldrbq_s32(from) : vldrbq_z_s32(from, there));
        }
    }
    return sum;
}

static void ek_average_pool_2d(const ek_average_pool_2d_layer *l, const int8_t *x, int8_t *y) {
    const int32_t depth = l->depth, x_row = l->x_width * depth;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * x_row) {
        for (int32_t i = 0; i < l->y_height; i++) {
            const int32_t top = i * l->stride_height - l->pad_top;
            const int32_t first_row = top < 0 ? 0 : top;
            const int32_t end_row = top + l->filter_height < l->x_height ? top + l->filter_height : l->x_height;
            for (int32_t j = 0; j < l->y_width; j++) {
                const int32_t left = j * l->stride_width - l->pad_left;
                const int32_t first = left < 0 ? 0 : left;
                const int32_t end = left + l->filter_width < l->x_width ? left + l->filter_width : l->x_width;
                const int32_t count = (end_row - first_row) * (end - first);
                const int8_t *const from = x + first_row * x_row + first * depth;
                for (int32_t c = 0; c < depth; c += 4) {
                    const int32_t now = depth - c < 4 ? depth - c : 4;
                    const mve_pred16_t there = vctp32q((uint32_t)now);
                    int32_t sums[4];
                    vst1q_s32(sums, now == 4 ? ek_average_pool_2d_sum(from + c, end_row - first_row, end - first, x_row,
                                                                      depth, 1, there)
                                             : ek_average_pool_2d_sum(from + c, end_row - first_row, end - first, x_row,
                                                                      depth, 0, there));
                    for (int32_t t = 0; t < now; t++) {
                        const int32_t mean = (sums[t] > 0 ? sums[t] + count / 2 : sums[t] - count / 2) / count;
                        *y++ = (int8_t)ek_clamped(mean, l->y_min, l->y_max);
                    }
                }
            }
        }
    }
}
