typedef struct {
    int32_t bytes;
} ek_assign_variable_layer;

static void ek_assign_variable(const ek_assign_variable_layer *l, const void *x, void *variable) {
    memcpy(variable, x, (size_t)l->bytes);
}
