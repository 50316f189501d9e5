"""Programs with files on Cortex-M boards of QEMU: a start, a memory map, and the command that runs them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BOARDS", "linked", "on_board"]

BOARDS = {"cortex-m3": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}
"""By core; all have 4 MiB at 0 and 4 MiB at 0x20000000."""
START = """
#include <stdint.h>
#include <stdlib.h>

extern uint32_t bss_start, bss_end, stack_top;
extern int main(void);
extern void initialise_monitor_handles(void);

void _init(void) {}
void _fini(void) {}

void reset(void)
{
    uint32_t *word;
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\\n isb");
#endif
    for (word = &bss_start; word < &bss_end; ++word) *word = 0;
    initialise_monitor_handles();
    exit(main());
}

static void fault(void) { _Exit(70); }

struct vectors { uint32_t *stack; void (*handlers[6])(void); };
__attribute__((section(".vectors"), used)) const struct vectors vectors = {
    &stack_top, {reset, fault, fault, fault, fault, fault},
};
"""
MAP = """
MEMORY { code : ORIGIN = 0, LENGTH = 4M   ram : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS
{
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > code
  .ARM.exidx : { *(.ARM.exidx*) *(.ARM.extab*) } > code
  .init_array : { *(.init_array*) } > code
  .data : { *(.data*) } > ram
  .bss : { bss_start = .; *(.bss*) *(COMMON) . = ALIGN(4); bss_end = .; } > ram
  end = ALIGN(8);
  stack_top = ORIGIN(ram) + LENGTH(ram);
}
"""


def linked(folder: Path) -> list[str]:
    """What a compiler for Arm must be told beside the sources in a folder."""
    (folder / "start.c").write_text(START)
    (folder / "map.ld").write_text(MAP)
    return ["start.c", "-nostartfiles", "-specs=rdimon.specs", "-T", "map.ld"]


def on_board(core: str, program: str) -> list[str]:
    """The command that runs a program; it reads and writes files where it stands."""
    return [
        "qemu-system-arm", "-M", BOARDS[core], "-nographic", "-monitor", "none", "-serial", "none",
        "-semihosting-config", "enable=on,target=native", "-kernel", program,
    ]  # fmt: skip
