#ifdef EK_PART_UNPACKED
/* The values of one output's window as words of int16, where rows of the window are multiples of four values that lie side
 * by side; those of the padding are the zero point. */
static void ek_conv_2d_unpacked(const ek_conv_2d_layer *l, const int8_t *x, int32_t top, int32_t left, int64_t *to,
                                int32_t step) {
    const int32_t depth = l->filter_depth, width = l->filter_width, pitch = l->x_width * depth;
    const int32_t begin = left < 0 ? 0 : left;
    const int32_t end = left + width > l->x_width ? l->x_width : left + width;
    const int32_t before = (begin - left) * depth, count = (end - begin) * depth, after = (left + width - end) * depth;
    const int32_t last = top + l->filter_height * l->dilation_height;
    for (int32_t row = top; row < last; row += l->dilation_height) {
        if (row < 0 || row >= l->x_height) {
            to = ek_repeated(l->x_zero_point, width * depth, to, step);
            continue;
        }
        if (before != 0) {
            to = ek_repeated(l->x_zero_point, before, to, step);
        }
        const int8_t *from = x + row * pitch + begin * depth;
        if (count > 16) {
            to = ek_unpacked(from, count, to, step);
        } else {
            for (int32_t n = count; n > 0; n -= 4, from += 4, to += step) {
                ek_unpack(ek_word(from), to);
            }
        }
        if (after != 0) {
            to = ek_repeated(l->x_zero_point, after, to, step);
        }
    }
}
#endif

#ifdef EK_PART_GATHERED
/* The values of any window whose columns lie side by side: its bytes are gathered first. */
static void ek_conv_2d_gathered(const ek_conv_2d_layer *l, const int8_t *x, int32_t top, int32_t left, int64_t *to,
                                int32_t step, int8_t *bytes) {
    const int32_t depth = l->filter_depth, width = l->filter_width, pitch = l->x_width * depth, whole = width * depth;
    const int32_t begin = left < 0 ? 0 : left;
    const int32_t end = left + width > l->x_width ? l->x_width : left + width;
    const int32_t count = end > begin ? (end - begin) * depth : 0;
    const int32_t last = top + l->filter_height * l->dilation_height, height = l->x_height, zero_point = l->x_zero_point;
    int8_t *gathered = bytes;
    if (count != whole) {
        (void)ek_filled(zero_point, l->filter_height * whole, bytes);
        gathered += (begin - left) * depth;
    }
    for (int32_t row = top; row < last; row += l->dilation_height, gathered += whole) {
        if (row >= 0 && row < height && count > 0) {
            (void)ek_copied(x + row * pitch + begin * depth, count, gathered);
        } else if (count == whole) {
            (void)ek_filled(zero_point, whole, gathered);
        }
    }
    (void)ek_unpacked(bytes, l->filter_height * whole, to, step);
}
#endif

#ifdef EK_PART_SCATTERED
/* The values of any other window: its columns are taken one by one. */
static void ek_conv_2d_scattered(const ek_conv_2d_layer *l, const int8_t *x, int32_t top, int32_t left, int64_t *to,
                                 int32_t step, int8_t *bytes) {
    const int32_t depth = l->filter_depth, end = left + l->filter_width * l->dilation_width;
    const int32_t last = top + l->filter_height * l->dilation_height;
    int8_t *gathered = bytes;
    for (int32_t row = top; row < last; row += l->dilation_height) {
        for (int32_t column = left; column < end; column += l->dilation_width) {
            if (row < 0 || row >= l->x_height || column < 0 || column >= l->x_width) {
                gathered = ek_filled(l->x_zero_point, depth, gathered);
            } else {
                gathered = ek_copied(x + (row * l->x_width + column) * l->x_depth, depth, gathered);
            }
        }
    }
    (void)ek_unpacked(bytes, l->filter_height * l->filter_width * depth, to, step);
}
#endif

