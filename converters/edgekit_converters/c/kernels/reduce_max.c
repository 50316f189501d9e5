typedef struct {
    int32_t kept_0, kept_1, kept_2, kept_stride_0, kept_stride_1, kept_stride_2;
    int32_t added_0, added_1, added_2, added_stride_0, added_stride_1, added_stride_2;
} ek_reduce_max_layer;

/* The largest value of those that one result stands for. */
static int8_t ek_reduce_max_of(const ek_reduce_max_layer *l, const int8_t *x) {
    int8_t found = *x;
    for (int32_t i = 0; i < l->added_0; i++) {
        for (int32_t j = 0; j < l->added_1; j++) {
            const int8_t *from = x + i * l->added_stride_0 + j * l->added_stride_1;
            for (int32_t k = 0; k < l->added_2; k++, from += l->added_stride_2) {
                found = *from > found ? *from : found;
            }
        }
    }
    return found;
}

static void ek_reduce_max(const ek_reduce_max_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t i = 0; i < l->kept_0; i++) {
        for (int32_t j = 0; j < l->kept_1; j++) {
            const int8_t *from = x + i * l->kept_stride_0 + j * l->kept_stride_1;
            for (int32_t k = 0; k < l->kept_2; k++, from += l->kept_stride_2) {
                *y++ = ek_reduce_max_of(l, from);
            }
        }
    }
}
