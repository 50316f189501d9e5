typedef struct {
    int32_t kept_0, kept_1, kept_2, kept_stride_0, kept_stride_1, kept_stride_2;
    int32_t added_0, added_1, added_2, added_stride_0, added_stride_1, added_stride_2;
    int32_t offset, multiplier, shift, y_zero_point, y_min, y_max;
} ek_reduce_layer;

static int32_t ek_reduce_sum(const ek_reduce_layer *l, const int8_t *x) {
    int32_t sum = l->offset;
    for (int32_t i = 0; i < l->added_0; i++) {
        for (int32_t j = 0; j < l->added_1; j++) {
            const int8_t *from = x + i * l->added_stride_0 + j * l->added_stride_1;
            for (int32_t k = 0; k < l->added_2; k++, from += l->added_stride_2) {
                sum += *from;
            }
        }
    }
    return sum;
}

static void ek_reduce(const ek_reduce_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t i = 0; i < l->kept_0; i++) {
        for (int32_t j = 0; j < l->kept_1; j++) {
            const int8_t *from = x + i * l->kept_stride_0 + j * l->kept_stride_1;
            for (int32_t k = 0; k < l->kept_2; k++, from += l->kept_stride_2) {
                const int32_t scaled = ek_scaled(ek_reduce_sum(l, from), l->multiplier, l->shift);
                *y++ = (int8_t)ek_clamped(scaled + l->y_zero_point, l->y_min, l->y_max);
            }
        }
    }
}
