typedef struct {
    int32_t batches, x_depth, y_depth;
    int32_t y_zero_point, y_min, y_max;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t least;
} ek_fully_connected_layer;

static void ek_fully_connected(const ek_fully_connected_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    (void)scratch;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_depth) {
        const int8_t *w = l->weights;
        for (int32_t channel = 0; channel < l->y_depth; channel++, w += l->x_depth) {
            int32_t sum = l->bias[channel];
            for (int32_t k = 0; k < l->x_depth; k++) {
                sum += w[k] * x[k];
            }
            sum = ek_scaled(sum, l->multipliers[channel], l->shifts[channel]);
            *y++ = (int8_t)ek_clamped(sum + l->y_zero_point, l->y_min, l->y_max);
        }
    }
}
