typedef char ${name}_double_has_64_bits[sizeof(double) == 8 ? 1 : -1];

/* Between which positions of a source a position of the result lies: half-pixel centres. */
static ${up}_CODE ${name}_tap ${name}_tap_at(size_t position, size_t source, size_t target)
{
    ${name}_tap tap;
    const double centre = ((double)position + 0.5) * (double)source / (double)target - 0.5;
    if (centre < 0.0) {
        tap.weight = (float)(centre + 1.0);
        tap.lower = 0;
        tap.upper = 0;
    } else {
        const size_t lower = (size_t)centre;
        tap.weight = (float)(centre - (double)lower);
        tap.lower = (uint16_t)lower;
        tap.upper = (uint16_t)(lower + 1 < source ? lower + 1 : lower);
    }
    return tap;
}
