// SPDX-License-Identifier: GPL-2.0-or-later
//
// A QEMU plugin that counts the instructions which a program executes between two marker system calls of runner.c, and
// writes each count as a decimal line to the file descriptor given as `fd=N`. It is a program of its own that QEMU
// loads, hence QEMU's licence; nothing else of EdgeKit is linked with it.
//
// It declares the part of the plugin API that it uses, because distributions do not package QEMU's qemu-plugin.h; what
// it uses has stayed the same from API version 1 (QEMU 6) on. API_VERSION is given by the build.

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MARKER 0x45444745
#define SYS_GETPRIORITY 141  // arm64
#define PUBLIC __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t,
                                                              uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                                              uint64_t));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

PUBLIC int qemu_plugin_version = API_VERSION;

static uint64_t executed;
static int report = -1;

static void on_block(unsigned cpu, void *instructions) { executed += (uintptr_t)instructions; }

static void on_translation(plugin_id id, struct qemu_plugin_tb *block) {
  // A block runs from its first instruction to its last one: nothing can leave it earlier in a user-mode program that
  // does not fault, and no flags (0) lets QEMU skip the saving of registers.
  qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void on_syscall(plugin_id id, unsigned cpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                       uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  if (number != SYS_GETPRIORITY || a1 != MARKER) return;
  uint64_t counted = executed;
  if (a2 == 1) {
    executed = 0;
  } else {
    char line[32];
    int length = snprintf(line, sizeof line, "%llu\n", (unsigned long long)counted);
    if (write(report, line, length) != length) _exit(4);
  }
}

// A model that never returns would outlive a killed parent: the pipe's other end tells when that is gone.
static void *end_with_parent(void *unused) {
  struct pollfd pipe = {.fd = report};
  while (poll(&pipe, 1, -1) < 0) continue;
  kill(getpid(), SIGKILL);
  return NULL;
}

static void be_expendable(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);  // a bad file is no reason to fill the disk
  int file = open("/proc/self/oom_score_adj", O_WRONLY);
  if (file >= 0) {
    if (write(file, "1000", 4) < 0) perror("oom_score_adj");
    close(file);
  }
}

PUBLIC int qemu_plugin_install(plugin_id id, const void *info, int count, char **arguments) {
  for (int i = 0; i < count; i++)
    if (strncmp(arguments[i], "fd=", 3) == 0) report = atoi(arguments[i] + 3);
  if (report < 0) return 1;
  be_expendable();
  sigset_t all, before;
  pthread_t watcher;
  sigfillset(&all);  // signals are the emulated program's
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&watcher, NULL, end_with_parent, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
  return failed;
}
