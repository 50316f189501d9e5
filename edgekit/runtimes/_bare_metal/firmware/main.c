// SPDX-License-Identifier: Apache-2.0
// The firmware around an exported model: it is asked through a pipe at its standard input, and answers through one.
//
// Every request is a word, with what belongs to it; every answer begins with a mark. All numbers are little-endian.
#include "port.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 };
enum { RUN = 1, COUNT = 2, LOOP = 3, STACK = 4 };
enum { APPLICATION_EXIT = 0x20026, FAULTED = 4, NO_PIPE = 5 };
#define MARK 0x314D4245u   // "EBM1"
#define FAULT 0x544C4146u  // "FALT"
#define PAINT 0xA5A5A5A5u

extern uint32_t stack_bottom[], stack_top[];

static uintptr_t input, output;

static _Noreturn void leave(uintptr_t code) {
  const uintptr_t block[2] = {APPLICATION_EXIT, code};
  for (;;) port_ask(SYS_EXIT_EXTENDED, block);
}

static uintptr_t opened(const char *name, uintptr_t length, uintptr_t mode) {
  const uintptr_t block[3] = {(uintptr_t)name, mode, length};
  return port_ask(SYS_OPEN, block);
}

// A pipe gives what is there, so until all is there it is asked again; it gives nothing only when it was closed.
static void receive(void *data, size_t size) {
  unsigned char *at = data;
  while (size != 0) {
    const uintptr_t block[3] = {input, (uintptr_t)at, size};
    const size_t left = port_ask(SYS_READ, block);
    if (left >= size) leave(0);
    at += size - left;
    size = left;
  }
}

static void send(const void *data, size_t size) {
  const unsigned char *at = data;
  while (size != 0) {
    const uintptr_t block[3] = {output, (uintptr_t)at, size};
    const size_t left = port_ask(SYS_WRITE, block);
    if (left >= size) leave(0);
    at += size - left;
    size = left;
  }
}

static uint32_t received_word(void) {
  uint32_t word;
  receive(&word, sizeof word);
  return word;
}

_Noreturn void firmware_fault(const uint32_t *facts) {
  const uint32_t mark = FAULT;
  send(&mark, sizeof mark);
  send(facts, FAULT_WORDS * sizeof *facts);
  leave(FAULTED);
}

// Volatile, so that no call of memcpy comes of it: the exported code may be all that is linked.
static void fill_inputs(void) {
  const unsigned char *from = model_kept;
  for (uint32_t i = 0; i < model_inputs; i++) {
    volatile unsigned char *to = model_input[i].at;
    for (size_t left = model_input[i].bytes; left != 0; left--) *to++ = *from++;
  }
}

static void answer_run(void) {
  unsigned char *to = model_kept;
  for (uint32_t i = 0; i < model_inputs; i++) {
    receive(to, model_input[i].bytes);
    to += model_input[i].bytes;
  }
  fill_inputs();
  const uint32_t answer[2] = {MARK, (uint32_t)model_run()};
  send(answer, sizeof answer);
  if (answer[1] != 0) return;
  for (uint32_t i = 0; i < model_outputs; i++) send(model_output[i].at, model_output[i].bytes);
}

// The filling of inputs is timed alone too, and taken off by who asked.
static void answer_count(void) {
  const uint32_t repeats = received_word();
  uint32_t status = 0;
  const uint64_t start = port_ticks();
  for (uint32_t i = 0; i < repeats; i++) {
    fill_inputs();
    status |= (uint32_t)model_run();
  }
  const uint64_t middle = port_ticks();
  for (uint32_t i = 0; i < repeats; i++) fill_inputs();
  const uint64_t end = port_ticks();
  const uint32_t answer[2] = {MARK, status};
  const uint64_t ticks[2] = {middle - start, end - middle};
  send(answer, sizeof answer);
  send(ticks, sizeof ticks);
}

static void answer_loop(void) {
  const uint32_t turns = received_word();
  const uint64_t start = port_ticks();
  port_loop(turns);
  const uint64_t ticks = port_ticks() - start;
  const uint32_t answer[2] = {MARK, 0};
  send(answer, sizeof answer);
  send(&ticks, sizeof ticks);
}

// Everything below the stack pointer is painted; what the model has overwritten is the depth that it takes.
static void answer_stack(void) {
  fill_inputs();
  port_hold_interrupts(1);
  const uintptr_t before = port_stack_pointer();
  for (volatile uint32_t *at = stack_bottom; (uintptr_t)at < before; at++) *at = PAINT;
  const int status = model_run();
  const volatile uint32_t *deepest = stack_bottom;
  while ((uintptr_t)deepest < before && *deepest == PAINT) deepest++;
  port_hold_interrupts(0);
  const uint32_t answer[4] = {MARK, (uint32_t)status, (uint32_t)(before - (uintptr_t)deepest),
                              (uint32_t)((uintptr_t)stack_top - (uintptr_t)stack_bottom)};
  send(answer, sizeof answer);
}

void firmware_main(void) {
  input = opened("/dev/stdin", 10, READ_BINARY);
  output = opened("/dev/stdout", 11, WRITE_BINARY);
  if (input == (uintptr_t)-1 || output == (uintptr_t)-1) leave(NO_PIPE);
  port_start_clock();
  model_reset();
  const uint32_t hello[4] = {MARK, port_identity(), model_inputs, model_outputs};
  send(hello, sizeof hello);
  for (;;) {
    switch (received_word()) {
      case RUN: answer_run(); break;
      case COUNT: answer_count(); break;
      case LOOP: answer_loop(); break;
      case STACK: answer_stack(); break;
      default: leave(0);
    }
  }
}
