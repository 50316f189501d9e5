"""The figures of the bare-metal runtimes."""

from __future__ import annotations

from edgekit.figures import Figure
from edgekit.runtimes._bare_metal.boards import Kit

__all__ = ["figures_of"]

_CAVEAT = (
    "{} instructions are counted in an emulator and are not cycles: wait states of flash, caches, branches and loads "
    "of several registers cost what the part makes of them. Nothing is claimed for processors of another kind, such "
    "as Xtensa."
)


def figures_of(kit: Kit) -> tuple[Figure, ...]:
    """What a build and a run on an emulated board tell of an export, as the runtime of these processors has it."""
    name, title = kit.runtime, kit.title
    size = ("largest {} of the C export on " + title + " (measure: " + name + "), in bytes").format
    return (
        Figure(
            "instructions",
            "instructions",
            name,
            f"most {title} instructions of one inference (measure: {name})",
            f"{title} instructions",
            "counted",
            _CAVEAT.format(title),
        ),
        Figure(
            "flash_bytes",
            "flash bytes",
            name,
            size("code"),
            f"{title} code bytes",
            "exact",
            "Flash bytes are those of the kernels, with what they need of compilers' libraries; weights come on top.",
        ),
        Figure("weights_bytes", "weights bytes", name, size("stored constants"), f"{title} weights bytes", "exact"),
        Figure(
            "ram_bytes",
            "RAM bytes",
            name,
            size("RAM"),
            f"{title} RAM bytes",
            "exact",
            "RAM bytes hold inputs, outputs, activations, scratch, state and variables; the stack comes on top.",
        ),
        Figure("stack_bytes", "stack bytes", name, size("stack"), f"{title} stack bytes", "exact"),
    )
