typedef struct {
    int32_t count;
    int32_t a_zero_point, a_multiplier, a_shift;
    int32_t b_zero_point, b_multiplier, b_shift;
    int32_t y_zero_point, y_multiplier, y_shift, y_min, y_max;
} ek_add_layer;

static void ek_add(const ek_add_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        const int32_t left = ek_scaled((a[i] - l->a_zero_point) * (1 << 20), l->a_multiplier, l->a_shift);
        const int32_t right = ek_scaled((b[i] - l->b_zero_point) * (1 << 20), l->b_multiplier, l->b_shift);
        const int32_t sum = ek_scaled(left + right, l->y_multiplier, l->y_shift);
        y[i] = (int8_t)ek_clamped(sum + l->y_zero_point, l->y_min, l->y_max);
    }
}
