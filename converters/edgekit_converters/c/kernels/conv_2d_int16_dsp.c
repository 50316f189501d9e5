/* The values of one output's window, which are gathered first; those of the padding are 0. */
static void ek_conv_2d_int16_window(const ek_conv_2d_int16_layer *l, const int16_t *x, int32_t top, int32_t left,
                                    int64_t *to, int32_t step, int16_t *values) {
    const int32_t depth = l->filter_depth, width = l->filter_width, whole = width * depth;
    const int32_t begin = left < 0 ? 0 : left;
    const int32_t end = left + width > l->x_width ? l->x_width : left + width;
    const int32_t together = depth == l->x_depth && l->dilation_width == 1 && begin < end;
    int16_t *at = values;
    for (int32_t i = 0; i < l->filter_height; i++, at += whole) {
        const int32_t row = top + i * l->dilation_height;
        const int32_t inside = row >= 0 && row < l->x_height;
        if (!inside || !together || end - begin < width) {
            memset(at, 0, (size_t)whole * sizeof *at);
        }
        if (inside && together) {
            const int16_t *const from = x + (row * l->x_width + begin) * depth;
            (void)ek_copied((const int8_t *)from, 2 * (end - begin) * depth, (int8_t *)(at + (begin - left) * depth));
        }
        for (int32_t j = 0; j < width && inside && !together; j++) {
            const int32_t column = left + j * l->dilation_width;
            if (column >= 0 && column < l->x_width) {
                const int16_t *const from = x + (row * l->x_width + column) * l->x_depth;
                (void)ek_copied((const int8_t *)from, 2 * depth, (int8_t *)(at + j * depth));
            }
        }
    }
    ek_wide_unpacked(values, l->filter_height * whole, to, step);
}

/* Blocks of pixels run on over the ends of rows, but not with groups, as those of int8 do. */
static void ek_conv_2d_int16(const ek_conv_2d_int16_layer *l, const int16_t *x, int16_t *y, void *scratch) {
    const int32_t depth = l->filter_height * l->filter_width * l->filter_depth;
    const int32_t groups = l->y_depth / l->group_depth, pixels = l->y_height * l->y_width;
    int64_t *const values = (int64_t *)scratch;
    int16_t *const gathered = (int16_t *)(values + (depth + 3) / 4 * (pixels < 4 ? 1 : EK_PIXELS));
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
        for (int32_t pixel = 0, block; pixel < pixels; pixel += block) {
            const int32_t left = groups > 1 ? l->y_width - pixel % l->y_width : pixels - pixel;
            block = left >= 4 ? (left < EK_PIXELS ? left : EK_PIXELS) : 1;
            const int32_t step = block == 1 ? 1 : EK_PIXELS;
            for (int32_t group = 0; group < groups; group++) {
                const int32_t first = group * l->group_depth;
                const ek_wide_results results = {
                    l->weights + first * depth, l->bias + first, l->multipliers + first, l->shifts + first,
                    depth, l->group_depth, l->y_min, l->y_max, l->y_depth,
                };
                int32_t row = pixel / l->y_width, column = pixel % l->y_width;
                for (int32_t k = 0; k < block; k++) {
                    const int32_t top = row * l->stride_height - l->pad_top, side = column * l->stride_width - l->pad_left;
                    const int16_t *const from = x + group * l->filter_depth;
                    if (l->filter_height * l->filter_width == 1) { /* which has no padding */
                        ek_wide_unpacked(from + (top * l->x_width + side) * l->x_depth, depth, values + k, step);
                    } else {
                        ek_conv_2d_int16_window(l, from, top, side, values + k, step, gathered);
                    }
                    column++;
                    if (column == l->y_width) {
                        column = 0;
                        row++;
                    }
                }
                ek_wide_products_of(&results, values, block, y + first);
            }
            y += block * l->y_depth;
        }
    }
}
