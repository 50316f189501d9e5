"""Loops put into the file of the model around them: WHILE with a counter, the states, and what stays the same.

The body reads one step of the sequence by GATHER, computes the converted step and writes its output into the sequence
of outputs by DYNAMIC_UPDATE_SLICE. States are carried in the step's own dtype and scale, so an integer loop has no
float in it. States that are kept from call to call lie in resource variables, set to zero once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.tensors import Array
from edgekit.tflite.ops import op_spec
from edgekit.tflite.writing import opened, packed
from edgekit_converters.tflite.graft import Graft, near, same, text_of
from edgekit_converters.tflite.loops.body import Body
from edgekit_converters.tflite.loops.masking import flags_as_numbers, insert_masking
from edgekit_converters.tflite.loops.parts import Masking
from edgekit_converters.tflite.loops.ports import Ports
from edgekit_converters.tflite.loops.variables import Variables

__all__ = ["spliced"]

TAKING = ("ADD", "MUL", "SUB", "TANH", "LOGISTIC", "SELECT_V2", "QUANTIZE")
"""Operators whose inputs may have any scale: nothing in the file was computed from it."""
METADATA = "min_runtime_version"
RUNTIME = "2.9.0"
"""Of TensorFlow Lite, the first that has all of the operators of a loop."""


def spliced(content: bytes, bodies: Sequence[Body], maskings: Sequence[Masking] = ()) -> bytes:
    """The whole model.

    Args:
        content: The `.tflite` of the model around the loops, whose signature names what they take and give.
        bodies: The loops.
        maskings: Calls of Masking.
    """
    if not bodies and not maskings:
        return content
    graft = Graft(opened(content))
    ports = Ports(graft)
    variables = Variables(graft, ports.main)
    for place in maskings:
        insert_masking(graft, ports, place)
    for body in bodies:
        _Splice(graft, ports, body, variables).insert()
    variables.finish()
    ports.close()
    ports.main.operators = _ordered(ports.main)
    _raise_runtime(graft.model, [_runtime_of(opened(body.content)) for body in bodies])
    return packed(graft.model)


class _Splice:
    """One loop on its way into the main graph."""

    def __init__(self, graft: Graft, ports: Ports, body: Body, variables: Variables) -> None:
        self.graft, self.main, self.loop, self.ports, self.variables = graft, ports.main, body.loop, ports, variables
        step = opened(body.content)
        names = step.signatureDefs[0]
        self.inside = {text_of(m.name): m.tensorIndex for m in [*names.inputs, *names.outputs]}
        self.body_index, self.body = graft.merged(step, f"{body.loop.layer}_step")
        self.cond_index, self.cond = graft.subgraph(f"{body.loop.layer}_more")
        self.before: list[int] = []  # in the main graph
        self.inputs: list[int] = []  # of the body
        self.outputs: list[int] = []
        self.after: dict[str, int] = {}  # place among the carried values, by what it is

    def insert(self) -> None:
        loop = self.loop
        carried = [self._state(k) for k in range(len(loop.state_shapes))]
        time = self._counter("step", np.array(0, np.int32), np.array(1, np.int32))
        first, more = (loop.steps - 1, -1) if loop.backwards else (0, 1)
        at = self._counter("place", np.array([first], np.int32), np.array([more], np.int32))
        self._value(at)
        mask = self._mask(at) if loop.masked else None
        settled = [self._next(k, tensor, mask) for k, tensor in enumerate(carried)]
        for k, (tensor, after) in enumerate(zip(carried, settled, strict=True)):
            self._carry(f"state_{k}", self._first_state(k, tensor), tensor, after)
        self._output(settled, mask)
        self._condition(time)
        self._finish()

    def _carry(self, what: str, before: int, inside: int, after: int) -> None:
        self.after[what] = len(self.before)
        self.before.append(before)
        self.inputs.append(inside)
        self.outputs.append(after)

    def _counter(self, name: str, first: Array, step: Array) -> int:
        """A number, or a list of them, that each step adds to."""
        graft, title = self.graft, self.loop.name(name)
        before = graft.constant(self.main, f"{title}_first", first)
        inside = graft.tensor(self.body, title, first.shape, "int32")
        more = graft.constant(self.body, f"{title}_more", step)
        after = graft.tensor(self.body, f"{title}_next", first.shape, "int32")
        graft.operator(self.body, "ADD", [inside, more], [after], schema.AddOptionsT())
        self._carry(name, before, inside, after)
        return inside

    def _value(self, at: int) -> None:
        """The sequence, which stays the same, and this step's part of it."""
        outer = self.ports.handed(self.loop.name("input"))
        sequence = self.sequence = self.main.tensors[outer]
        inside = self.graft.like(self.body, sequence, self.loop.name("sequence"))
        self._carry("sequence", outer, inside, inside)
        value = self.inside["value"]
        wanted = self.body.tensors[value]
        part = value
        if not same(sequence, wanted):
            if near(sequence, wanted):
                wanted.quantization = sequence.quantization
            else:
                part = self.graft.like(self.body, sequence, self.loop.name("part"), wanted.shape)
        self._gather(inside, at, part)
        if part != value:
            self.graft.requantize(self.body, part, value)

    def _mask(self, at: int) -> int:
        """Whether this step counts, bool [1, 1]. As a number on its way, since few runtimes gather booleans."""
        graft, name = self.graft, self.loop.name
        flags = self.ports.handed(name("mask"))
        numbers = flags_as_numbers(graft, self.main, flags, name("flags"), self.sequence.type)
        inside = graft.like(self.body, self.main.tensors[numbers], name("mask"))
        self._carry("mask", numbers, inside, inside)
        flag = graft.like(self.body, self.main.tensors[numbers], name("flag"), [1, 1])
        self._gather(inside, at, flag)
        off = graft.zeros(self.body, self.body.tensors[flag], name("off"))
        return graft.differs(self.body, flag, off, name("counts"))

    def _state(self, k: int) -> int:
        """A state as the step takes it."""
        index: int = self.inside[f"state_{k}"]
        return index

    def _next(self, k: int, state: int, mask: int | None) -> int:
        """The state after this step, in the scale in which it is carried."""
        after = self.inside[f"next_{k}"]
        carried, made = self.body.tensors[state], self.body.tensors[after]
        if not same(carried, made):
            if self._may_change(after):
                made.quantization = carried.quantization
            else:
                settled = self.graft.like(self.body, carried, self.loop.name(f"settled_{k}"))
                self.graft.requantize(self.body, after, settled)
                after = settled
        return (
            after
            if mask is None
            else self.graft.select(self.body, mask, after, state, self.loop.name(f"state_{k}_chosen"))
        )

    def _first_state(self, k: int, state: int) -> int:
        like = self.body.tensors[state]
        if self.loop.states == "zeros":
            return self.graft.zeros(self.main, like, self.loop.name(f"zero_{k}"))
        if self.loop.states == "kept":
            return self.variables.read(self.loop.name(f"kept_{k}"), like)
        given = self.ports.handed(self.loop.name(f"given_{k}"))
        if same(self.main.tensors[given], like):
            return given
        settled = self.graft.like(self.main, like, self.loop.name(f"first_{k}"))
        self.graft.requantize(self.main, given, settled)
        return settled

    def _output(self, settled: list[int], mask: int | None) -> None:
        """What the loop answers: carried as it is where only the last step's counts, else written step by step."""
        graft, loop = self.graft, self.loop
        k = loop.output_state
        output = self.inside["output"] if k is None else settled[k]
        apart = loop.masked and (loop.zero_masked or loop.needs_output)
        if loop.needs_output:
            like = self.body.tensors[output]
            inside = graft.like(self.body, like, loop.name("shown"))
            fresh = output if k is None else self._unmasked(settled[k])
            assert mask is not None
            output = graft.select(self.body, mask, fresh, inside, loop.name("shown_chosen"))
            self._carry("output", graft.zeros(self.main, like, loop.name("shown_first")), inside, output)
        elif apart:
            like = self.body.tensors[output]
            nothing = graft.zeros(self.body, like, loop.name("nothing"))
            assert mask is not None
            output = graft.select(self.body, mask, output, nothing, loop.name("shown_chosen"))
        if loop.sequences:
            self._write(output)
        elif not loop.needs_output and (apart or k is None):
            like = self.body.tensors[output]
            inside = graft.like(self.body, like, loop.name("shown"))
            self._carry("output", graft.zeros(self.main, like, loop.name("shown_first")), inside, output)
        elif not loop.needs_output:
            self.after["output"] = self.after[f"state_{k}"]

    def _unmasked(self, settled: int) -> int:
        """The new value of a SELECT_V2 that keeps the old one in masked steps."""
        made = next(op for op in self.body.operators if settled in op.outputs)
        return int(made.inputs[1])

    def _write(self, output: int) -> None:
        """Put this step's output into the sequence of outputs, in the dtype that the model takes."""
        graft, loop = self.graft, self.loop
        taken = self.ports.taken(loop.name("output"))
        if taken is not None and taken.type != self.body.tensors[output].type:
            narrow = graft.like(self.body, taken, loop.name("narrow"), loop.output_shape)
            graft.requantize(self.body, output, narrow)
            output = narrow
        like = self.body.tensors[output]
        shape = [loop.steps, *loop.output_shape[1:]]
        first = np.zeros(len(shape), np.int32)
        start = self._counter("start", first, np.array([1, *first[1:]], np.int32))
        inside = graft.like(self.body, like, loop.name("written"), shape)
        after = graft.like(self.body, like, loop.name("written_next"), shape)
        graft.operator(
            self.body, "DYNAMIC_UPDATE_SLICE", [inside, output, start], [after], schema.DynamicUpdateSliceOptionsT()
        )
        empty = graft.zeros(self.main, like, loop.name("written_first"), shape)
        self._carry("output", empty, inside, after)

    def _condition(self, time: int) -> None:
        """Whether there is another step: of scalars, for Vela fails at a comparison of lists."""
        graft = self.graft
        copies = [graft.like(self.cond, self.body.tensors[i], f"carried_{n}") for n, i in enumerate(self.inputs)]
        last = graft.constant(self.cond, self.loop.name("steps"), np.array(self.loop.steps, np.int32))
        more = graft.tensor(self.cond, self.loop.name("more"), [], "bool")
        graft.operator(self.cond, "LESS", [copies[self.inputs.index(time)], last], [more], schema.LessOptionsT())
        self.cond.inputs, self.cond.outputs = np.array(copies, np.int32), np.array([more], np.int32)
        self.body.operators = _ordered(self.body)
        self.body.inputs, self.body.outputs = np.array(self.inputs, np.int32), np.array(self.outputs, np.int32)

    def _finish(self) -> None:
        """WHILE in the main graph, and what the model takes of its results."""
        graft, loop = self.graft, self.loop
        results = [
            graft.like(self.main, self.body.tensors[i], loop.name(f"result_{n}")) for n, i in enumerate(self.inputs)
        ]
        options = schema.WhileOptionsT()
        options.condSubgraphIndex, options.bodySubgraphIndex = self.cond_index, self.body_index
        graft.operator(self.main, "WHILE", self.before, results, options)
        self.ports.give(results[self.after["output"]], loop.name("output"))
        for k in range(len(loop.state_shapes)):
            result = results[self.after[f"state_{k}"]]
            if loop.returns:
                self.ports.give(result, loop.name(f"state_{k}"))
            if loop.states == "kept":
                self.variables.write(loop.name(f"kept_{k}"), result)

    def _may_change(self, tensor: int) -> bool:
        """Whether a tensor of the body can be given another scale without a change to any constant."""
        makers = [self.graft.kind(op) for op in self.body.operators if tensor in op.outputs]
        readers = [self.graft.kind(op) for op in self.body.operators if tensor in op.inputs]
        return bool(makers) and all(_rescales(m) for m in makers) and all(r in TAKING for r in readers)

    def _gather(self, source: int, at: int, target: int) -> None:
        self.graft.operator(self.body, "GATHER", [source, at], [target], schema.GatherOptionsT(), 2)


