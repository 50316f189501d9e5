typedef struct {
    int32_t count, multiplier, round, shift;
    const uint16_t *table;
} ek_logistic_int16_layer;

/* The table holds the function for positive values in steps of 1/24; between its entries lie straight lines. */
static void ek_logistic_int16(const ek_logistic_int16_layer *l, const int16_t *x, int16_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        const int32_t value = (x[i] * l->multiplier + l->round) >> l->shift;
        const uint32_t magnitude = (uint32_t)(value < 0 ? -value : value);
        const uint32_t place = magnitude >> 9;
        uint32_t part = 0x7fffu << 10;
        if (place < 255) {
            const uint32_t low = l->table[place];
            part = (low << 9) + (magnitude & 0x1ffu) * (l->table[place + 1] - low);
        }
        part = value < 0 ? (1u << 25) - part + 511u : part + 512u;
        y[i] = (int16_t)(part >> 10);
    }
}
