typedef struct {
    int32_t rows, size_1, size_2, count;
    int32_t c_0, c_1, c_2, c_3, a_0, a_1, a_2, a_3, b_0, b_1, b_2, b_3;
} ek_select_v2_layer;

static void ek_select_v2(
    const ek_select_v2_layer *l, const void *flags, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t row = 0; row < l->rows; row++) {
        const int32_t first = ek_row(row, l->size_1, l->size_2, l->c_0, l->c_1, l->c_2);
        const unsigned char *flag = (const unsigned char *)flags + first;
        const int8_t *left = a + ek_row(row, l->size_1, l->size_2, l->a_0, l->a_1, l->a_2);
        const int8_t *right = b + ek_row(row, l->size_1, l->size_2, l->b_0, l->b_1, l->b_2);
        for (int32_t k = 0; k < l->count; k++, flag += l->c_3, left += l->a_3, right += l->b_3) {
            *y++ = (int8_t)(*flag ? *left : *right);
        }
    }
}