def _ordered(graph: schema.SubGraphT) -> list[schema.OperatorT]:
    """Operators after those whose results they read, and otherwise as they stand."""
    maker = {int(i): op for op in graph.operators for i in op.outputs}
    ordered: list[schema.OperatorT] = []
    done: set[int] = set()
    for first in graph.operators:
        waiting = [first]
        while waiting:
            op = waiting[-1]
            needed = [maker[i] for i in map(int, op.inputs) if i in maker and id(maker[i]) not in done]
            if id(op) not in done and needed:
                waiting.extend(needed)
                continue
            waiting.pop()
            if id(op) not in done:
                done.add(id(op))
                ordered.append(op)
    return ordered


def _raise_runtime(model: schema.ModelT, of_bodies: Sequence[str]) -> None:
    """Let the file ask for the newest runtime that one of its parts asks for."""
    wanted = [*of_bodies, RUNTIME] if of_bodies else []
    newest = max([_runtime_of(model), *wanted], key=lambda version: [int(n) for n in version.split(".")])
    for entry in model.metadata or []:
        if text_of(entry.name) == METADATA:
            model.buffers[entry.buffer].data = np.frombuffer(newest.encode().ljust(16, b"\0"), np.uint8)


def _runtime_of(model: schema.ModelT) -> str:
    """The runtime version that a converter wrote into a file; "0" where it wrote none."""
    for entry in model.metadata or []:
        if text_of(entry.name) == METADATA:
            data = model.buffers[entry.buffer].data
            assert data is not None
            return bytes(data).split(b"\0")[0].decode() or "0"
    return "0"


def _rescales(kind: str) -> bool:
    return kind == "QUANTIZE" or op_spec(kind).scales == "rescales"
