typedef struct {
    int32_t outer, size, inner, sign, width;
} ek_arg_max_layer;

/* The first place of the largest value, or with a sign of -1 of the smallest. */
static void ek_arg_max(const ek_arg_max_layer *l, const int8_t *x, void *y) {
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < l->outer; i++, x += l->size * l->inner) {
        for (int32_t j = 0; j < l->inner; j++, to += l->width) {
            int32_t place = 0;
            int32_t most = x[j] * l->sign;
            for (int32_t k = 1; k < l->size; k++) {
                if (x[k * l->inner + j] * l->sign > most) {
                    most = x[k * l->inner + j] * l->sign;
                    place = k;
                }
            }
            if (l->width == 4) {
                memcpy(to, &place, sizeof place);
            } else {
                const int64_t wide = place;
                memcpy(to, &wide, sizeof wide);
            }
        }
    }
}
