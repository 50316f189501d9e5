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

static int8_t ek_reduce_result(const ek_reduce_layer *l, int32_t sum) {
    return (int8_t)ek_clamped(ek_scaled(sum, l->multiplier, l->shift) + l->y_zero_point, l->y_min, l->y_max);
}

static void ek_reduce(const ek_reduce_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t i = 0; i < l->kept_0; i++) {
        for (int32_t j = 0; j < l->kept_1; j++) {
            const int8_t *from = x + i * l->kept_stride_0 + j * l->kept_stride_1;
            int32_t k = 0;
            for (; l->kept_stride_2 == 1 && k + 4 <= l->kept_2; k += 4, from += 4) {
                int32_t sums[4] = {l->offset, l->offset, l->offset, l->offset};
                for (int32_t n = 0; n < l->added_0; n++) {
                    ek_four_sums(from + n * l->added_stride_0, l->added_1, l->added_stride_1, l->added_2,
                                 l->added_stride_2, sums);
                }
                for (int32_t n = 0; n < 4; n++) {
                    *y++ = ek_reduce_result(l, sums[n]);
                }
            }
            for (; k < l->kept_2; k++, from += l->kept_stride_2) {
                *y++ = ek_reduce_result(l, ek_reduce_sum(l, from));
            }
        }
    }
}
