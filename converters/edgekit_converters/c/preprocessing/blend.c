static inline float ${name}_blend(float lower, float upper, float weight)
{
    return ${name}_product(lower, 1.0f - weight) + ${name}_product(upper, weight);
}
