/* The operand of the larger scale is halved by its multiplier, which a power of two does as well: it takes one
   instruction. The other one is scaled as TFLite does it; a shift of 0, which halves too, becomes one of -1 of twice
   the value, so that every shift is to the right. */
EK_INLINE int32x4_t ek_add_4(int32x4_t halved, int32x4_t scaled, int32_t halved_offset, int32x4_t factor,
                             int32_t scaled_offset, int32_t multiplier, int32_t shift, int32_t y_multiplier,
                             int32x4_t y_shift, int32_t y_zero_point, int32x4_t y_min, int32x4_t y_max, int away) {
    scaled = vqrdmulhq_n_s32(vmlasq_n_s32(scaled, factor, scaled_offset), multiplier);
    scaled = vrshlq_n_s32(vaddq_s32(scaled, vshrq_n_s32(scaled, 31)), shift);
    const int32x4_t sum = vaddq_n_s32(vmlaq_n_s32(scaled, halved, 1 << 19), halved_offset);
    const int32x4_t y = ek_mve_scaled(sum, vdupq_n_s32(y_multiplier), y_shift, away);
    return vminq_s32(vmaxq_s32(vaddq_n_s32(y, y_zero_point), y_min), y_max);
}

EK_INLINE void ek_add_all(const ek_add_layer *l, const int8_t *halved, const int8_t *scaled, int8_t *y,
                          int32_t halved_zero_point, int32_t scaled_zero_point, int32_t multiplier, int32_t shift,
                          int away) {
    const int32_t lift = shift == 0 ? 1 << 21 : 1 << 20, right = shift == 0 ? -1 : shift;
    const int32x4_t factor = vdupq_n_s32(lift), y_shift = vdupq_n_s32(l->y_shift);
    const int32x4_t y_min = vdupq_n_s32(l->y_min), y_max = vdupq_n_s32(l->y_max);
    const int32_t y_multiplier = l->y_multiplier, y_zero_point = l->y_zero_point, count = l->count;
    const int32_t halved_offset = -halved_zero_point * (1 << 19), scaled_offset = -scaled_zero_point * lift;
    for (int32_t n = count; n >= 4; n -= 4, halved += 4, scaled += 4, y += 4) {
        vstrbq_s32(y, ek_add_4(vldrbq_s32(halved), vldrbq_s32(scaled), halved_offset, factor, scaled_offset, multiplier,
                               right, y_multiplier, y_shift, y_zero_point, y_min, y_max, away));
    }
    if (count % 4 > 0) {
        const mve_pred16_t there = vctp32q((uint32_t)(count % 4));
        const int32x4_t first = vldrbq_z_s32(halved, there), second = vldrbq_z_s32(scaled, there);
        vstrbq_p_s32(y, ek_add_4(first, second, halved_offset, factor, scaled_offset, multiplier, right, y_multiplier,
                                 y_shift, y_zero_point, y_min, y_max, away), there);
    }
}

static void ek_add(const ek_add_layer *l, const int8_t *a, const int8_t *b, int8_t *y) {
    const int a_is_halved = l->a_multiplier == 1 << 30 && l->a_shift == 0;
    const int8_t *const halved = a_is_halved ? a : b, *const scaled = a_is_halved ? b : a;
    const int32_t halved_zero_point = a_is_halved ? l->a_zero_point : l->b_zero_point;
    const int32_t zero_point = a_is_halved ? l->b_zero_point : l->a_zero_point;
    const int32_t multiplier = a_is_halved ? l->b_multiplier : l->a_multiplier;
    const int32_t shift = a_is_halved ? l->b_shift : l->a_shift;
    if (l->y_min < l->y_zero_point) {
        ek_add_all(l, halved, scaled, y, halved_zero_point, zero_point, multiplier, shift, 1);
    } else {
        ek_add_all(l, halved, scaled, y, halved_zero_point, zero_point, multiplier, shift, 0);
    }
}
