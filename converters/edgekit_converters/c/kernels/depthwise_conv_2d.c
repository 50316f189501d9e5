typedef struct {
    int32_t batches, x_height, x_width, x_depth;
    int32_t y_height, y_width, y_depth, depth_multiplier;
    int32_t filter_height, filter_width;
    int32_t stride_height, stride_width, dilation_height, dilation_width, pad_top, pad_left;
    int32_t x_zero_point, y_zero_point, y_min, y_max;
    int32_t quick, squares, rows_together, fours;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
} ek_depthwise_conv_2d_layer;

/* One output: taps outside the image count as the zero point, for which the bias makes up. */
static int32_t ek_depthwise_conv_2d_sum(const ek_depthwise_conv_2d_layer *l, const int8_t *x, int32_t top, int32_t left,
                                        int32_t channel) {
    const int8_t *w = l->weights + channel;
    int32_t sum = l->bias[channel];
    x += channel / l->depth_multiplier;
    for (int32_t i = 0; i < l->filter_height; i++) {
        const int32_t row = top + i * l->dilation_height;
        for (int32_t j = 0; j < l->filter_width; j++, w += l->y_depth) {
            const int32_t column = left + j * l->dilation_width;
            const int inside = row >= 0 && row < l->x_height && column >= 0 && column < l->x_width;
            sum += *w * (inside ? x[(row * l->x_width + column) * l->x_depth] : l->x_zero_point);
        }
    }
    return sum;
}

static void ek_depthwise_conv_2d(const ek_depthwise_conv_2d_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    (void)scratch;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
        for (int32_t i = 0; i < l->y_height; i++) {
            const int32_t top = i * l->stride_height - l->pad_top;
            for (int32_t j = 0; j < l->y_width; j++) {
                const int32_t left = j * l->stride_width - l->pad_left;
                for (int32_t channel = 0; channel < l->y_depth; channel++) {
                    const int32_t sum = ek_depthwise_conv_2d_sum(l, x, top, left, channel);
                    const int32_t scaled = ek_scaled(sum, l->multipliers[channel], l->shifts[channel]);
                    *y++ = (int8_t)ek_clamped(scaled + l->y_zero_point, l->y_min, l->y_max);
                }
            }
        }
    }
}
