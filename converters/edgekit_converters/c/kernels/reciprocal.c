/* Bits above the highest one that is set. */
static int32_t ek_headroom(uint32_t value) {
    int32_t bits = 0;
    while (value < 0x80000000u) {
        value <<= 1;
        bits++;
    }
    return bits;
}

/* The product of two numbers below 1, of 31 bits behind the point. */
static int32_t ek_high_product(int32_t left, int32_t right) {
    return (int32_t)(((int64_t)left * right + ((int64_t)1 << 30)) >> 31);
}

static int32_t ek_saturated_word(int64_t value) {
    return value > 0x7fffffff ? 0x7fffffff : value < -0x7fffffff - 1 ? -0x7fffffff - 1 : (int32_t)value;
}

/* 1 / (1 + value) for a value in [0, 1): three steps of Newton and Raphson, with two bits before the point. */
static int32_t ek_reciprocal(int32_t value) {
    const int32_t half = (int32_t)(((int64_t)value + 0x7fffffff + 1) / 2);
    int32_t x = 1515870810 + ek_high_product(half, -1010580540);
    for (int i = 0; i < 3; i++) {
        x += ek_saturated_word((int64_t)ek_high_product(x, (1 << 29) - ek_high_product(half, x)) * 4);
    }
    return ek_saturated_word((int64_t)x * 2);
}
