/* value * multiplier / 2^31 * 2^shift for a sum of 64 bits, with a mantissa of 16 bits as in TFLite's kernels. */
static int32_t ek_scaled_wide(int64_t value, int32_t multiplier, int32_t shift) {
    const int64_t mantissa = multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
    const int32_t places = 15 - shift;
    return (int32_t)((value * mantissa + ((int64_t)1 << (places - 1))) >> places);
}
