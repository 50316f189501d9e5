static void ek_add_linear(const ek_add_linear_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    const int32x4_t offset = vdupq_n_s32(l->offset);
    const int32x4_t low = vdupq_n_s32(l->y_min), high = vdupq_n_s32(l->y_max);
    const int32_t p = l->a_factor, q = l->b_factor, rest = l->count & 3;
    for (int32_t n = l->count >> 2; n > 0; n--, a += 4, b += 4, y += 4) {
        const int32x4_t first = vmlaq_n_s32(offset, vldrbq_s32(a), p);
        const int32x4_t sum = vshrq_n_s32(vmlaq_n_s32(first, vldrbq_s32(b), q), 22);
        vstrbq_s32(y, vminq_s32(vmaxq_s32(sum, low), high));
    }
    if (rest > 0) {
        const mve_pred16_t there = vctp32q((uint32_t)rest);
        const int32x4_t first = vmlaq_n_s32(offset, vldrbq_z_s32(a, there), p);
        const int32x4_t sum = vshrq_n_s32(vmlaq_n_s32(first, vldrbq_z_s32(b, there), q), 22);
        vstrbq_p_s32(y, vminq_s32(vmaxq_s32(sum, low), high), there);
    }
}
