${up}_CODE size_t ${name}_top1(const float *output)
{
    size_t best = 0, i;
    for (i = 1; i < ${count} && output[best] == output[best]; ++i) {
        if (!(output[i] <= output[best])) {
            best = i;
        }
    }
    return best;
}
