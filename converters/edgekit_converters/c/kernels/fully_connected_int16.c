typedef struct {
    int32_t batches, x_depth, y_depth;
    int32_t y_min, y_max;
    const int8_t *weights;
    const int64_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
} ek_fully_connected_int16_layer;

static void ek_fully_connected_int16(const ek_fully_connected_int16_layer *l, const int16_t *x, int16_t *y, void *scratch) {
    (void)scratch;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_depth) {
        const int8_t *w = l->weights;
        for (int32_t channel = 0; channel < l->y_depth; channel++, w += l->x_depth) {
            int64_t sum = l->bias[channel];
            for (int32_t k = 0; k < l->x_depth; k++) {
                sum += w[k] * x[k];
            }
            const int32_t scaled = ek_scaled_wide(sum, l->multipliers[channel], l->shifts[channel]);
            *y++ = (int16_t)ek_clamped(scaled, l->y_min, l->y_max);
        }
    }
}
