static const void *ek_lstm_values(const int8_t *from, int32_t depth, int64_t *room) {
    (void)depth, (void)room;
    return from;
}

static void ek_lstm_sums(const int8_t *w, int32_t gate, int32_t depth, const void *values, int32_t *sums) {
    const int8_t *const x = (const int8_t *)values;
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
    for (int32_t k = 0; k < depth; k += 16, w += 16) {
        const mve_pred16_t there = vctp8q((uint32_t)(depth - k));
        const int8x16_t some = vldrbq_z_s8(x + k, there);
        a = vmladavaq_s8(a, vldrbq_z_s8(w, there), some);
        b = vmladavaq_s8(b, vldrbq_z_s8(w + gate, there), some);
        c = vmladavaq_s8(c, vldrbq_z_s8(w + 2 * gate, there), some);
        d = vmladavaq_s8(d, vldrbq_z_s8(w + 3 * gate, there), some);
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}
