/* What Helium's kernels share. Sums of pixels lie in pairs, as [pair][channel][2 pixels]: a pair is stored by one
   instruction. Loops that everything else waits for are written in assembler, since compilers spend half as many
   instructions again on moves between registers; without GNU's assembler, intrinsics do it alone. */
#if defined(__GNUC__)
#define EK_INLINE __attribute__((always_inline, unused)) static inline
#define EK_SHARED __attribute__((noinline, unused)) EK_CODE static
#else
#define EK_INLINE static inline
#define EK_SHARED EK_CODE static
#endif

typedef struct {
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t zero_point, y_min, y_max;
    int lifted; /* some shift is to the left */
    int away;   /* results below the zero point count, so halves of negative numbers must round as TFLite does */
} ek_mve_output;

EK_SHARED ek_mve_output ek_mve_output_of(const int32_t *bias, const int32_t *multipliers, const int8_t *shifts,
                                      int32_t channels, int32_t zero_point, int32_t y_min, int32_t y_max) {
    int32_t most = -128;
    (void)ek_scaled, (void)ek_clamped; /* of kernels without a text for Helium */
    for (int32_t c = 0; c < channels; c += 16) {
        most = vmaxvq_p_s8((int8_t)most, vldrbq_z_s8(shifts + c, vctp8q((uint32_t)(channels - c))),
                           vctp8q((uint32_t)(channels - c)));
    }
    const ek_mve_output output = {bias, multipliers, shifts, zero_point, y_min, y_max, most > 0, y_min < zero_point};
    return output;
}

/* ek_scaled of four values, without a lift. vqrdmulh rounds at bit 31 as ek_scaled does; it would saturate only for
   -2^31 * -2^31, and multipliers are positive. vrshl rounds halves up: a negative number that is divided is made
   smaller by 1 first, which moves only exact halves, and those away from zero. */
EK_INLINE int32x4_t ek_mve_scaled(int32x4_t values, int32x4_t multipliers, int32x4_t shifts, int away) {
    const int32x4_t high = vqrdmulhq_s32(values, multipliers);
    return vrshlq_s32(away ? vaddq_s32(high, vshrq_n_s32(vandq_s32(high, shifts), 31)) : high, shifts);
}

/* One pixel's results of four channels; `there` says which of the channels, where they are not all. */
EK_INLINE void ek_mve_finish_pixel(int32x4_t sums, int8_t *y, int32x4_t bias, int32x4_t multipliers, int32x4_t shifts,
                                   int32_t zero_point, int32x4_t y_min, int32x4_t y_max, int all, int away, int lifted,
                                   mve_pred16_t there) {
    int32x4_t values = vaddq_s32(sums, bias);
    if (lifted) {
        values = vshlq_s32(values, vmaxq_s32(shifts, vdupq_n_s32(0)));
        shifts = vminq_s32(shifts, vdupq_n_s32(0));
    }
    values = vaddq_n_s32(ek_mve_scaled(values, multipliers, shifts, away), zero_point);
    values = vminq_s32(vmaxq_s32(values, y_min), y_max);
    if (all) {
        vstrbq_s32(y, values);
    } else {
        vstrbq_p_s32(y, values, there);
    }
}

/* The sums of four channels, by pixel. The address is hidden from GCC 12, which would step it in the same instruction,
   in a way that there is not. */
EK_INLINE int32x4x2_t ek_mve_pair(const int32_t *sums) {
#if defined(__GNUC__)
    __asm__("" : "+r"(sums));
#endif
    return vld2q_s32(sums);
}

/* Channels in fours, of 4, 2 or 1 pixels; pairs are `pair` sums apart, pixels `row` results. `all` says that there are
   four channels each time; else they are up to three, once. */
