/* Sixteen channels at a time. */
static void ek_max_pool_2d(const ek_max_pool_2d_layer *l, const int8_t *x, int8_t *y) {
    const int32_t depth = l->depth, x_row = l->x_width * depth;
    const int8x16_t y_min = vdupq_n_s8((int8_t)l->y_min), y_max = vdupq_n_s8((int8_t)l->y_max);
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * x_row) {
        for (int32_t i = 0; i < l->y_height; i++) {
            const int32_t top = i * l->stride_height - l->pad_top;
            const int32_t first_row = top < 0 ? 0 : top;
            const int32_t end_row = top + l->filter_height < l->x_height ? top + l->filter_height : l->x_height;
            for (int32_t j = 0; j < l->y_width; j++, y += depth) {
                const int32_t left = j * l->stride_width - l->pad_left;
                const int32_t first = left < 0 ? 0 : left;
                const int32_t end = left + l->filter_width < l->x_width ? left + l->filter_width : l->x_width;
                for (int32_t c = 0; c < depth; c += 16) {
                    const mve_pred16_t there = vctp8q((uint32_t)(depth - c));
                    int8x16_t most = y_min;
                    for (int32_t row = first_row; row < end_row; row++) {
                        const int8_t *from = x + row * x_row + first * depth + c;
                        for (int32_t k = first; k < end; k++, from += depth) {
                            most = vmaxq_s8(most, vldrbq_z_s8(from, there));
                        }
                    }
                    vstrbq_p_s8(y + c, vminq_s8(most, y_max), there);
                }
            }
        }
    }
}
