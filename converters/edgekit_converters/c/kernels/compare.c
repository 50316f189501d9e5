typedef struct {
    int32_t rows, size_1, size_2, count;
    int32_t a_0, a_1, a_2, a_3, b_0, b_1, b_2, b_3;
    int32_t lift;
    int32_t a_zero_point, a_multiplier, a_shift;
    int32_t b_zero_point, b_multiplier, b_shift;
    uint8_t less, equal, greater;
} ek_compare_layer;

static void ek_compare(const ek_compare_layer *l, const int8_t *a, const int8_t *b, uint8_t *y) {
    for (int32_t row = 0; row < l->rows; row++) {
        const int8_t *left = a + ek_row(row, l->size_1, l->size_2, l->a_0, l->a_1, l->a_2);
        const int8_t *right = b + ek_row(row, l->size_1, l->size_2, l->b_0, l->b_1, l->b_2);
        for (int32_t k = 0; k < l->count; k++, left += l->a_3, right += l->b_3) {
            const int32_t first = ek_scaled((*left - l->a_zero_point) * (1 << l->lift), l->a_multiplier, l->a_shift);
            const int32_t second = ek_scaled((*right - l->b_zero_point) * (1 << l->lift), l->b_multiplier, l->b_shift);
            *y++ = first < second ? l->less : first > second ? l->greater : l->equal;
        }
    }
}
