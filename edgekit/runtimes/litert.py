"""LiteRT (ai-edge-litert), the runtime of today's phones, on this machine's CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.runtimes import InterpreterExecutor, Runtime, op_resolvers

__all__ = ["EXECUTOR", "RUNTIME"]


def _load() -> tuple[Any, Mapping[str, Any]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    return Interpreter, op_resolvers(OpResolverType)


def _profile(path: str, threads: int, kernels: str, seconds: float) -> list[list[Any]]:
    from edgekit.runtimes._litert_profile import MODES, profile

    if kernels not in MODES:
        raise ValueError(f"the profiler runs default and builtin kernels, not {kernels} ones")
    return profile(path, threads, kernels, seconds)


EXECUTOR = InterpreterExecutor("litert", _load, "Install it with: pip install ai-edge-litert", profiler=_profile)
RUNTIME = Runtime("litert", EXECUTOR.probe, executor=EXECUTOR, profiler=EXECUTOR)
