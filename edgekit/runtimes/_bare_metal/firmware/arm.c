// SPDX-License-Identifier: Apache-2.0
// Cortex-M: vectors, start, faults, semihosting, and SysTick as the clock.
#include "port.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define CPUID REGISTER(0xE000ED00u)
#define ICSR REGISTER(0xE000ED04u)
#define CCR REGISTER(0xE000ED14u)
#define CFSR REGISTER(0xE000ED28u)
#define HFSR REGISTER(0xE000ED2Cu)
#define BFAR REGISTER(0xE000ED38u)
#define CPACR REGISTER(0xE000ED88u)
#define PENDSTSET (1u << 26)
#define UNALIGN_TRP (1u << 3)
#define TICK_LIMIT 0xFFFFFFu

extern uint32_t stack_bottom[], stack_top[], data_from[], data_start[], data_end[], bss_start[], bss_end[];

void reset_handler(void);
void fault_handler(void);
void tick_handler(void);
void arm_fault(const uint32_t *frame);

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const handler vectors[16] = {
    (handler)(uintptr_t)stack_top, reset_handler, fault_handler, fault_handler, fault_handler, fault_handler,
    fault_handler, fault_handler, 0, 0, 0, fault_handler, fault_handler, 0, fault_handler, tick_handler,
};

static volatile uint32_t wraps;

void reset_handler(void) {
  // Volatile, so that no call of memcpy or memset comes of it.
  const volatile uint32_t *from = data_from;
  for (volatile uint32_t *to = data_start; to < data_end;) *to++ = *from++;
  for (volatile uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  CPACR |= 0xFu << 20;
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
#if defined(TRAP_UNALIGNED)
  CCR |= UNALIGN_TRP;
#endif
  firmware_main();
}

// The stack may be what has failed: from here on, another one is taken.
__attribute__((naked)) void fault_handler(void) {
  __asm__ volatile(
      "mov r0, sp\n\t"
      "ldr r1, =stack_top\n\t"
      "mov sp, r1\n\t"
      "b arm_fault\n\t"
      ".ltorg");
}

__attribute__((used)) void arm_fault(const uint32_t *frame) {
  // pc, lr, exception, CFSR, HFSR, address
  uint32_t facts[FAULT_WORDS] = {0, 0, ICSR & 0x1FFu, 0, 0, 0};
  if (frame >= stack_bottom && frame + 8 <= stack_top) {
    facts[0] = frame[6];
    facts[1] = frame[5];
  }
#if __ARM_ARCH_ISA_THUMB > 1 || defined(TRAP_UNALIGNED)  // ARMv6-M tells no reason; its substitute does
  facts[3] = CFSR;
  facts[4] = HFSR;
  facts[5] = BFAR;
#endif
  if (frame < stack_bottom + 16) facts[2] |= 1u << 31;  // the stack had run out
  firmware_fault(facts);
}

void tick_handler(void) { wraps++; }

uintptr_t port_ask(uintptr_t operation, const void *block) {
  register uintptr_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = block;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void port_start_clock(void) {
  wraps = 0;
  SYST_CSR = 0;
  SYST_RVR = TICK_LIMIT;
  SYST_CVR = 0;
  SYST_CSR = 7;  // the processor's clock, with an interrupt at each wrap
  while (SYST_CVR == 0) continue;
}

uint64_t port_ticks(void) {
  port_hold_interrupts(1);
  uint32_t now = SYST_CVR, turns = wraps;
  if (ICSR & PENDSTSET) {  // it has wrapped since, and nobody has counted that yet
    now = SYST_CVR;
    turns++;
  }
  port_hold_interrupts(0);
  return ((uint64_t)turns << 24) + (TICK_LIMIT - now);
}

__attribute__((noinline)) void port_loop(uint32_t turns) {
  __asm__ volatile(
      ".syntax unified\n\t"
      "1: subs %0, %0, #1\n\t"
      "bne 1b"
      : "+l"(turns)
      :
      : "cc");
}

void port_hold_interrupts(int held) {
  if (held)
    __asm__ volatile("cpsid i" ::: "memory");
  else
    __asm__ volatile("cpsie i" ::: "memory");
}

uint32_t port_identity(void) { return (CPUID >> 4) & 0xFFFu; }
