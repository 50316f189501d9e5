typedef struct {
    int32_t count, x_zero_point, multiplier, shift, y_zero_point, y_min, y_max;
} ek_quantize_int16_int8_layer;

static void ek_quantize_int16_int8(const ek_quantize_int16_int8_layer *l, const int16_t *x, int8_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        const int32_t scaled = ek_scaled(x[i] - l->x_zero_point, l->multiplier, l->shift);
        y[i] = (int8_t)ek_clamped(scaled + l->y_zero_point, l->y_min, l->y_max);
    }
}
