typedef struct {
    int32_t batches, x_height, x_width, x_depth;
    int32_t y_height, y_width, y_depth;
    int32_t filter_height, filter_width, stride_height, stride_width, pad_top, pad_left;
    int32_t x_zero_point, y_zero_point, y_min, y_max;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
} ek_transpose_conv_layer;

/* One output: taps that no input falls on count as the zero point, for which the bias makes up. */
static int32_t ek_transpose_conv_sum(const ek_transpose_conv_layer *l, const int8_t *x, int32_t top, int32_t left,
                                     int32_t channel) {
    const int8_t *w = l->weights + channel * l->filter_height * l->filter_width * l->x_depth;
    int32_t sum = l->bias[channel];
    for (int32_t i = 0; i < l->filter_height; i++) {
        const int32_t below = top - i;
        const int32_t row = below / l->stride_height;
        const int met = below >= 0 && row * l->stride_height == below && row < l->x_height;
        for (int32_t j = 0; j < l->filter_width; j++, w += l->x_depth) {
            const int32_t beside = left - j;
            const int32_t column = beside / l->stride_width;
            if (met && beside >= 0 && column * l->stride_width == beside && column < l->x_width) {
                const int8_t *from = x + (row * l->x_width + column) * l->x_depth;
                for (int32_t k = 0; k < l->x_depth; k++) {
                    sum += w[k] * from[k];
                }
            } else {
                for (int32_t k = 0; k < l->x_depth; k++) {
                    sum += w[k] * l->x_zero_point;
                }
            }
        }
    }
    return sum;
}

static void ek_transpose_conv(const ek_transpose_conv_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
        for (int32_t i = 0; i < l->y_height; i++) {
            for (int32_t j = 0; j < l->y_width; j++) {
                for (int32_t channel = 0; channel < l->y_depth; channel++) {
                    const int32_t sum = ek_transpose_conv_sum(l, x, i + l->pad_top, j + l->pad_left, channel);
                    const int32_t scaled = ek_scaled(sum, l->multipliers[channel], l->shifts[channel]);
                    *y++ = (int8_t)ek_clamped(scaled + l->y_zero_point, l->y_min, l->y_max);
                }
            }
        }
    }
}
