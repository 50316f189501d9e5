/* A product that is rounded before anything is added to it, also where a compiler would fuse the two. */
static inline float ${name}_product(float a, float b)
{
#if defined(__GNUC__) && ((defined(__arm__) && !defined(__ARM_FP)) || (defined(__riscv) && !defined(__riscv_flen)))
    return a * b; /* by a call, which nothing is fused with */
#elif defined(__GNUC__) && defined(__ARM_FP) && !defined(__aarch64__)
    float product = a * b;
    __asm__("" : "+t"(product));
    return product;
#elif defined(__GNUC__) && defined(__riscv_flen)
    float product = a * b;
    __asm__("" : "+f"(product));
    return product;
#else
    volatile float product = a * b;
    return product;
#endif
}
