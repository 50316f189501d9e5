/* How far an operand is at the beginning of a row, when rows run over three dimensions. */
static int32_t ek_row(int32_t row, int32_t size_1, int32_t size_2, int32_t step_0, int32_t step_1, int32_t step_2) {
    const int32_t rest = row / size_2;
    return rest / size_1 * step_0 + rest % size_1 * step_1 + row % size_2 * step_2;
}
