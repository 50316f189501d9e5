typedef struct {
    int32_t batches, x_bytes, x_row, run, y_height, y_width;
    const int16_t *rows;
    const int16_t *columns;
} ek_resize_nearest_neighbor_layer;

static void ek_resize_nearest_neighbor(const ek_resize_nearest_neighbor_layer *l, const void *x, void *y) {
    const uint8_t *image = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t batch = 0; batch < l->batches; batch++, image += l->x_bytes) {
        for (int32_t i = 0; i < l->y_height; i++) {
            const uint8_t *row = image + l->rows[i] * l->x_row;
            for (int32_t j = 0; j < l->y_width; j++, to += l->run) {
                memmove(to, row + l->columns[j] * l->run, (size_t)l->run);
            }
        }
    }
}
