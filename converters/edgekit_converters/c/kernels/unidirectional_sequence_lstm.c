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

/* A product as TFLite scales it, within 16 bits; 31 bits hold the value even when it is shifted to the left. */
static int32_t ek_lstm_scaled(int32_t value, int32_t multiplier, int32_t shift) {
    const int64_t product = (int64_t)(shift > 0 ? value * (1 << shift) : value) * multiplier;
    int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
    if (shift < 0) {
        high = (high + (high >> 31) + (1 << (-1 - shift))) >> -shift;
    }
    return ek_lstm_narrow(high);
}

/* The four gates of one unit; there is no hidden state before the first step of time. */
static void ek_lstm_gates(const ek_unidirectional_sequence_lstm_layer *l, int32_t unit, const void *x,
                          const void *hidden, int32_t *gates) {
    int32_t sums[4];
    for (int32_t gate = 0; gate < 4; gate++) {
        gates[gate] = l->x_bias[gate * l->y_depth + unit];
        sums[gate] = l->h_bias[gate * l->y_depth + unit];
    }
    ek_lstm_sums(l->x_weights + unit * l->x_depth, l->y_depth * l->x_depth, l->x_depth, x, gates);
    if (hidden != NULL) {
        ek_lstm_sums(l->h_weights + unit * l->y_depth, l->y_depth * l->y_depth, l->y_depth, hidden, sums);
    }
    for (int32_t gate = 0; gate < 4; gate++) {
        gates[gate] = ek_lstm_scaled(gates[gate], l->x_multipliers[gate], l->x_shifts[gate]);
        if (hidden != NULL) {
            const int32_t more = ek_lstm_scaled(sums[gate], l->h_multipliers[gate], l->h_shifts[gate]);
            gates[gate] = ek_lstm_narrow(gates[gate] + more);
        }
    }
}

static int8_t ek_lstm_unit(const ek_unidirectional_sequence_lstm_layer *l, const int32_t *gates, int16_t *cell) {
    const int32_t forget = ek_lstm_sigmoid(l->sigmoid, gates[0]);
    const int32_t input = ek_lstm_sigmoid(l->sigmoid, gates[1]);
    const int32_t candidate = ek_lstm_tanh(l->sigmoid, gates[2], 3, 0);
    const int32_t output = ek_lstm_sigmoid(l->sigmoid, gates[3]);
    const int32_t kept = ek_lstm_scaled(forget * *cell, l->kept_multiplier, l->kept_shift);
    const int32_t taken = ek_lstm_scaled(input * candidate, l->taken_multiplier, l->taken_shift);
    const int32_t state = ek_clamped(ek_lstm_narrow(kept + taken), l->cell_min, l->cell_max);
    const int32_t squashed = ek_lstm_tanh(l->sigmoid, state, l->cell_factor, l->cell_shift);
    *cell = (int16_t)state;
    const int32_t result = ek_lstm_scaled(squashed * output, l->y_multiplier, l->y_shift);
    return (int8_t)ek_clamped(result + l->y_zero_point, -128, 127);
}

static void ek_unidirectional_sequence_lstm(const ek_unidirectional_sequence_lstm_layer *l, const int8_t *x, int8_t *y,
                                            void *scratch) {
    const int32_t words = (l->x_depth + 3) / 4;
    int64_t *const of_x = (int64_t *)scratch, *const of_hidden = of_x + words;
    int16_t *const cell = (int16_t *)(of_hidden + (l->y_depth + 3) / 4);
    for (int32_t batch = 0; batch < l->batches; batch++) {
        const int8_t *from = x + batch * l->x_batch;
        int8_t *to = y + batch * l->y_batch;
        const void *hidden = NULL;
        memset(cell, 0, (size_t)l->y_depth * sizeof *cell);
        for (int32_t step = 0; step < l->steps; step++, from += l->x_step, to += l->y_step) {
            const void *const values = ek_lstm_values(from, l->x_depth, of_x);
            for (int32_t unit = 0; unit < l->y_depth; unit++) {
                int32_t gates[4];
                ek_lstm_gates(l, unit, values, hidden, gates);
                to[unit] = ek_lstm_unit(l, gates, cell + unit);
            }
            hidden = ek_lstm_values(to, l->y_depth, of_hidden);
        }
    }
}
