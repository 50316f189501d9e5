typedef struct {
    int32_t rows, size_1, size_2, count;
    int32_t a_0, a_1, a_2, a_3, b_0, b_1, b_2, b_3;
    int32_t a_zero_point, b_zero_point;
    int32_t y_zero_point, y_multiplier, y_shift, y_min, y_max;
    int32_t quick; /* all products are scaled right by one multiplication for the power of two and the zero point */
} ek_mul_layer;

static void ek_mul(const ek_mul_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t row = 0; row < l->rows; row++) {
        const int8_t *left = a + ek_row(row, l->size_1, l->size_2, l->a_0, l->a_1, l->a_2);
        const int8_t *right = b + ek_row(row, l->size_1, l->size_2, l->b_0, l->b_1, l->b_2);
        for (int32_t k = 0; k < l->count; k++, left += l->a_3, right += l->b_3) {
            const int32_t product = (*left - l->a_zero_point) * (*right - l->b_zero_point);
            const int32_t scaled = ek_scaled(product, l->y_multiplier, l->y_shift);
            *y++ = (int8_t)ek_clamped(scaled + l->y_zero_point, l->y_min, l->y_max);
        }
    }
}
