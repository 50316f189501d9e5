"""States that are kept from call to call: resource variables, which a subgraph sets to zero once."""

from __future__ import annotations

from dataclasses import dataclass, field

from ai_edge_litert import schema_py_generated as schema

from edgekit_converters.tflite.graft import Graft

__all__ = ["Variables"]


@dataclass
class Variables:
    """The variables of one file.

    Attributes:
        graft, main: The file and its first subgraph.
        zeros: Name of each variable, and a tensor of its shape, dtype and scale.
    """

    graft: Graft
    main: schema.SubGraphT
    zeros: list[tuple[str, schema.TensorT]] = field(default_factory=list)

    def read(self, name: str, like: schema.TensorT) -> int:
        """A variable of another tensor's kind as it stands before this call."""
        self.zeros.append((name, like))
        handle = self._handle(self.main, name)
        value = self.graft.like(self.main, like, f"{name}_before")
        self.graft.operator(self.main, "READ_VARIABLE", [handle], [value], schema.ReadVariableOptionsT())
        return value

    def write(self, name: str, value: int) -> None:
        """Let a variable have this value in the next call."""
        handle = self._handle(self.main, name)
        self.graft.operator(self.main, "ASSIGN_VARIABLE", [handle, value], [], schema.AssignVariableOptionsT())

    def finish(self) -> None:
        """Add the subgraph that sets all to zero, where there are any."""
        if not self.zeros:
            return
        index, graph = self.graft.subgraph("edgekit_first_states")
        for name, like in self.zeros:
            zero = self.graft.zeros(graph, like, f"{name}_zero")
            options = schema.AssignVariableOptionsT()
            self.graft.operator(graph, "ASSIGN_VARIABLE", [self._handle(graph, name), zero], [], options)
        once = schema.CallOnceOptionsT()
        once.initSubgraphIndex = index
        self.graft.operator(self.main, "CALL_ONCE", [], [], once)
        self.main.operators.insert(0, self.main.operators.pop())

    def _handle(self, graph: schema.SubGraphT, name: str) -> int:
        handle = self.graft.tensor(graph, name, [], "resource")
        options = schema.VarHandleOptionsT()
        options.container, options.sharedName = "", name
        self.graft.operator(graph, "VAR_HANDLE", [], [handle], options)
        return handle
