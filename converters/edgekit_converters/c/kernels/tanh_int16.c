typedef struct {
    int32_t count, multiplier, round, shift;
    const uint16_t *table;
} ek_tanh_int16_layer;

/* 2 * logistic(2 * x) - 1: the table holds the logistic function for positive values in steps of 1/24. */
static void ek_tanh_int16(const ek_tanh_int16_layer *l, const int16_t *x, int16_t *y) {
    for (int32_t i = 0; i < l->count; i++) {
        const int32_t value = (x[i] * l->multiplier + l->round) >> l->shift;
        const uint32_t magnitude = (uint32_t)(value < 0 ? -value : value);
        const uint32_t place = magnitude >> 8;
        uint32_t part = 0xffffu << 8;
        if (place < 255) {
            const uint32_t low = l->table[place];
            part = (low << 8) + (magnitude & 0xffu) * (l->table[place + 1] - low);
        }
        const int32_t centred = (int32_t)part - (1 << 23);
        y[i] = (int16_t)((value < 0 ? 127 - centred : centred + 128) >> 8);
    }
}
