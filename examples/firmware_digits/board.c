/* SPDX-License-Identifier: Apache-2.0 */
/* A Cortex-M4 board as QEMU has it (mps2-an386): where it starts, and a console through the debugger (semihosting). */
#include "board.h"

#include <stdint.h>

extern uint32_t board_data_from[], board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];
extern uint32_t board_stack_top[];
int main(void);
void start(void);

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, ADP_STOPPED_APPLICATION_EXIT = 0x20026 };

static uint32_t ask(uint32_t operation, const void *block) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_print(const char *text) {
    ask(SYS_WRITE0, text);
}

void board_print_number(uint32_t number) {
    char digits[11] = {0};
    char *at = digits + 10;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    board_print(at);
}

void board_exit(int code) {
    const uint32_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)code};
    ask(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}

static void fault(void) {
    board_print("The processor met a fault.\n");
    board_exit(70);
}

/* Bits 20 to 23 give access to the floating-point unit (Coprocessor Access Control Register). */
#define CPACR (*(volatile uint32_t *)0xe000ed88u)

void start(void) {
    CPACR |= 0xfu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    for (uint32_t *to = board_data_start, *from = board_data_from; to < board_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = board_bss_start; to < board_bss_end;) {
        *to++ = 0;
    }
    board_exit(main());
}

typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)board_stack_top, start, fault, fault, fault, fault, fault,
};
