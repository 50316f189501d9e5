typedef struct {
    int32_t count;
    const int32_t *by;
} ek_count_layer;

static void ek_count(const ek_count_layer *l, int32_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        y[i] += l->by[i];
    }
}
