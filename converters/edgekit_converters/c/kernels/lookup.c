typedef struct {
    int32_t count;
    const uint8_t *table;
} ek_lookup_layer;

/* Each byte by its own entry: the bits of an int8 count as those of a uint8. */
static void ek_lookup(const ek_lookup_layer *l, const void *x, void *y) {
    const uint8_t *from = (const uint8_t *)x;
    uint8_t *to = (uint8_t *)y;
    for (int32_t i = 0; i < l->count; i++) {
        to[i] = l->table[from[i]];
    }
}
