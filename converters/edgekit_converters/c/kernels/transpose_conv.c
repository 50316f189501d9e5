/* A convolution for each phase of the strides, some rows at a time, whose results are then laid between those of the others.
 * Of each phase: height and width of its filters, rows and columns of its results, the padding above and to the left, its
 * first row and column in the result, and where its weights begin. */
typedef struct {
    int32_t batches, x_height, x_width, x_depth;
    int32_t y_height, y_width, y_depth;
    int32_t stride_height, stride_width;
    int32_t x_zero_point, y_zero_point, y_min, y_max;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t least;
    int32_t count;
    const int32_t *phases;
    int32_t together, apart; /* rows that are made at once, and where they lie in the scratch memory */
} ek_transpose_conv_layer;

static void ek_transpose_conv_phase(const ek_transpose_conv_layer *l, int32_t phase, ek_conv_2d_layer *c) {
    const int32_t *const p = l->phases + 9 * phase;
    c->batches = 1;
    c->x_height = l->x_height, c->x_width = l->x_width, c->x_depth = l->x_depth;
    c->y_height = p[2], c->y_width = p[3], c->y_depth = l->y_depth;
    c->filter_height = p[0], c->filter_width = p[1], c->filter_depth = l->x_depth, c->group_depth = l->y_depth;
    c->stride_height = c->stride_width = c->dilation_height = c->dilation_width = 1;
    c->pad_top = p[4], c->pad_left = p[5];
    c->x_zero_point = l->x_zero_point, c->y_zero_point = l->y_zero_point, c->y_min = l->y_min, c->y_max = l->y_max;
    c->weights = l->weights + p[8];
    c->bias = l->bias + phase * l->y_depth;
    c->multipliers = l->multipliers, c->shifts = l->shifts, c->least = l->least;
}

/* Some rows of a phase to where they belong. */
static void ek_transpose_conv_laid(const ek_transpose_conv_layer *l, const ek_conv_2d_layer *c, const int8_t *made,
                                   int8_t *y) {
    const int32_t depth = l->y_depth, step = (l->stride_width - 1) * depth, below = l->stride_height * l->y_width * depth;
    for (int32_t i = 0; i < c->y_height; i++, y += below) {
        int8_t *to = y;
        for (int32_t j = 0; j < c->y_width; j++, to += step) {
            const int8_t *const end = made + depth, *const fours = made + (depth & ~3);
            for (; made != fours; made += 4, to += 4) {
                memcpy(to, made, 4);
            }
            while (made != end) {
                *to++ = *made++;
            }
        }
    }
}

static void ek_transpose_conv(const ek_transpose_conv_layer *l, const int8_t *x, int8_t *y, void *scratch) {
    const int32_t x_row = l->x_width * l->x_depth, y_row = l->y_width * l->y_depth;
    int8_t *const made = (int8_t *)scratch + l->apart;
    for (int32_t phase = 0; phase < l->count; phase++) {
        const int32_t *const p = l->phases + 9 * phase;
        ek_conv_2d_layer c;
        ek_transpose_conv_phase(l, phase, &c);
        const int32_t height = c.y_height, top = c.pad_top, one = c.filter_height * c.filter_width == 1;
        for (int32_t batch = 0; batch < l->batches; batch++) {
            const int8_t *const from = x + batch * l->x_height * x_row;
            int8_t *const to = y + (batch * l->y_height + p[6]) * y_row + p[7] * l->y_depth;
            for (int32_t row = 0; row < height; row += l->together) {
                c.y_height = height - row < l->together ? height - row : l->together;
                c.pad_top = one ? 0 : top - row; /* one tap has no padding: the input begins later */
                ek_conv_2d(&c, from + (one ? row * x_row : 0), made, scratch);
                ek_transpose_conv_laid(l, &c, made, to + row * l->stride_height * y_row);
            }
        }
    }
}
