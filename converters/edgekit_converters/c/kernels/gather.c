typedef struct {
    int32_t batches, outer, size, count, run;
} ek_gather_layer;

/* Blocks of `run` bytes by their numbers; 1 where a number is outside the table. */
static int ek_gather(const ek_gather_layer *l, const void *x, const int32_t *places, void *y) {
    const uint8_t *table = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t batch = 0; batch < l->batches; batch++, places += l->count) {
        for (int32_t i = 0; i < l->outer; i++, table += l->size * l->run) {
            for (int32_t k = 0; k < l->count; k++, to += l->run) {
                if (places[k] < 0 || places[k] >= l->size) {
                    return 1;
                }
                memcpy(to, table + places[k] * l->run, (size_t)l->run);
            }
        }
    }
    return 0;
}
