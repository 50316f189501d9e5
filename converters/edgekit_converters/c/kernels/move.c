typedef struct {
    int32_t run, x_first, y_first;
    int32_t size_0, x_0, y_0, size_1, x_1, y_1, size_2, x_2, y_2, size_3, x_3, y_3, size_4, x_4, y_4;
} ek_move_layer;

/* Blocks of `run` bytes from where they are to where they belong. */
static void ek_move(const ek_move_layer *l, const void *x, void *y) {
    const uint8_t *const first = (const uint8_t *)x + l->x_first;
    uint8_t *const to_first = (uint8_t *)y + l->y_first;
    for (int32_t h = 0; h < l->size_0; h++) {
        for (int32_t i = 0; i < l->size_1; i++) {
            for (int32_t j = 0; j < l->size_2; j++) {
                for (int32_t k = 0; k < l->size_3; k++) {
                    const uint8_t *from = first + (h * l->x_0 + i * l->x_1 + j * l->x_2 + k * l->x_3);
                    uint8_t *to = to_first + (h * l->y_0 + i * l->y_1 + j * l->y_2 + k * l->y_3);
                    for (int32_t n = 0; n < l->size_4; n++, from += l->x_4, to += l->y_4) {
                        if (l->run == 1) {
                            *to = *from;
                        } else {
                            memmove(to, from, (size_t)l->run);
                        }
                    }
                }
            }
        }
    }
}
