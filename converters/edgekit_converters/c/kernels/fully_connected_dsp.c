static void ek_fully_connected(const ek_fully_connected_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    const ek_results results = {
        l->weights, l->bias, l->multipliers, l->shifts, l->x_depth, l->y_depth, l->y_zero_point, l->y_min,
        l->y_max, l->y_depth, l->least, (2 * l->y_zero_point + 1) * (1 << 15),
    };
    int64_t *const values = (int64_t *)scratch;
    for (int32_t batch = 0, block; batch < l->batches; batch += block) {
        const int32_t left = l->batches - batch;
        block = left >= 4 ? (left < EK_PIXELS ? left : EK_PIXELS) : 1;
        for (int32_t k = 0; k < block; k++, x += l->x_depth) {
            (void)ek_unpacked(x, l->x_depth, values + k, block == 1 ? 1 : EK_PIXELS);
        }
        ek_products_of(&results, values, block, y);
        y += block * l->y_depth;
    }
}
