"""What a processor tells of a fault, in words."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.runtimes._bare_metal.boards import Kit

__all__ = ["fault_text"]

_STACK_RAN_OUT = 1 << 31
# Of Arm's Configurable Fault Status Register, by bit.
_CFSR = {
    0: "an instruction in forbidden memory", 1: "an access to forbidden memory", 3: "unstacking in forbidden memory",
    4: "stacking in forbidden memory", 8: "no instruction on the bus", 9: "no data on the bus",
    10: "no data on the bus, some instructions before", 11: "unstacking without memory",
    12: "stacking without memory", 16: "an undefined instruction", 17: "Arm code on a processor of Thumb",
    18: "a wrong return", 19: "a coprocessor that is not there", 20: "the stack's limit", 24: "an unaligned access",
    25: "a division by 0",
}  # fmt: skip
_ADDRESS_HOLDS = 1 << 15
_CAUSES = {
    0: "an unaligned instruction", 1: "no instruction in memory", 2: "an undefined instruction", 3: "a breakpoint",
    4: "an unaligned load", 5: "a load without memory", 6: "an unaligned store", 7: "a store without memory",
}  # fmt: skip


def fault_text(kit: Kit, facts: Sequence[int]) -> str:
    """A line for the six numbers that a firmware sends when it faults: pc, return address, cause, and registers."""
    counter, link, which, status, hard, address = facts
    ran_out = "; the stack had run out" if which & _STACK_RAN_OUT else ""
    which &= ~_STACK_RAN_OUT
    if kit.runtime == "riscv":
        reason = _CAUSES.get(which, f"cause {which}")
        return f"trap at pc {counter:#010x} (ra {link:#010x}): {reason}, mtval {address:#010x}{ran_out}"
    reasons = [said for bit, said in _CFSR.items() if status & 1 << bit]
    where = f" at {address:#010x}" if status & _ADDRESS_HOLDS else ""
    name = "hard fault" if which == 3 else f"exception {which}"
    told = f": {', '.join(reasons)}{where}" if reasons else ""
    return f"{name} at pc {counter:#010x} (lr {link:#010x}), CFSR {status:#010x}, HFSR {hard:#010x}{told}{ran_out}"
