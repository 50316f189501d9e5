/* value * multiplier / 2^31 * 2^shift, as TFLite's kernels round it: at bit 31, then halves away from zero. */
static int32_t ek_scaled(int32_t value, int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int64_t product = (int64_t)value * ((int64_t)multiplier << left);
    const int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
    const int32_t mask = (int32_t)(((uint32_t)1 << right) - 1u);
    const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
    return (high >> right) + ((high & mask) > threshold ? 1 : 0);
}

static int32_t ek_clamped(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}
