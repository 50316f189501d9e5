static const void *ek_lstm_values(const int8_t *from, int32_t depth, int64_t *room) {
    (void)ek_unpacked(from, depth, room, 1);
    return room;
}

static void ek_lstm_sums(const int8_t *w, int32_t gate, int32_t depth, const void *values, int32_t *sums) {
    const int64_t *const x = (const int64_t *)values;
    ek_fours_of_four(w, gate, x, x + (depth + 3) / 4, sums);
}
