// SPDX-License-Identifier: Apache-2.0
// What the firmware asks of a processor, and what it knows of the exported model.
#ifndef EDGEKIT_PORT_H
#define EDGEKIT_PORT_H

#include <stddef.h>
#include <stdint.h>

// Of the processor: arm.c, riscv.c.

// One call of semihosting.
uintptr_t port_ask(uintptr_t operation, const void *block);
// Ticks since the clock was started, over all its wraps.
uint64_t port_ticks(void);
void port_start_clock(void);
// 2 * turns instructions, and a few.
void port_loop(uint32_t turns);
// Interrupts are kept off the stack while it is looked at.
void port_hold_interrupts(int held);
// What the processor says that it is; 0 where it does not say.
uint32_t port_identity(void);
static inline uintptr_t port_stack_pointer(void);

// Of main.c.

void firmware_main(void);
_Noreturn void firmware_fault(const uint32_t *facts);
enum { FAULT_WORDS = 6 };

// Of the model: glue.c, which is written for each.

typedef struct {
  unsigned char *at;
  size_t bytes;
} model_port;

extern const uint32_t model_inputs, model_outputs;
extern const model_port model_input[], model_output[];
extern unsigned char model_arena[];
// The inputs as they came: the arena is the model's own to overwrite.
extern unsigned char model_kept[];
void model_reset(void);
int model_run(void);

#if defined(__riscv)
static inline uintptr_t port_stack_pointer(void) {
  uintptr_t at;
  __asm__ volatile("mv %0, sp" : "=r"(at));
  return at;
}
#else
static inline uintptr_t port_stack_pointer(void) {
  uintptr_t at;
  __asm__ volatile("mov %0, sp" : "=r"(at));
  return at;
}
#endif

#endif
