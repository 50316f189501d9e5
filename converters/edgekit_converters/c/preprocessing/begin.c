#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error "${name}_preprocess.c gives the bits of the training: compile it without -ffast-math and its parts."
#endif

#ifndef ${up}_CODE
#define ${up}_CODE
#endif
#ifndef ${up}_WEIGHTS
#define ${up}_WEIGHTS
#endif
