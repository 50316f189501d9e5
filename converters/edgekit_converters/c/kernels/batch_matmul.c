typedef struct {
    int32_t batches_0, batches_1, batches_2, a_batch_0, a_batch_1, a_batch_2, b_batch_0, b_batch_1, b_batch_2;
    int32_t rows, columns, depth, a_row, a_depth, b_column, b_depth;
    int32_t a_zero_point, b_zero_point, y_zero_point, multiplier, shift;
} ek_batch_matmul_layer;

static int8_t *ek_batch_matmul_pair(const ek_batch_matmul_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t i = 0; i < l->rows; i++) {
        for (int32_t j = 0; j < l->columns; j++) {
            const int8_t *row = a + i * l->a_row;
            const int8_t *column = b + j * l->b_column;
            int32_t sum = 0;
            for (int32_t k = 0; k < l->depth; k++) {
                sum += (row[k * l->a_depth] - l->a_zero_point) * (column[k * l->b_depth] - l->b_zero_point);
            }
            sum = ek_scaled(sum, l->multiplier, l->shift);
            *y++ = (int8_t)ek_clamped(sum + l->y_zero_point, -128, 127);
        }
    }
    return y;
}

static void ek_batch_matmul(const ek_batch_matmul_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    for (int32_t i = 0; i < l->batches_0; i++) {
        for (int32_t j = 0; j < l->batches_1; j++) {
            for (int32_t k = 0; k < l->batches_2; k++) {
                y = ek_batch_matmul_pair(l, a + i * l->a_batch_0 + j * l->a_batch_1 + k * l->a_batch_2,
                                         b + i * l->b_batch_0 + j * l->b_batch_1 + k * l->b_batch_2, y);
            }
        }
    }
}