#ifdef EK_PART_WINDOWS
static void ek_conv_2d_window(const ek_conv_2d_layer *l, const int8_t *x, int32_t row, int32_t column, int64_t *to,
                              int32_t step, int8_t *bytes) {
    const int32_t top = row * l->stride_height - l->pad_top, left = column * l->stride_width - l->pad_left;
    (void)bytes;
#ifdef EK_PART_POINTS
    if (l->filter_height * l->filter_width == 1) { /* which has no padding, but strides */
        (void)ek_unpacked(x + (top * l->x_width + left) * l->x_depth, l->filter_depth, to, step);
        return;
    }
#endif
#ifdef EK_PART_UNPACKED
    if (l->filter_depth % 4 == 0 || (left >= 0 && left + l->filter_width <= l->x_width &&
                                     l->filter_width * l->filter_depth % 4 == 0)) {
        if (l->filter_depth == l->x_depth && l->dilation_width == 1) {
            ek_conv_2d_unpacked(l, x, top, left, to, step);
            return;
        }
    }
#endif
#ifdef EK_PART_GATHERED
    if (l->filter_depth == l->x_depth && l->dilation_width == 1) {
        ek_conv_2d_gathered(l, x, top, left, to, step, bytes);
        return;
    }
#endif
#ifdef EK_PART_SCATTERED
    ek_conv_2d_scattered(l, x, top, left, to, step, bytes);
#endif
}
#endif

/* Blocks of pixels run on over the ends of rows: what a block reads, it has read before it writes. Groups read again after
 * the first has written, so with them a block ends where its row ends. */
static void ek_conv_2d(const ek_conv_2d_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    const int32_t depth = l->filter_height * l->filter_width * l->filter_depth;
    const int32_t groups = l->y_depth / l->group_depth;
    const int32_t pixels = l->y_height * l->y_width;
#ifdef EK_PART_SINGLE
    const int32_t single = l->filter_height * l->filter_width * l->stride_height * l->stride_width == 1;
#endif
    int64_t *const values = (int64_t *)scratch;
#ifdef EK_PART_WINDOWS
    int8_t *const bytes = (int8_t *)(values + (depth + 3) / 4 * (pixels < 4 ? 1 : EK_PIXELS));
#endif
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
#ifdef EK_PART_WINDOWS
        int32_t row = 0, column = 0;
#endif
        for (int32_t pixel = 0, block; pixel < pixels; pixel += block) {
            const int32_t left = groups > 1 ? l->y_width - pixel % l->y_width : pixels - pixel;
            block = left >= 4 ? (left < EK_PIXELS ? left : EK_PIXELS) : 1;
#ifdef EK_PART_WINDOWS
            const int32_t first_row = row, first_column = column;
#endif
            for (int32_t group = 0; group < groups; group++) {
                const int32_t first = group * l->group_depth;
                const ek_results results = {
                    l->weights + first * depth, l->bias + first, l->multipliers + first, l->shifts + first,
                    depth, l->group_depth, l->y_zero_point, l->y_min, l->y_max, l->y_depth, l->least,
                    (2 * l->y_zero_point + 1) * (1 << 15),
                };
#ifdef EK_PART_SINGLE
                if (single) {
                    const int8_t *from = x + pixel * l->x_depth + group * depth;
                    for (int32_t k = 0; k < block; k++, from += l->x_depth) {
                        (void)ek_unpacked(from, depth, values + k, block == 1 ? 1 : EK_PIXELS);
                    }
                    ek_products_of(&results, values, block, y + first);
                    continue;
                }
#endif
#ifdef EK_PART_WINDOWS
                row = first_row;
                column = first_column;
                for (int32_t k = 0; k < block; k++) {
                    ek_conv_2d_window(l, x + group * l->filter_depth, row, column, values + k,
                                      block == 1 ? 1 : EK_PIXELS, bytes);
                    column++;
                    if (column == l->y_width) {
                        column = 0;
                        row++;
                    }
                }
                ek_products_of(&results, values, block, y + first);
#endif
            }
            y += block * l->y_depth;
        }
    }
}
