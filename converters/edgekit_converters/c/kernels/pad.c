typedef struct {
    int32_t run, before, after, width;
    int32_t size_0, first_0, end_0, size_1, first_1, end_1, size_2, first_2, end_2, size_3, first_3, end_3;
    const void *value;
} ek_pad_layer;

static uint8_t *ek_pad_filled(const ek_pad_layer *l, uint8_t *to, int32_t bytes) {
    if (l->width == 1) {
        memset(to, *(const uint8_t *)l->value, (size_t)bytes);
    } else {
        for (int32_t i = 0; i < bytes; i += l->width) {
            memcpy(to + i, l->value, (size_t)l->width);
        }
    }
    return to + bytes;
}

/* Row by row: a row of the input is moved first, then what stands before and behind it is filled. */
static void ek_pad(const ek_pad_layer *l, const void *x, void *y) {
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t h = 0; h < l->size_0; h++) {
        for (int32_t i = 0; i < l->size_1; i++) {
            for (int32_t j = 0; j < l->size_2; j++) {
                for (int32_t k = 0; k < l->size_3; k++) {
                    if (h < l->first_0 || h >= l->end_0 || i < l->first_1 || i >= l->end_1 || j < l->first_2 ||
                        j >= l->end_2 || k < l->first_3 || k >= l->end_3) {
                        to = ek_pad_filled(l, to, l->before + l->run + l->after);
                    } else {
                        memmove(to + l->before, from, (size_t)l->run);
                        from += l->run;
                        to = ek_pad_filled(l, to, l->before);
                        to = ek_pad_filled(l, to + l->run, l->after);
                    }
                }
            }
        }
    }
}
