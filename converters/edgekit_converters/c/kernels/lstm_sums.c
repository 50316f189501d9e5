/* Values as ek_lstm_sums takes them; `room` has eight bytes for each four of them. */
static const void *ek_lstm_values(const int8_t *from, int32_t depth, int64_t *room) {
    (void)depth, (void)room;
    return from;
}

/* Adds the products of one unit's weights with the values to the sums of its four gates, whose weights lie `gate` bytes
 * apart. */
static void ek_lstm_sums(const int8_t *w, int32_t gate, int32_t depth, const void *values, int32_t *sums) {
    const int8_t *const x = (const int8_t *)values;
    for (int32_t n = 0; n < 4; n++, w += gate) {
        int32_t sum = sums[n];
        for (int32_t k = 0; k < depth; k++) {
            sum += w[k] * x[k];
        }
        sums[n] = sum;
    }
}
