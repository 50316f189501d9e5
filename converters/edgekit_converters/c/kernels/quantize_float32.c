typedef struct {
    int32_t count;
    float scale;
    int32_t y_zero_point, y_min, y_max;
} ek_quantize_float32_layer;

/* Halves away from zero. What no result can be is cut before it becomes an integer; no number becomes the smallest. */
static void ek_quantize_float32(const ek_quantize_float32_layer *l, const float *x, int8_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        const float value = x[i] / l->scale;
        int32_t whole = l->y_min - l->y_zero_point;
        if (value >= 131072.0f) {
            whole = l->y_max - l->y_zero_point;
        } else if (value > -131072.0f) {
            whole = (int32_t)value;
            const float rest = value - (float)whole;
            whole += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
        }
        y[i] = (int8_t)ek_clamped(whole + l->y_zero_point, l->y_min, l->y_max);
    }
}
