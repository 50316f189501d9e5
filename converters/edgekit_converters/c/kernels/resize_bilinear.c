typedef struct {
    int32_t batches, x_height, x_width, depth, y_height, y_width, row_step, column_step, row_first, column_first;
} ek_resize_bilinear_layer;

/* Rows or columns around a place that is given in 1/1024: `low` and `high`, and what of the place lies behind `low`. */
static int32_t ek_resize_bilinear_around(int32_t place, int32_t size, int32_t *low, int32_t *high) {
    const int32_t above = (place + 1023) >> 10;
    *low = place < 0 ? 0 : place >> 10;
    *high = above < size - 1 ? above : size - 1;
    return place - *low * 1024;
}

static void ek_resize_bilinear(const ek_resize_bilinear_layer *l, const int8_t *x, int8_t *y) {
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->depth) {
        for (int32_t i = 0; i < l->y_height; i++) {
            int32_t top, bottom;
            const int32_t down =
                ek_resize_bilinear_around(l->row_first + i * l->row_step, l->x_height, &top, &bottom);
            for (int32_t j = 0; j < l->y_width; j++) {
                int32_t left, right;
                const int32_t along =
                    ek_resize_bilinear_around(l->column_first + j * l->column_step, l->x_width, &left, &right);
                const int8_t *a = x + (top * l->x_width + left) * l->depth;
                const int8_t *b = x + (bottom * l->x_width + left) * l->depth;
                const int8_t *c = x + (top * l->x_width + right) * l->depth;
                const int8_t *d = x + (bottom * l->x_width + right) * l->depth;
                for (int32_t k = 0; k < l->depth; k++) {
                    const int64_t sum = (int64_t)(a[k] * (1024 - down) + b[k] * down) * (1024 - along) +
                                        (int64_t)(c[k] * (1024 - down) + d[k] * down) * along;
                    *y++ = (int8_t)((sum > 0 ? sum + (1 << 19) : sum - (1 << 19)) / (1 << 20));
                }
            }
        }
    }
}