EK_INLINE void ek_mve_finish_fours(const ek_mve_output *o, int32_t c, int32_t channels, const int32_t *sums,
                                   int32_t pair, int8_t *y, int32_t row, int pixels, int all, int away, int lifted) {
    const mve_pred16_t there = vctp32q((uint32_t)channels);
    const int32x4_t low = vdupq_n_s32(o->y_min), high = vdupq_n_s32(o->y_max);
    const int32_t *bias_of = o->bias + c, *multipliers_of = o->multipliers + c, zero = o->zero_point;
    const int8_t *shifts_of = o->shifts + c;
    for (int32_t n = all ? channels >> 2 : 1; n > 0; n--) {
        const int32x4_t bias = all ? vldrwq_s32(bias_of) : vldrwq_z_s32(bias_of, there);
        const int32x4_t multipliers = all ? vldrwq_s32(multipliers_of) : vldrwq_z_s32(multipliers_of, there);
        const int32x4_t shifts = all ? vldrbq_s32(shifts_of) : vldrbq_z_s32(shifts_of, there);
        const int32x4x2_t two = ek_mve_pair(sums);
        int8_t *to = y;
        ek_mve_finish_pixel(two.val[0], to, bias, multipliers, shifts, zero, low, high, all, away, lifted, there);
        if (pixels > 1) {
            to += row;
            ek_mve_finish_pixel(two.val[1], to, bias, multipliers, shifts, zero, low, high, all, away, lifted, there);
        }
        if (pixels > 2) {
            const int32x4x2_t more = ek_mve_pair(sums + pair);
            to += row;
            ek_mve_finish_pixel(more.val[0], to, bias, multipliers, shifts, zero, low, high, all, away, lifted, there);
            to += row;
            ek_mve_finish_pixel(more.val[1], to, bias, multipliers, shifts, zero, low, high, all, away, lifted, there);
        }
        bias_of += 4, multipliers_of += 4, shifts_of += 4, sums += 8, y += 4;
    }
}

/* Any number of channels and pixels, any shifts. */
EK_SHARED void ek_mve_finish_any(const ek_mve_output *o, int32_t c, int32_t channels, const int32_t *sums, int32_t pair,
                                 int8_t *y, int32_t row, int32_t pixels) {
    const int32_t rest = channels & 3, most = channels - rest;
    for (; pixels > 0; pixels -= 2, sums += pair, y += 2 * row) {
        if (pixels > 1 && most > 0) {
            ek_mve_finish_fours(o, c, most, sums, pair, y, row, 2, 1, 1, 1);
        } else if (most > 0) {
            ek_mve_finish_fours(o, c, most, sums, pair, y, row, 1, 1, 1, 1);
        }
        if (pixels > 1 && rest > 0) {
            ek_mve_finish_fours(o, c + most, rest, sums + 2 * most, pair, y + most, row, 2, 0, 1, 1);
        } else if (rest > 0) {
            ek_mve_finish_fours(o, c + most, rest, sums + 2 * most, pair, y + most, row, 1, 0, 1, 1);
        }
    }
}

EK_SHARED void ek_mve_finish_away(const ek_mve_output *o, int32_t c, int32_t channels, const int32_t *sums,
                                  int32_t pair, int8_t *y, int32_t row) {
    ek_mve_finish_fours(o, c, channels, sums, pair, y, row, 4, 1, 1, 0);
}

EK_SHARED void ek_mve_finish_near(const ek_mve_output *o, int32_t c, int32_t channels, const int32_t *sums,
                                  int32_t pair, int8_t *y, int32_t row) {
    ek_mve_finish_fours(o, c, channels, sums, pair, y, row, 4, 1, 0, 0);
}

/* From sums to results: so many channels from channel c on, of up to four pixels. Sums are read in fours. */
EK_INLINE void ek_mve_finish(const ek_mve_output *o, int32_t c, int32_t channels, const int32_t *sums, int32_t pair,
                             int8_t *y, int32_t row, int32_t pixels) {
    const int32_t most = pixels == 4 && !o->lifted ? channels & ~3 : 0;
    if (most > 0 && o->away) {
        ek_mve_finish_away(o, c, most, sums, pair, y, row);
    } else if (most > 0) {
        ek_mve_finish_near(o, c, most, sums, pair, y, row);
    }
    if (most < channels) {
        ek_mve_finish_any(o, c + most, channels - most, sums + 2 * most, pair, y + most, row, pixels);
    }
}
