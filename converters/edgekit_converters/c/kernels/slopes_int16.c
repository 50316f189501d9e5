typedef struct {
    int32_t count, multiplier, shift, negative_multiplier, negative_shift, y_min, y_max;
} ek_slopes_int16_layer;

static void ek_slopes_int16(const ek_slopes_int16_layer *l, const int16_t *x, int16_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        const int32_t scaled = x[i] < 0 ? ek_scaled(x[i], l->negative_multiplier, l->negative_shift)
                                        : ek_scaled(x[i], l->multiplier, l->shift);
        y[i] = (int16_t)ek_clamped(scaled, l->y_min, l->y_max);
    }
}
