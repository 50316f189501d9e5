typedef struct {
    int32_t batches, steps, x_depth, y_depth;
    int32_t x_step, x_batch, y_step, y_batch;
    int32_t cell_min, cell_max, cell_factor, cell_shift;
    int32_t kept_multiplier, kept_shift, taken_multiplier, taken_shift;
    int32_t y_zero_point, y_multiplier, y_shift;
    const int8_t *x_weights;
    const int32_t *x_bias;
    const int32_t *x_multipliers;
    const int8_t *x_shifts;
    const int8_t *h_weights;
    const int32_t *h_bias;
    const int32_t *h_multipliers;
    const int8_t *h_shifts;
    const uint16_t *sigmoid;
} ek_unidirectional_sequence_lstm_layer;

/* sigmoid of value / 2^12, times 2^15: between two entries of the table, which is about numbers above 0. */
static int32_t ek_lstm_sigmoid(const uint16_t *table, int32_t value) {
    const int32_t position = value * 3;
    const uint32_t size = (uint32_t)(position < 0 ? -position : position);
    const uint32_t place = size >> 9;
    uint32_t result = 0x7fffu << 10;
    if (place < 255) {
        result = ((uint32_t)table[place] << 9) + (size & 0x1ffu) * ((uint32_t)table[place + 1] - table[place]);
    }
    return (int32_t)((position < 0 ? (1u << 25) - result + 511u : result + 512u) >> 10);
}

/* tanh, times 2^15: 2 * sigmoid(2 * value) - 1. */
static int32_t ek_lstm_tanh(const uint16_t *table, int32_t value, int32_t factor, int32_t shift) {
    const int32_t position = (value * factor + (1 << shift >> 1)) >> shift;
    const uint32_t size = (uint32_t)(position < 0 ? -position : position);
    const uint32_t place = size >> 8;
    int32_t result = 0xffff << 8;
    if (place < 255) {
        const uint32_t slope = (uint32_t)table[place + 1] - table[place];
        result = (int32_t)(((uint32_t)table[place] << 8) + (size & 0xffu) * slope);
    }
    result = position < 0 ? (1 << 23) + (1 << 7) - 1 - result : result - (1 << 23) + (1 << 7);
    return result >> 8;
}

static int32_t ek_lstm_narrow(int32_t value) { return ek_clamped(value, -32768, 32767); }

/* One gate's sum for one unit, of the input or of the hidden state. */
static int32_t ek_lstm_sum(const int8_t *w, const int8_t *x, int32_t depth, int32_t bias, int32_t multiplier,
                           int32_t shift) {
    for (int32_t k = 0; k < depth; k++) {
        bias += w[k] * x[k];
    }
    return ek_lstm_narrow(ek_scaled(bias, multiplier, shift));
}

/* A gate before its sigmoid or tanh; there is no hidden state before the first step of time. */
static int32_t ek_lstm_gate(const ek_unidirectional_sequence_lstm_layer *l, int32_t gate, int32_t unit, const int8_t *x,
                            const int8_t *hidden) {
    const int32_t row = gate * l->y_depth + unit;
    int32_t sum = ek_lstm_sum(l->x_weights + row * l->x_depth, x, l->x_depth, l->x_bias[row], l->x_multipliers[gate],
                              l->x_shifts[gate]);
    if (hidden != NULL) {
        sum += ek_lstm_sum(l->h_weights + row * l->y_depth, hidden, l->y_depth, l->h_bias[row],
                           l->h_multipliers[gate], l->h_shifts[gate]);
    }
    return ek_lstm_narrow(sum);
}

static int8_t ek_lstm_unit(const ek_unidirectional_sequence_lstm_layer *l, int32_t unit, const int8_t *x,
                           const int8_t *hidden, int16_t *cell) {
    const int32_t forget = ek_lstm_sigmoid(l->sigmoid, ek_lstm_gate(l, 0, unit, x, hidden));
    const int32_t input = ek_lstm_sigmoid(l->sigmoid, ek_lstm_gate(l, 1, unit, x, hidden));
    const int32_t candidate = ek_lstm_tanh(l->sigmoid, ek_lstm_gate(l, 2, unit, x, hidden), 3, 0);
    const int32_t output = ek_lstm_sigmoid(l->sigmoid, ek_lstm_gate(l, 3, unit, x, hidden));
    const int32_t kept = ek_lstm_narrow(ek_scaled(forget * *cell, l->kept_multiplier, l->kept_shift));
    const int32_t taken = ek_lstm_narrow(ek_scaled(input * candidate, l->taken_multiplier, l->taken_shift));
    const int32_t state = ek_clamped(ek_lstm_narrow(kept + taken), l->cell_min, l->cell_max);
    const int32_t squashed = ek_lstm_tanh(l->sigmoid, state, l->cell_factor, l->cell_shift);
    *cell = (int16_t)state;
    return (int8_t)ek_clamped(ek_scaled(squashed * output, l->y_multiplier, l->y_shift) + l->y_zero_point, -128, 127);
}

static void ek_unidirectional_sequence_lstm(const ek_unidirectional_sequence_lstm_layer *l, const int8_t *x, int8_t *y,
                                            void *scratch) {
    int16_t *cell = (int16_t *)scratch;
    for (int32_t batch = 0; batch < l->batches; batch++) {
        const int8_t *from = x + batch * l->x_batch;
        int8_t *to = y + batch * l->y_batch;
        const int8_t *hidden = NULL;
        memset(cell, 0, (size_t)l->y_depth * sizeof *cell);
        for (int32_t step = 0; step < l->steps; step++, from += l->x_step, to += l->y_step) {
            for (int32_t unit = 0; unit < l->y_depth; unit++) {
                to[unit] = ek_lstm_unit(l, unit, from, hidden, cell + unit);
            }
            hidden = to;
        }
    }
}
