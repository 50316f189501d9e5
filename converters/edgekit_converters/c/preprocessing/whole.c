/* Cut to a whole number; what int32 does not hold, and what is no number, gives its least value, as in training. */
static inline int32_t ${name}_whole(float real)
{
    return real >= -2147483648.0f && real < 2147483648.0f ? (int32_t)real : -2147483647 - 1;
}
