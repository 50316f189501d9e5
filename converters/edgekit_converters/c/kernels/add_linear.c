/* (a * a_factor + b * b_factor + offset) / 2^22, rounded down: chosen so that every pair of values has the sum that
 * TFLite's four roundings give it. */
typedef struct {
    int32_t count;
    int32_t a_factor, b_factor, offset, y_min, y_max;
} ek_add_linear_layer;

static void ek_add_linear(const ek_add_linear_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        const int32_t sum = (a[i] * l->a_factor + b[i] * l->b_factor + l->offset) >> 22;
        y[i] = (int8_t)ek_clamped(sum, l->y_min, l->y_max);
    }
}
