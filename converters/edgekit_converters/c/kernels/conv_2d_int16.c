typedef struct {
    int32_t batches, x_height, x_width, x_depth;
    int32_t y_height, y_width, y_depth;
    int32_t filter_height, filter_width, filter_depth, group_depth;
    int32_t stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_left;
    int32_t y_min, y_max;
    const int8_t *weights;
    const int64_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
} ek_conv_2d_int16_layer;

/* One output: taps outside the image count as 0. */
static int64_t ek_conv_2d_int16_sum(const ek_conv_2d_int16_layer *l, const int16_t *x, int32_t top, int32_t left,
                                    int32_t channel) {
    const int8_t *w = l->weights + channel * l->filter_height * l->filter_width * l->filter_depth;
    const int32_t first = channel / l->group_depth * l->filter_depth;
    int64_t sum = l->bias[channel];
    for (int32_t i = 0; i < l->filter_height; i++) {
        const int32_t row = top + i * l->dilation_height;
        for (int32_t j = 0; j < l->filter_width; j++, w += l->filter_depth) {
            const int32_t column = left + j * l->dilation_width;
            if (row >= 0 && row < l->x_height && column >= 0 && column < l->x_width) {
                const int16_t *from = x + (row * l->x_width + column) * l->x_depth + first;
                for (int32_t k = 0; k < l->filter_depth; k++) {
                    sum += w[k] * from[k];
                }
            }
        }
    }
    return sum;
}

static void ek_conv_2d_int16(const ek_conv_2d_int16_layer *l, const int16_t *x, int16_t *y, void *scratch) {
    (void)scratch;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
        for (int32_t i = 0; i < l->y_height; i++) {
            const int32_t top = i * l->stride_height - l->pad_top;
            for (int32_t j = 0; j < l->y_width; j++) {
                const int32_t left = j * l->stride_width - l->pad_left;
                for (int32_t channel = 0; channel < l->y_depth; channel++) {
                    const int64_t sum = ek_conv_2d_int16_sum(l, x, top, left, channel);
                    const int32_t scaled = ek_scaled_wide(sum, l->multipliers[channel], l->shifts[channel]);
                    *y++ = (int16_t)ek_clamped(scaled, l->y_min, l->y_max);
                }
            }
        }
    }
}
