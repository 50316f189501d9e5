"""Runtimes: what runs a `.tflite`, or tells what it costs. One file each, with a `Runtime` named `RUNTIME`.

A file added here, or a module that another package names by an entry point of the group `edgekit.runtimes`, is a
runtime that every command knows, with its figures. A `.tflite` from outside may corrupt the heap, abort or never
return, so a model is only ever run in a child process: `Runtime.open` starts one and gives a `Session` that talks to
it.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from edgekit import registry
from edgekit.errors import UsageError, did_you_mean
from edgekit.figures import Figure
from edgekit.runtimes._declared import DeclaredSession, check_declared
from edgekit.runtimes._engine import Engine
from edgekit.runtimes._interpreter import InterpreterExecutor, op_resolvers
from edgekit.runtimes._probe import INT8_PROBE, PROBE, reason_against
from edgekit.runtimes._types import (
    KERNELS,
    Batcher,
    Clock,
    DeviceFigures,
    DeviceTimes,
    Executor,
    Kernels,
    Meter,
    OperatorShare,
    Profiler,
    Runtime,
    Session,
    Source,
    Timer,
    Variants,
    check_kernels,
)

__all__ = [
    "INT8_PROBE", "KERNELS", "PROBE", "Batcher", "Clock", "DeclaredSession", "DeviceFigures", "DeviceTimes", "Engine",
    "Executor", "InterpreterExecutor", "Kernels", "Meter", "OperatorShare", "Profiler", "Runtime", "Session", "Source",
    "Timer", "Variants", "check_declared", "check_kernels", "load_runtime", "op_resolvers", "reason_against",
    "runtime_figures", "runtime_names",
]  # fmt: skip


def runtime_names() -> list[str]:
    """Every runtime that this folder holds or another package adds, whether or not what it needs is installed."""
    return registry.names(sys.modules[__name__])


def runtime_figures() -> list[Figure]:
    """The figures of every runtime, EdgeKit's own first; those of a package that cannot be imported are left out."""
    outside = registry.outside("runtimes")
    found: list[Figure] = []
    for name in sorted(runtime_names(), key=lambda name: (name in outside, name)):
        try:
            found += load_runtime(name).figures
        except UsageError:
            if name not in outside:
                raise
    return found


def load_runtime(name: str) -> Runtime:
    """A runtime by its name, or one of its variants: "arm64:cortex-a53", "ethos_u:ethos-u85-256", "adb:SERIAL".

    Raises:
        UsageError: No runtime of that name; the nearest one is suggested. It has no variants, or no such one. What
            another package names as a runtime is none.
    """
    base, colon, variant = name.partition(":")
    runtime = getattr(registry.load(sys.modules[__name__], base), "RUNTIME", None)
    if not isinstance(runtime, Runtime):
        raise UsageError(
            "A module of a runtime has RUNTIME, an edgekit.runtimes.Runtime.",
            received=f"{base}: {type(runtime).__name__}",
            remedy="Report it to the author of the package.",
        )
    if not colon:
        return runtime
    variants = runtime.variants
    if variants is None:
        others = [other for other in runtime_names() if other != base and load_runtime(other).variants is not None]
        raise UsageError(f"The runtime {base} has no variants.", received=repr(name), remedy=did_you_mean(base, others))
    if not variant:
        raise UsageError(f"A variant of {base} is written {base}:{variants.option.upper()}.", received=repr(name))
    if variants.names is not None and variant not in variants.names:
        raise UsageError(
            f"No such variant of {base}.", received=repr(name), remedy=did_you_mean(variant, variants.names)
        )
    return replace(variants.choose(variant), name=name)
