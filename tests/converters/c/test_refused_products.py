"""What kernels that multiply, pool, add up or remember have no code for is refused by name, never computed wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from looping_models import Looping, looping_model
from operator_models import Call, Operand, Section, model_of, operator_model

from edgekit.errors import ModelError
from edgekit_converters.c.lowering import findings, lowered

SAME = {"padding": schema.Padding.SAME, "strideH": 1, "strideW": 1}
CONV = {**SAME, "dilationHFactor": 1, "dilationWFactor": 1}
TANH = {"fusedActivationFunction": schema.ActivationFunctionType.TANH}


def tensor(shape: list[int], dtype: str = "int8", scale: float = 0.1, zero_point: int = 0, **more: object) -> Operand:
    return Operand(shape, dtype, [scale], [zero_point], **more)  # type: ignore[arg-type]


def weights(*shape: int, scale: float = 0.01) -> Operand:
    return tensor(list(shape), "int8", scale, values=np.ones(shape, np.int8))


def bias(dtype: str = "int32", channels: int = 4, value: int = 7) -> Operand:
    return tensor([channels], dtype, 0.001, values=np.full(channels, value))


def matrices(dtype: str = "int8") -> list[Operand]:
    return [tensor([2, 3, 4], dtype), tensor([2, 4, 5], dtype), tensor([2, 3, 5], dtype)]


@dataclass(frozen=True)
class Base:
    """A layer that has code."""

    operands: list[Operand]
    call: Call


def lstm() -> Base:
    sequence = tensor([1, 5, 3], scale=0.02)
    operands = [sequence, *(weights(4, 3) for _ in range(4)), *(weights(4, 4) for _ in range(4))]
    operands += [bias() for _ in range(4)]
    operands += [tensor([1, 4], variable=True), tensor([1, 4], "int16", 2.0**-11, variable=True)]
    operands.append(tensor([1, 5, 4]))
    inputs = [0, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, 13, 14, -1, -1, -1, -1]
    return Base(operands, Call("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [15], "UnidirectionalSequenceLSTMOptions", TANH))


IMAGE, WORDS = tensor([1, 6, 6, 4]), tensor([1, 6, 6, 4], "int16")
BASES: Mapping[str, Base] = {
    "conv": Base([IMAGE, weights(4, 2, 2, 4), bias(), IMAGE], Call("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", CONV)),
    "conv of words": Base(
        [WORDS, weights(4, 2, 2, 4), bias("int64"), WORDS], Call("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", CONV)
    ),
    "dense of words": Base(
        [tensor([1, 4], "int16"), weights(3, 4), bias("int64", 3), tensor([1, 3], "int16")],
        Call("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions"),
    ),
    "transposed": Base(
        [Operand([4], "int32", values=[1, 6, 6, 4]), weights(4, 2, 2, 4), IMAGE, bias(), IMAGE],
        Call("TRANSPOSE_CONV", [0, 1, 2, 3], [4], "TransposeConvOptions", SAME),
    ),
    "mean": Base(
        [IMAGE, Operand([2], "int32", values=[1, 2]), tensor([1, 4])],
        Call("MEAN", [0, 1], [2], "ReducerOptions", {"keepDims": False}),
    ),
    "sum": Base(
        [tensor([1, 6, 6, 4]), Operand([1], "int32", values=[3]), tensor([1, 6, 6, 1])],
        Call("SUM", [0, 1], [2], "ReducerOptions", {"keepDims": True}),
    ),
    "matrices": Base(matrices(), Call("BATCH_MATMUL", [0, 1], [2], "BatchMatMulOptions")),
    "matrices of words": Base(matrices("int16"), Call("BATCH_MATMUL", [0, 1], [2], "BatchMatMulOptions")),
    "softmax of words": Base(
        [tensor([1, 9], "int16", 0.001), tensor([1, 9], "int16", 1 / 32768)],
        Call("SOFTMAX", [0], [1], "SoftmaxOptions", {"beta": 1.0}),
    ),
    "lstm": lstm(),
}
WITHOUT_BIAS = {"inputs": [0, 1, -1]}
CASES = [
    ("conv", {0: {"dtype": "uint8"}}, {}, "int8 or int16"),
    ("conv", {3: {"dtype": "int16"}}, {}, "int8"),
    ("conv", {1: {"scales": [0.1] * 4, "axis": 3}}, {}, "along the channels"),
    ("conv", {1: {"zero_points": [3]}}, {}, "zero points of 0"),
    ("conv", {2: {"values": np.full(4, 2**31 - 1)}}, {}, "fit into 32 bits"),
    ("conv", {2: {"dtype": "int64"}}, {}, "int32"),
    ("conv of words", {0: {"zero_points": [1]}}, {}, "zero points of 0"),
    ("conv of words", {3: {"zero_points": [-5]}}, {}, "zero points of 0"),
    ("conv of words", {2: {"dtype": "int32"}}, {}, "int64"),
    ("conv of words", {}, WITHOUT_BIAS, "have a bias"),
    ("conv of words", {2: {"values": np.full(4, 2**50)}}, {}, "48 bits"),
    ("conv of words", {2: {"values": np.full(4, 2**46)}}, {}, "scaled sums .* 32 bits"),
    ("conv of words", {3: {"scales": [1e-7]}}, {}, "32 bits"),
    ("dense of words", {}, {**WITHOUT_BIAS, "fields": {"quantizedBiasType": schema.TensorType.INT32}}, "have a bias"),
    ("transposed", {0: {"values": [1, 6, 6, 5]}}, {}, "shape that its operand names"),
    ("transposed", {0: {"values": None}}, {}, "constant"),
    ("transposed", {}, {"fields": {**SAME, "strideH": 2}}, "size that the window makes"),
    ("transposed", {1: {"shape": [4, 2, 2, 3], "values": np.ones([4, 2, 2, 3])}}, {}, "fit the channels"),
    ("mean", {1: {"values": None}}, {}, "constant"),
    ("mean", {1: {"values": [1, 4]}}, {}, "Axes are those"),
    ("mean", {}, {"fields": {"keepDims": True}}, "axes that are not reduced"),
    ("mean", {0: {"dtype": "int32"}}, {}, "int8 or int16"),
    ("mean", {2: {"scales": [1e-12]}}, {}, "32 bits"),
    ("sum", {2: {"scales": [1e-9]}}, {}, "sums fit into 32 bits"),
    ("matrices", {1: {"shape": [2, 5, 4]}}, {}, "inner dimension"),
    ("matrices", {1: {"shape": [3, 4, 5]}}, {}, "Batches are equal"),
    ("matrices", {2: {"shape": [2, 5, 3]}}, {}, "matrices' shape"),
    ("matrices", {0: {"shape": [4]}}, {}, "two to five dimensions"),
    ("matrices", {1: {"scales": [0.1] * 5, "axis": 2}}, {}, "one scale"),
    ("matrices of words", {1: {"zero_points": [9]}}, {}, "zero points of 0"),
    ("softmax of words", {0: {"zero_points": [1]}}, {}, "zero points of 0"),
    ("softmax of words", {1: {"scales": [1 / 256]}}, {}, "1/32768"),
    ("softmax of words", {0: {"scales": [100.0]}}, {}, "32 bits"),
    ("lstm", {14: {"scales": [3e-4]}}, {}, "power of two"),
    ("lstm", {14: {"scales": [2.0**-20]}}, {}, "between"),
    ("lstm", {14: {"dtype": "int8"}}, {}, "int16"),
    ("lstm", {14: {"variable": False}}, {}, "variables"),
    ("matrices", {0: {"variable": True}}, {}, "states of LSTMs"),
    ("lstm", {13: {"shape": [1, 3]}}, {}, "one value for each unit"),
    ("lstm", {0: {"dtype": "int16"}}, {}, "int8"),
    ("lstm", {1: {"scales": [0.1] * 4}}, {}, "one scale"),
    ("lstm", {2: {"shape": [4, 2], "values": np.ones([4, 2])}}, {}, "fit the input"),
    ("lstm", {13: {"scales": [1e-12]}}, {}, "32 bits"),
    ("lstm", {}, {"fields": {"fusedActivationFunction": schema.ActivationFunctionType.RELU}}, "tanh"),
    *(
        ("lstm", {}, {"inputs": [1 if place == number else i for place, i in enumerate(lstm().call.inputs)]}, what)
        for number, what in ((9, "peepholes"), (16, "projection"), (20, "normalisation"))
    ),
]  # fmt: skip
LOOPS = [
    (Looping(condition="GREATER"), "below a constant"),
    (Looping(by=0), "below a constant"),
    (Looping(by=-1), "below a constant"),
    (Looping(computed=True), "below a constant"),
    (Looping(limit=-2), "at least once"),
    (Looping(crossed=True), "takes another one's place"),
    (Looping(kept=True, initial=False), "assigns constants"),
    (Looping(written="kept"), "reads nothing of a sequence that it writes"),
    (Looping(written="columns"), "writes whole rows"),
]


def changed(name: str, operands: Mapping[int, Mapping[str, object]], call: Mapping[str, object]) -> Section:
    base = BASES[name]
    there = [replace(o, **operands.get(n, {})) for n, o in enumerate(base.operands)]  # type: ignore[arg-type]
    made = replace(base.call, **call)  # type: ignore[arg-type]
    inputs = [i for i in dict.fromkeys(made.inputs) if i >= 0 and there[i].values is None and not there[i].variable]
    return Section(there, [made], inputs, made.outputs)


@pytest.mark.parametrize("name", BASES)
def test_the_layer_that_the_others_differ_from_has_code(name: str) -> None:
    assert lowered(model_of([changed(name, {}, {})])).steps


@pytest.mark.parametrize(("name", "operands", "call", "message"), CASES)
def test_refused(
    name: str, operands: Mapping[int, Mapping[str, object]], call: Mapping[str, object], message: str
) -> None:
    model = model_of([changed(name, operands, call)])
    with pytest.raises(ModelError, match=message) as caught:
        lowered(model)
    assert BASES[name].call.name in str(caught.value)
    assert [finding.rule for finding in findings(model)] == [caught.value.finding.rule.partition(": ")[2]]


@pytest.mark.parametrize(("how", "message"), LOOPS, ids=str)
def test_a_loop_of_unknown_turns_or_a_state_without_a_beginning_is_refused(how: Looping, message: str) -> None:
    model = looping_model(how)
    with pytest.raises(ModelError, match=message):
        lowered(model)
    assert len(findings(model)) == 1


def test_a_state_that_nothing_sets_is_refused() -> None:
    handle, name = Operand([], "resource"), {"sharedName": "h", "container": ""}
    calls = [
        Call("VAR_HANDLE", [], [1], "VarHandleOptions", name),
        Call("ASSIGN_VARIABLE", [1, 0], [], "AssignVariableOptions"),
        Call("READ_VARIABLE", [1], [2], "ReadVariableOptions"),
    ]
    with pytest.raises(ModelError, match="first value"):
        lowered(operator_model([tensor([1, 4]), handle, tensor([1, 4])], calls, [0], [2]))


def test_two_lstms_do_not_share_a_state() -> None:
    base = lstm()
    more = [*base.operands, tensor([1, 5, 4])]
    second = replace(base.call, outputs=[16])
    with pytest.raises(ModelError, match="has its states for itself"):
        lowered(operator_model(more, [base.call, second], [0], [15, 16]))
