"""What C has no code for is refused in one sentence: nothing is computed that the file does not mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from operator_models import Call, Operand, operator_model

from edgekit_converters.c.kernels import Lowered, lower, operators
from edgekit_converters.c.oracles import ORACLES
from edgekit_converters.c.site import Refused, Site

Q = Operand([4, 6], scales=[0.5], zero_points=[3])
WIDE = Operand([4, 6], "int16", [0.5])
FLOAT = Operand([4, 6], "float32")
ELSE = Operand([4, 6], scales=[0.25], zero_points=[3])
IMAGE = Operand([1, 4, 4, 2], scales=[0.5])
PLACES = Operand([3], "int32")
NONE = (("fusedActivationFunction", 0),)


def numbers(values: object) -> Operand:
    return Operand(_shape(values), "int32", values=values)


def _shape(values: object) -> list[int]:
    return [len(values), *_shape(values[0])] if isinstance(values, list) and values else []


def shaped(*shape: int, like: Operand = Q) -> Operand:
    return replace(like, shape=shape)


REFUSED = {
    "a sum of floats": ("ADD", [FLOAT, FLOAT], [FLOAT], "AddOptions", NONE, "int8 or int16"),
    "a sum without options": ("ADD", [Q, Q], [Q], None, (), "options"),
    "a sum of two dtypes": ("ADD", [Q, WIDE], [Q], "AddOptions", NONE, "int8"),
    "shapes that do not fit": ("SUB", [Q, shaped(4, 5)], [Q], "SubOptions", NONE, "shapes"),
    "an activation that is not fused": ("MUL", [Q, Q], [Q], "MulOptions", (("fusedActivationFunction", 4),), "NONE"),
    "a product beyond 32 bits": (
        "MUL", [Q, Q], [replace(Q, scales=[1e-6])], "MulOptions", NONE, "32 bits",
    ),
    "int16 with a zero point": ("MUL", [WIDE, replace(WIDE, zero_points=[1])], [WIDE], "MulOptions", NONE, "are 0"),
    "a tensor without a scale": ("MUL", [Q, replace(Q, scales=None)], [Q], "MulOptions", NONE, "scale"),
    "a maximum of two scales": ("MAXIMUM", [Q, ELSE], [Q], None, (), "one scale"),
    "a square beyond 32 bits": (
        "SQUARED_DIFFERENCE", [WIDE, WIDE], [replace(WIDE, scales=[0.5])], None, (), "32 bits",
    ),
    "a slope of int16": ("PRELU", [WIDE, Q], [WIDE], None, (), "int8"),
    "a negative slope": ("LEAKY_RELU", [Q], [Q], "LeakyReluOptions", (("alpha", -0.5),), "slope"),
    "padding to another scale": ("PAD", [Q, numbers([[0, 0], [1, 1]])], [shaped(4, 8, like=ELSE)], None, (), "scale"),
    "padding to another shape": ("PAD", [Q, numbers([[0, 0], [1, 1]])], [shaped(4, 7)], None, (), "shape"),
    "negative padding": ("PAD", [Q, numbers([[0, 0], [-1, 1]])], [Q], None, (), "paddings"),
    "padding that is computed": ("PAD", [Q, Operand([2, 2], "int32")], [Q], None, (), "constant"),
    "a frame of another scale": (
        "PADV2", [Q, numbers([[0, 0], [1, 1]]), replace(shaped(1, like=ELSE), values=[1])], [shaped(4, 8)], None, (),
        "one scale",
    ),
    "joining two scales": ("CONCATENATION", [Q, ELSE], [shaped(8, 6)], "ConcatenationOptions", (("axis", 0),), "scale"),
    "joining along no axis": ("CONCATENATION", [Q, Q], [shaped(8, 6)], "ConcatenationOptions", (("axis", 2),), "axis"),
    "joining with an activation": (
        "CONCATENATION", [Q, Q], [shaped(8, 6)], "ConcatenationOptions",
        (("axis", 0), ("fusedActivationFunction", 1)), "activation",
    ),
    "pieces that are too few": ("SPLIT", [numbers(0), Q], [shaped(1, 6), shaped(1, 6)], None, (), "whole input"),
    "pieces of another number": (
        "SPLIT", [numbers(0), Q], [shaped(2, 6), shaped(2, 6)], "SplitOptions", (("numSplits", 3),), "how many results",
    ),
    "an axis that is computed": (
        "SPLIT", [Operand([], "int32"), Q], [shaped(2, 6), shaped(2, 6)], None, (), "constant",
    ),
    "pieces of other sizes": (
        "SPLIT_V", [Q, numbers([1, 1]), numbers(0)], [shaped(1, 6), shaped(1, 6)], None, (), "whole input",
    ),
    "a block outside": ("SLICE", [Q, numbers([0, 3]), numbers([4, 4])], [shaped(4, 4)], None, (), "inside"),
    "a new axis": (
        "STRIDED_SLICE", [Q, numbers([0, 0]), numbers([4, 6]), numbers([1, 1])], [Q], "StridedSliceOptions",
        (("newAxisMask", 1),), "new axis",
    ),
    "an ellipsis": (
        "STRIDED_SLICE", [Q, numbers([0, 0]), numbers([4, 6]), numbers([1, 1])], [Q], "StridedSliceOptions",
        (("ellipsisMask", 1),), "ellipsis",
    ),
    "a stride of 0": (
        "STRIDED_SLICE", [Q, numbers([0, 0]), numbers([4, 6]), numbers([1, 0])], [Q], "StridedSliceOptions", (),
        "not 0",
    ),
    "an index outside": (
        "STRIDED_SLICE", [Q, numbers([4, 0]), numbers([5, 6]), numbers([1, 1])], [shaped(6)], "StridedSliceOptions",
        (("shrinkAxisMask", 1),), "inside",
    ),
    "a reshape to more": ("RESHAPE", [Q], [shaped(5, 6)], None, (), "as many"),
    "a reshape to another scale": ("RESHAPE", [Q], [shaped(24, like=ELSE)], None, (), "one scale"),
    "a dimension twice": ("TRANSPOSE", [Q, numbers([0, 0])], [Q], None, (), "once"),
    "six dimensions": (
        "TRANSPOSE", [shaped(1, 2, 1, 2, 3, 2), numbers([5, 4, 3, 2, 1, 0])], [shaped(2, 3, 2, 1, 2, 1)], None, (),
        "1 to 5",
    ),
    "a size that is computed": (
        "RESIZE_BILINEAR", [IMAGE, Operand([2], "int32")], [IMAGE], "ResizeBilinearOptions", (), "constant",
    ),
    "corners and centres": (
        "RESIZE_BILINEAR", [IMAGE, numbers([4, 4])], [IMAGE], "ResizeBilinearOptions",
        (("alignCorners", True), ("halfPixelCenters", True)), "or neither",
    ),
    "steps that leave the image": (
        "RESIZE_BILINEAR", [shaped(1, 100, 1, 1, like=IMAGE), numbers([2950, 1])], [shaped(1, 2950, 1, 1, like=IMAGE)],
        "ResizeBilinearOptions", (), "inside the image",
    ),
    "another size": (
        "RESIZE_NEAREST_NEIGHBOR", [IMAGE, numbers([5, 4])], [IMAGE], "ResizeNearestNeighborOptions", (), "given size",
    ),
    "scores of another scale": ("LOGISTIC", [Q], [Q], None, (), "1/256"),
    "a tangent of another scale": ("TANH", [Q], [replace(Q, zero_points=[0])], None, (), "1/128"),
    "a tangent of int16 in other steps": ("TANH", [WIDE], [WIDE], None, (), "2^-15"),
    "RELU of floats": ("RELU", [FLOAT], [FLOAT], None, (), "int8 or int16"),
    "RELU_N1_TO_1 of int16": ("RELU_N1_TO_1", [WIDE], [WIDE], None, (), "int8"),
    "ELU of int16": ("ELU", [WIDE], [WIDE], None, (), "int8"),
    "EXP of int16": ("EXP", [WIDE], [WIDE], None, (), "int8"),
    "LOG of floats": ("LOG", [FLOAT], [FLOAT], None, (), "int8"),
    "ABS of int16": ("ABS", [WIDE], [WIDE], None, (), "int8"),
    "logarithms of another scale": ("LOG_SOFTMAX", [Q], [Q], None, (), "1/16"),
    "logits of a scale that is too fine": (
        "LOG_SOFTMAX", [replace(Q, scales=[2.0**-26])], [replace(Q, scales=[1 / 16], zero_points=[127])], None, (),
        "2^-26",
    ),
    "lengths of another scale": ("L2_NORMALIZATION", [Q], [Q], "L2NormOptions", NONE, "1/128"),
    "lengths with an activation": (
        "L2_NORMALIZATION", [Q], [Q], "L2NormOptions", (("fusedActivationFunction", 1),), "NONE",
    ),
    "values compared in whole steps": (
        "GREATER", [replace(Q, scales=[1.0]), Q], [replace(Q, dtype="bool", scales=None)], None, (), "below 1",
    ),
    "a comparison of int16": ("LESS", [WIDE, WIDE], [replace(WIDE, dtype="bool", scales=None)], None, (), "int8"),
    "a choice of two scales": ("SELECT_V2", [replace(Q, dtype="bool", scales=None), Q, ELSE], [Q], None, (), "scale"),
    "GELU without options": ("GELU", [Q], [Q], None, (), "options"),
    "HARD_SWISH to a scale that is too fine": ("HARD_SWISH", [Q], [replace(Q, scales=[0.5 / 256])], None, (), "1/128"),
    "a root of negative numbers": ("RSQRT", [Q], [Q], None, (), "negative"),
    "an operand and no result of one shape": ("ELU", [Q], [shaped(24)], None, (), "one shape"),
    "int32 to int8": ("QUANTIZE", [replace(Q, dtype="int32")], [Q], None, (), "float32, int8 or int16"),
    "int8 to int32": ("QUANTIZE", [Q], [replace(Q, dtype="int32")], None, (), "to int8 or int16"),
    "to float16": ("DEQUANTIZE", [Q], [Operand([4, 6], "float16")], None, (), "float32"),
    "a constant number outside the table": (
        "GATHER", [Q, numbers([0, 4])], [shaped(2, 6)], "GatherOptions", (("axis", 0),), "0 to 3",
    ),
    "numbers of int64": (
        "GATHER", [Q, replace(PLACES, dtype="int64")], [shaped(3, 6)], "GatherOptions", (("axis", 0),), "int32",
    ),
    "a table that becomes floats": ("EMBEDDING_LOOKUP", [PLACES, Q], [Operand([3, 6], "float32")], None, (), "dtype"),
    "a rank of floats": ("ARG_MAX", [FLOAT, numbers([1])], [Operand([4], "int32")], "ArgMaxOptions", (), "int8"),
    "an axis too many": ("ARG_MIN", [Q, numbers([2])], [Operand([4], "int32")], "ArgMinOptions", (), "axis"),
    "an operator without a kernel": ("CUMSUM", [Q, numbers(0)], [Q], None, (), "has a kernel"),
}  # fmt: skip
"""By what is wrong: an operator, its operands and results, its options, and a word of the rule."""


@pytest.mark.parametrize("wrong", REFUSED)
def test_names_the_rule_and_the_operator(wrong: str) -> None:
    name, operands, results, options, fields, rule = REFUSED[wrong]
    with pytest.raises(Refused, match=f"{name} .operator 0") as caught:
        lowered(name, [*operands], [*results], options, fields)
    assert rule in caught.value.finding.rule
    assert "Traceback" not in str(caught.value)


def lowered(name: str, operands: list[Operand], results: list[Operand], options: str | None, fields: object) -> Lowered:
    everything = [*operands, *results]
    taken = list(range(len(operands)))
    made = list(range(len(operands), len(everything)))
    call = Call(name, taken, made, options, fields)
    inputs = [place for place in taken if operands[place].values is None]
    return lower(Site(operator_model(everything, [call], inputs, made).graphs[0], 0))


def test_every_operator_of_the_table_has_an_oracle() -> None:
    told = {row.operator for row in ORACLES}
    assert told == set(operators())
    assert {row[0] for row in REFUSED.values()} <= told | {"CUMSUM"}
    pairs = [(row.operator, dtype) for row in ORACLES for dtype in row.dtypes]
    assert len(pairs) == len(set(pairs)), "one oracle for an operator and a dtype"
