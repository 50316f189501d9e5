typedef struct {
    int32_t count, zero_point;
    float scale;
} ek_dequantize_layer;

static void ek_dequantize(const ek_dequantize_layer *l, const int8_t *x, float *y) {
    for (int32_t i = 0; i < l->count; i++) {
        y[i] = l->scale * (float)(x[i] - l->zero_point);
    }
}
