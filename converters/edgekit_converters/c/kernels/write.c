typedef struct {
    int32_t bytes, row, last;
} ek_write_layer;

/* Rows of a sequence from the place on that `start` says, moved so that they lie inside it. */
static void ek_write(const ek_write_layer *l, const void *x, const int32_t *start, void *y) {
    const int32_t row = *start < 0 ? 0 : *start > l->last ? l->last : *start;
    memcpy((uint8_t *)y + row * l->row, x, (size_t)l->bytes);
}
