/* Rounded to the nearest whole number, and from the middle to the even one. */
static inline int32_t ${name}_even(float real)
{
    const int32_t whole = ${name}_whole(real);
    const float rest = real - (float)whole;
    if (real >= 8388608.0f || real <= -8388608.0f) {
        return whole;
    }
    if (rest > 0.5f || (rest == 0.5f && whole % 2 != 0)) {
        return whole + 1;
    }
    return rest < -0.5f || (rest == -0.5f && whole % 2 != 0) ? whole - 1 : whole;
}
