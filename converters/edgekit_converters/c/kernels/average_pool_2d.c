typedef struct {
    int32_t batches, x_height, x_width, depth;
    int32_t y_height, y_width;
    int32_t filter_height, filter_width, stride_height, stride_width, pad_top, pad_left;
    int32_t y_min, y_max;
} ek_average_pool_2d_layer;

static void ek_average_pool_2d(const ek_average_pool_2d_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->depth) {
        for (int32_t i = 0; i < l->y_height; i++) {
            const int32_t top = i * l->stride_height - l->pad_top;
            const int32_t first_row = top < 0 ? 0 : top;
            const int32_t end_row = top + l->filter_height < l->x_height ? top + l->filter_height : l->x_height;
            for (int32_t j = 0; j < l->y_width; j++) {
                const int32_t left = j * l->stride_width - l->pad_left;
                const int32_t first = left < 0 ? 0 : left;
                const int32_t end = left + l->filter_width < l->x_width ? left + l->filter_width : l->x_width;
                const int32_t count = (end_row - first_row) * (end - first);
                for (int32_t channel = 0; channel < l->depth; channel++) {
                    int32_t sum = 0;
                    for (int32_t row = first_row; row < end_row; row++) {
                        const int8_t *from = x + (row * l->x_width + first) * l->depth + channel;
                        for (int32_t k = first; k < end; k++, from += l->depth) {
                            sum += *from;
                        }
                    }
                    sum = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
                    *y++ = (int8_t)ek_clamped(sum, l->y_min, l->y_max);
                }
            }
        }
    }
}
