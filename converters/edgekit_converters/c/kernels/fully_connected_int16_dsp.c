static void ek_fully_connected_int16(const ek_fully_connected_int16_layer *l, const int16_t *x, int16_t *y, void *scratch) {
    const ek_wide_results results = {
        l->weights, l->bias, l->multipliers, l->shifts, l->x_depth, l->y_depth, l->y_min, l->y_max, l->y_depth,
    };
    int64_t *const values = (int64_t *)scratch;
    for (int32_t batch = 0, block; batch < l->batches; batch += block) {
        const int32_t left = l->batches - batch;
        block = left >= 4 ? (left < EK_PIXELS ? left : EK_PIXELS) : 1;
        for (int32_t k = 0; k < block; k++, x += l->x_depth) {
            ek_wide_unpacked(x, l->x_depth, values + k, block == 1 ? 1 : EK_PIXELS);
        }
        ek_wide_products_of(&results, values, block, y);
        y += block * l->y_depth;
    }
}
