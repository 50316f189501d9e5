// SPDX-License-Identifier: Apache-2.0
// RISC-V: start, traps, semihosting, and the counter of instructions as the clock.
#include "port.h"

// Compilers name the instructions of control registers as an extension of their own.
__asm__(".option arch, +zicsr");

extern uintptr_t stack_bottom[], stack_top[];
extern uint32_t data_from[], data_start[], data_end[], bss_start[], bss_end[];

void riscv_start(void);
void trap_handler(void);
void riscv_trap(uintptr_t stack, uintptr_t link);

__attribute__((naked, section(".vectors"), used)) void reset_handler(void) {
  __asm__ volatile(
      ".option push\n\t"
      ".option norelax\n\t"
      "la gp, __global_pointer$\n\t"
      ".option pop\n\t"
      "la sp, stack_top\n\t"
      "j riscv_start");
}

// Below the stack lies more of the same memory: a page of it is closed, so that a stack that runs out is a fault.
enum { GUARD_BYTES = 4096, CLOSED_AND_LOCKED = 0x98 };

__attribute__((used)) void riscv_start(void) {
  __asm__ volatile("csrw mtvec, %0" ::"r"(trap_handler));
  const uintptr_t guard = (uintptr_t)stack_bottom - GUARD_BYTES;
  __asm__ volatile("csrw pmpaddr0, %0\n\tcsrw pmpcfg0, %1" ::"r"(guard >> 2 | (GUARD_BYTES / 8 - 1)),
                   "r"(CLOSED_AND_LOCKED));
#if defined(__riscv_flen)
  __asm__ volatile("csrs mstatus, %0" ::"r"(0x2000));
#endif
  const volatile uint32_t *from = data_from;
  for (volatile uint32_t *to = data_start; to < data_end;) *to++ = *from++;
  for (volatile uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
  firmware_main();
}

// The stack may be what has failed: from here on, another one is taken.
__attribute__((naked, aligned(4))) void trap_handler(void) {
  __asm__ volatile(
      "mv a0, sp\n\t"
      "mv a1, ra\n\t"
      "la sp, stack_top\n\t"
      "j riscv_trap");
}

__attribute__((used)) void riscv_trap(uintptr_t stack, uintptr_t link) {
  uintptr_t epc, cause, value;
  __asm__ volatile("csrr %0, mepc\n\tcsrr %1, mcause\n\tcsrr %2, mtval" : "=r"(epc), "=r"(cause), "=r"(value));
  // pc, ra, cause, 0, 0, address
  uint32_t facts[FAULT_WORDS] = {(uint32_t)epc, (uint32_t)link, (uint32_t)cause & 0xFFFu, 0, 0, (uint32_t)value};
  if (stack < (uintptr_t)stack_bottom + 64 || value - ((uintptr_t)stack_bottom - GUARD_BYTES) < GUARD_BYTES)
    facts[2] |= 1u << 31;  // the stack had run out
  firmware_fault(facts);
}

// The three instructions stand in one page, uncompressed: so they are known.
__attribute__((noinline, aligned(16))) uintptr_t port_ask(uintptr_t operation, const void *block) {
  register uintptr_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = block;
  __asm__ volatile(
      ".option push\n\t"
      ".option norvc\n\t"
      ".balign 16\n\t"
      "slli zero, zero, 0x1f\n\t"
      "ebreak\n\t"
      "srai zero, zero, 7\n\t"
      ".option pop"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
}

void port_start_clock(void) {}

uint64_t port_ticks(void) {
#if __riscv_xlen == 32
  uint32_t high, low, again;
  do {
    __asm__ volatile("csrr %0, minstreth\n\tcsrr %1, minstret\n\tcsrr %2, minstreth" : "=r"(high), "=r"(low), "=r"(again));
  } while (high != again);
  return ((uint64_t)high << 32) | low;
#else
  uint64_t now;
  __asm__ volatile("csrr %0, minstret" : "=r"(now));
  return now;
#endif
}

__attribute__((noinline)) void port_loop(uint32_t turns) {
  __asm__ volatile(
      "1: addi %0, %0, -1\n\t"
      "bnez %0, 1b"
      : "+r"(turns));
}

void port_hold_interrupts(int held) { (void)held; }  // there are none

uint32_t port_identity(void) { return 0; }
