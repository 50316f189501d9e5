/* Real values as the model takes them: halves away from zero, then saturated; what is no number gives 0. */
static ${up}_CODE int32_t ${name}_quantized(float real)
{
    const float scaled = real / ${scale};
    int32_t whole;
    float rest;
    if (scaled >= 131072.0f) {
        return ${highest};
    }
    if (scaled <= -131072.0f) {
        return ${lowest};
    }
    if (scaled != scaled) {
        return 0;
    }
    whole = (int32_t)scaled;
    rest = scaled - (float)whole;
    if (rest >= 0.5f) {
        whole += 1;
    } else if (rest <= -0.5f) {
        whole -= 1;
    }
    whole += ${zero_point};
    return whole < ${lowest} ? ${lowest} : whole > ${highest} ? ${highest} : whole;
}
