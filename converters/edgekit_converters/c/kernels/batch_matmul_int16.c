typedef struct {
    int32_t batches_0, batches_1, batches_2, a_batch_0, a_batch_1, a_batch_2, b_batch_0, b_batch_1, b_batch_2;
    int32_t rows, columns, depth, a_row, a_depth, b_column, b_depth;
    int32_t multiplier, shift;
} ek_batch_matmul_int16_layer;

static int16_t *ek_batch_matmul_int16_pair(const ek_batch_matmul_int16_layer *l, const int16_t *a, const int16_t *b,
                                           int16_t *y) {
    for (int32_t i = 0; i < l->rows; i++) {
        for (int32_t j = 0; j < l->columns; j++) {
            const int16_t *row = a + i * l->a_row;
            const int16_t *column = b + j * l->b_column;
            int64_t sum = 0;
            for (int32_t k = 0; k < l->depth; k++) {
                sum += (int32_t)row[k * l->a_depth] * column[k * l->b_depth];
            }
            *y++ = (int16_t)ek_clamped(ek_scaled_wide(sum, l->multiplier, l->shift), -32768, 32767);
        }
    }
    return y;
}

static void ek_batch_matmul_int16(const ek_batch_matmul_int16_layer *l, const int16_t *a, const int16_t *b,
                                  int16_t *y) {
    for (int32_t i = 0; i < l->batches_0; i++) {
        for (int32_t j = 0; j < l->batches_1; j++) {
            for (int32_t k = 0; k < l->batches_2; k++) {
                y = ek_batch_matmul_int16_pair(l, a + i * l->a_batch_0 + j * l->a_batch_1 + k * l->a_batch_2,
                                               b + i * l->b_batch_0 + j * l->b_batch_1 + k * l->b_batch_2, y);
            }
        }
    }
}
