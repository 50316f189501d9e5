/* The taps of a window that lie in the image: those from `first` to before `end`. */
typedef struct {
    int32_t first, end;
} ek_wide_taps;

static inline ek_wide_taps ek_wide_taps_of(int32_t start, int32_t dilation, int32_t size, int32_t limit) {
    const int32_t first = start < 0 ? (dilation - 1 - start) / dilation : 0;
    const int32_t room = limit > start ? (limit - 1 - start) / dilation + 1 : 0;
    const ek_wide_taps taps = {first, room < size ? room : size};
    return taps;
}

/* Four channels of one result: sums of so few taps fit into 32 bits. */
static inline void ek_wide_lanes(const ek_depthwise_conv_2d_int16_layer *l, const int16_t *x, const int8_t *w, int32_t rows,
                                 int32_t columns, int32_t *sums) {
    const int32_t tap = l->y_depth, step = l->dilation_width * l->x_depth;
    const int32_t next = (l->filter_width - columns) * tap, below = l->dilation_height * l->x_width * l->x_depth;
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    for (; rows > 0; rows--, w += next, x += below) {
        const int16_t *from = x;
        for (int32_t n = columns; n > 0; n--, w += tap, from += step) {
            const uint32_t four = ek_word(w);
            const int32_t even = ek_even(four), odd = ek_odd(four);
            const int32_t low = (int32_t)ek_word((const int8_t *)from), high = (int32_t)ek_word((const int8_t *)(from + 2));
            a0 = __smlabb(low, even, a0);
            a1 = __smlatb(low, odd, a1);
            a2 = __smlabt(high, even, a2);
            a3 = __smlatt(high, odd, a3);
        }
    }
    sums[0] = a0, sums[1] = a1, sums[2] = a2, sums[3] = a3;
}

/* One channel of one result. */
static int64_t ek_wide_lane(const ek_depthwise_conv_2d_int16_layer *l, const int16_t *x, const int8_t *w, int32_t rows,
                            int32_t columns) {
    int64_t sum = 0;
    for (; rows > 0; rows--, w += l->filter_width * l->y_depth, x += l->dilation_height * l->x_width * l->x_depth) {
        for (int32_t n = 0; n < columns; n++) {
            sum += w[n * l->y_depth] * x[n * l->dilation_width * l->x_depth];
        }
    }
    return sum;
}

/* A row of results, of four channels or of one; `x` is the first row of the image that has taps, `w` the filter's there. */
static EK_APART void ek_wide_row(const ek_depthwise_conv_2d_int16_layer *l, const int16_t *x, const int8_t *w, int32_t rows,
                                 int32_t channel, int32_t count, int16_t *y) {
    const ek_wide_results results = {
        l->weights, l->bias, l->multipliers, l->shifts, 0, l->y_depth, l->y_min, l->y_max, l->y_depth,
    };
    const int64_t *const bias = l->bias + channel;
    ek_wide_scaling scalings[4];
    for (int32_t k = 0; k < count; k++) {
        scalings[k] = ek_wide_scaling_of(&results, channel + k);
    }
    for (int32_t j = 0, left = -l->pad_left; j < l->y_width; j++, left += l->stride_width, y += l->y_depth) {
        const ek_wide_taps across = ek_wide_taps_of(left, l->dilation_width, l->filter_width, l->x_width);
        const int32_t columns = across.end - across.first, there = columns > 0 ? rows : 0;
        const int16_t *const from = there > 0 ? x + (left + across.first * l->dilation_width) * l->x_depth : x;
        const int8_t *const taps = there > 0 ? w + across.first * l->y_depth : w;
        if (count == 1) {
            y[0] = ek_wide_result(bias[0] + ek_wide_lane(l, from, taps, there, columns), scalings);
            continue;
        }
        int32_t sums[4];
        ek_wide_lanes(l, from, taps, there, columns, sums);
        y[0] = ek_wide_result(bias[0] + sums[0], scalings);
        y[1] = ek_wide_result(bias[1] + sums[1], scalings + 1);
        y[2] = ek_wide_result(bias[2] + sums[2], scalings + 2);
        y[3] = ek_wide_result(bias[3] + sums[3], scalings + 3);
    }
}

static void ek_depthwise_conv_2d_int16(const ek_depthwise_conv_2d_int16_layer *l, const int16_t *x, int16_t *y) {
    const int32_t fours = l->depth_multiplier == 1 && l->filter_height * l->filter_width <= 4 * EK_WIDE_STEPS;
    for (int32_t batch = 0; batch < l->batches; batch++, x += l->x_height * l->x_width * l->x_depth) {
        for (int32_t i = 0; i < l->y_height; i++, y += l->y_width * l->y_depth) {
            const int32_t top = i * l->stride_height - l->pad_top;
            const ek_wide_taps down = ek_wide_taps_of(top, l->dilation_height, l->filter_height, l->x_height);
            const int32_t rows = down.end > down.first ? down.end - down.first : 0;
            const int32_t row = rows > 0 ? top + down.first * l->dilation_height : 0;
            const int16_t *const from = x + row * l->x_width * l->x_depth;
            const int8_t *const w = l->weights + (rows > 0 ? down.first * l->filter_width * l->y_depth : 0);
            for (int32_t channel = 0, count; channel < l->y_depth; channel += count) {
                count = fours != 0 && channel + 4 <= l->y_depth ? 4 : 1;
                ek_wide_row(l, from + channel / l->depth_multiplier, w + channel, rows, channel, count, y + channel);
            }
        }
    }
}
