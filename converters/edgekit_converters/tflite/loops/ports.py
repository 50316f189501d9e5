"""Where the model around loops hands them something and takes their results: inputs and outputs of its file."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit_converters.tflite.graft import Graft, same, text_of
from edgekit_converters.tflite.loops.parts import PREFIX

__all__ = ["Ports"]


class Ports:
    """The inputs and outputs of a file's first subgraph, by the names of its signature.

    Args:
        graft: The file.
    """

    def __init__(self, graft: Graft) -> None:
        self.graft, self.main = graft, graft.model.subgraphs[0]
        self._signature = graft.model.signatureDefs[0]
        self._places = {text_of(m.name): m.tensorIndex for m in [*self._signature.inputs, *self._signature.outputs]}

    def close(self) -> None:
        """Take away those that are not the model's own."""
        for side in ("inputs", "outputs"):
            entries = getattr(self._signature, side)
            kept = [m for m in entries if not text_of(m.name).startswith(PREFIX)]
            names = {m.tensorIndex for m in kept}
            dropped = {m.tensorIndex for m in entries} - names
            setattr(self._signature, side, kept)
            setattr(self.main, side, np.array([i for i in getattr(self.main, side) if i not in dropped], np.int32))
        read = {int(i) for op in self.main.operators for i in op.inputs} | {int(i) for i in self.main.outputs}
        self.main.operators = [op for op in self.main.operators if self._matters(op, read)]

    def give(self, result: int, name: str) -> None:
        """A result in the place of an input of the model around the loop, in that one's dtype and scale.

        That input has one dimension: the result goes to its RESHAPE as it is, and past one to the result's own shape.
        """
        place, quantizer = self._taken(self._places[name])
        if place is None:
            return
        if quantizer is not None:
            self.main.operators.remove(quantizer)
        have, want = self.main.tensors[result], self.main.tensors[place]
        if not same(have, want):
            settled = self.graft.like(self.main, want, f"{name}_settled", have.shape)
            self.graft.requantize(self.main, result, settled)
            result = settled
        readers = [op for op in self.main.operators if place in op.inputs]
        self._replace(place, result)
        for op in readers:
            if self.graft.kind(op) != "RESHAPE":
                self._flatten(op, result, want)
            elif self._changes_nothing(op):
                self.main.operators.remove(op)
                self._replace(int(op.outputs[0]), result)

    def taken(self, name: str) -> schema.TensorT | None:
        """What the model takes by that name: a tensor with its dtype and scale; None where nothing reads it."""
        place, _ = self._taken(self._places[name])
        return None if place is None else self.main.tensors[place]

    def _matters(self, operator: schema.OperatorT, read: set[int]) -> bool:
        """Whether it is not one that only stood between the model and a port."""
        return self.graft.kind(operator) not in ("QUANTIZE", "DEQUANTIZE") or int(operator.outputs[0]) in read

    def _flatten(self, operator: schema.OperatorT, result: int, want: schema.TensorT) -> None:
        """RESHAPE before an operator into which the converter has drawn the one that stood there."""
        flat = self.graft.like(self.main, want, f"edgekit_flat_{len(self.main.tensors)}")
        self.graft.reshape(self.main, result, flat)
        operator.inputs = np.array([flat if i == result else i for i in operator.inputs], np.int32)

    def _changes_nothing(self, reshape: schema.OperatorT) -> bool:
        """Whether a RESHAPE has one shape on both sides, and no output of the model behind it."""
        before, after = (self.main.tensors[i] for i in (reshape.inputs[0], reshape.outputs[0]))
        return list(before.shape) == list(after.shape) and int(reshape.outputs[0]) not in self.main.outputs

    def _replace(self, old: int, new: int) -> None:
        for op in self.main.operators:
            op.inputs = np.array([new if i == old else i for i in op.inputs], np.int32)
        self.main.outputs = np.array([new if i == old else i for i in self.main.outputs], np.int32)
        for entry in self.graft.model.signatureDefs[0].outputs:
            if entry.tensorIndex == old:
                entry.tensorIndex = new

    def _taken(self, port: int) -> tuple[int | None, schema.OperatorT | None]:
        """An input of the model around the loop, or what QUANTIZE alone makes of it, with that operator."""
        readers = [op for op in self.main.operators if port in op.inputs]
        leaves = port in self.main.outputs
        if len(readers) == 1 and not leaves and self.graft.kind(readers[0]) == "QUANTIZE":
            return int(readers[0].outputs[0]), readers[0]
        return (port if readers or leaves else None), None

    def handed(self, name: str) -> int:
        """An output of the model around the loop, or what only QUANTIZE or DEQUANTIZE stands behind."""
        port: int = self._places[name]
        for op in self.main.operators:
            if port in op.outputs and self.graft.kind(op) in ("QUANTIZE", "DEQUANTIZE"):
                return int(op.inputs[0])
        return port
