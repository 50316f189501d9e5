"""LiteRT (ai-edge-litert), the runtime of today's phones, on this machine's CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgekit.runtimes import Runtime
from edgekit.runtimes._interpreter import InterpreterRuntime, op_resolvers

__all__ = ["RUNTIME"]


def _load() -> tuple[Any, Mapping[str, Any]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    return Interpreter, op_resolvers(OpResolverType)


RUNTIME: Runtime = InterpreterRuntime(
    name="litert",
    package="ai-edge-litert",
    load=_load,
    remedy="Install it with: pip install ai-edge-litert",
)
