/* A model on a Cortex-M: every output that differs from what is expected is named through semihosting. */
#include "net.c"

#if !defined(NET_MVE) && !defined(NET_DSP)
#error "The kernels are the portable ones."
#endif

#include "samples.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

extern uint32_t stack_top[], bss_start[], bss_end[];
void reset_handler(void);
void fault_handler(void);

typedef void (*handler)(void);
__attribute__((section(".vectors"), used)) static const handler vectors[16] = {
    (handler)(uintptr_t)stack_top, reset_handler,  fault_handler, fault_handler,
    fault_handler,                 fault_handler, fault_handler, fault_handler,
};

static uintptr_t ask(uintptr_t operation, uintptr_t value) {
    register uintptr_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = value;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void say(const char *word, uint32_t number) {
    char digits[12];
    char *at = digits + 11;
    *at = 0;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    ask(4, (uintptr_t)word);
    ask(4, (uintptr_t)at);
    ask(4, (uintptr_t)"\n");
}

static void leave(void) {
    ask(0x18, 0x20026);
    for (;;) {
    }
}

void fault_handler(void) {
    say("fault ", REGISTER(0xE000ED28u));
    leave();
}

#define GUARD 64
static uint8_t arena[NET_ARENA_BYTES + GUARD] __attribute__((aligned(NET_ARENA_ALIGN)));
static int8_t results[RESULT_BYTES];

static void run_sample(uint32_t sample) {
    net_inputs inputs;
    net_outputs outputs;
    const int8_t *from = samples + sample * INPUT_BYTES, *wanted = expected + sample * RESULT_BYTES;
    int8_t *to = results;
    for (uint32_t k = 0; k < NET_INPUTS; from += input_bytes[k], k++) {
        ((const int8_t **)&inputs)[k] = from;
    }
    for (uint32_t k = 0; k < NET_OUTPUTS; to += output_bytes[k], k++) {
        ((int8_t **)&outputs)[k] = to;
    }
    memset(arena, 0xA5 + (int)sample, sizeof arena);
    if (net_run(&inputs, &outputs, NULL, arena, NET_ARENA_BYTES) != NET_OK) {
        say("error ", sample);
    }
    for (uint32_t k = NET_ARENA_BYTES; k < sizeof arena; k++) {
        if (arena[k] != (uint8_t)(0xA5 + sample)) {
            say("beyond the arena ", k);
        }
    }
    to = results;
    for (uint32_t k = 0; k < NET_OUTPUTS; to += output_bytes[k], wanted += output_bytes[k], k++) {
        if (memcmp(to, wanted, output_bytes[k]) != 0) {
            say("differs ", k);
        }
    }
}

void reset_handler(void) {
    for (volatile uint32_t *at = bss_start; at < bss_end;) {
        *at++ = 0;
    }
    REGISTER(0xE000ED88u) |= 0xFu << 20; /* the coprocessors that are Helium or an FPU */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    for (uint32_t sample = 0; sample < SAMPLES; sample++) {
        run_sample(sample);
    }
    say("samples ", SAMPLES);
    leave();
}
