typedef struct {
    int32_t count, zero_point;
    float scale;
} ek_dequantize_uint8_layer;

static void ek_dequantize_uint8(const ek_dequantize_uint8_layer *l, const uint8_t *x, float *y) {
    for (int32_t i = 0; i < l->count; i++) {
        y[i] = l->scale * (float)(x[i] - l->zero_point);
    }
}
