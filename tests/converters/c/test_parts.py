"""Optional parts of kernels' texts: exported C has those that its model needs, and no other."""

from __future__ import annotations

import re
from importlib import resources
from itertools import product

import numpy as np
import pytest
from operator_models import Call, Operand, operator_model

from edgekit import tflite
from edgekit_converters.c import kernels
from edgekit_converters.c.emission.source import source
from edgekit_converters.c.emission.texts import kernel_texts
from edgekit_converters.c.firmware import firmware_of
from edgekit_converters.c.parts_dsp import parts_of_conv_2d, parts_of_depthwise_conv_2d, parts_of_fully_connected
from edgekit_converters.c.scratch_dsp import Planes
from edgekit_converters.c.steps import Step
from edgekit_converters.c.window import Window

WIDE = ("net_any_fours", "net_filter_words_of_four", "NET_ANY_SUMS")
SQUARES = ("net_square_of", "net_squares_of", "NET_SQUARE_FIRST")
LONG = ("net_results_any", "net_result_of")


def depthwise(*sizes: int, scale: float = 0.2, stride: int = 1) -> tflite.Model:
    """A network of depthwise layers, one for each size of filters."""
    random = np.random.default_rng(0)
    operands, calls = [Operand((1, 16, 16, 8), scales=[0.05])], []
    for size in sizes:
        place, shape = len(operands) - 1, (1, size, size, 8)
        values = random.integers(-127, 127, shape, endpoint=True)
        operands += [
            Operand(shape, scales=[0.01], axis=3, values=values),
            Operand((8,), "int32", values=np.full(8, 100)),
            Operand((1, *[-(-n // stride) for n in operands[place].shape[1:3]], 8), scales=[scale]),
        ]
        fields = {"padding": 0, "strideH": stride, "strideW": stride, "depthMultiplier": 1}
        fields |= {"dilationHFactor": 1, "dilationWFactor": 1}
        inputs, output = [place, place + 1, place + 2], place + 3
        calls.append(Call("DEPTHWISE_CONV_2D", inputs, [output], "DepthwiseConv2DOptions", fields))
    return operator_model(operands, calls, [0], [len(operands) - 1])


def text_of(model: tflite.Model) -> str:
    return source(firmware_of(model, "net"))


@pytest.mark.parametrize(
    ("sizes", "there", "absent"),
    [
        ((3, 3), SQUARES, (*WIDE, *LONG)),
        ((5,), WIDE, (*SQUARES, *LONG)),
        ((7, 3), (*WIDE, *SQUARES), LONG),
    ],
    ids=["3 x 3", "5 x 5", "7 x 7 and 3 x 3"],
)
def test_depthwise_filters_bring_their_own_paths(
    sizes: tuple[int, ...], there: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    text = text_of(depthwise(*sizes))
    assert [name for name in there if name not in text] == []
    assert [name for name in absent if name in text] == []


def test_strides_bring_their_own_path() -> None:
    by_1, by_2 = text_of(depthwise(3)), text_of(depthwise(3, stride=2))
    assert "net_square_rows(" in by_1
    assert "net_square_row_by_2(" not in by_1
    assert "net_square_rows(" not in by_2
    assert "net_square_row_by_2(" in by_2


def test_factors_above_one_half_bring_the_long_way_of_scaling() -> None:
    assert "net_any_slowly" not in text_of(depthwise(5))
    assert "net_any_slowly" in text_of(depthwise(5, scale=0.0004))


@pytest.mark.parametrize("model", [depthwise(3), depthwise(5), depthwise(7, 3)])
def test_no_mark_of_a_part_is_written_out(model: tflite.Model) -> None:
    assert "NET_PART" not in text_of(model)


def test_a_step_that_names_no_parts_keeps_all() -> None:
    step = Step(0, "CONV_2D", "conv_2d", {}, (0,), (1,), needs=("fixed_point", "helium", "products"))
    whole = "\n".join(kernel_texts([step]))
    assert "EK_PART" not in whole
    for name in ("ek_conv_2d_scattered", "ek_conv_2d_gathered", "ek_products_of_one", "ek_results_any"):
        assert name in whole


def test_every_part_of_a_text_is_one_that_layers_ask_for() -> None:
    """The names in the texts are those that lowering knows: a misspelt one would never be written out."""
    asked: set[str] = set()
    for size, stride, dilation, depth, outputs, short in product(
        (1, 3, 5), (1, 2), (1, 2), (1, 2, 3, 8), (1, 12), (True, False)
    ):
        inputs = (outputs - 1) * stride + (size - 1) * dilation + 1
        window = Window(size, stride, dilation, 0, inputs, outputs)
        dsp = Planes(window, window, (depth, depth), short)
        for groups in (1, 2):
            asked |= parts_of_conv_2d(window, window, depth, groups, short)
        asked |= parts_of_depthwise_conv_2d(window, depth, dsp, short, clamps=False)
        asked |= parts_of_fully_connected(depth, outputs, short)
    texts = [file.read_text() for file in resources.files(kernels).iterdir() if file.name.endswith(".c")]
    assert set(re.findall(r"EK_PART_(\w+)", "\n".join(texts))) == asked


def test_no_two_texts_define_a_function_of_one_name() -> None:
    """Any of them may meet in one model; the paths of one kernel take each other's place."""
    places: dict[str, set[str]] = {}
    for path in resources.files(kernels).iterdir():
        if path.name.endswith(".c"):
            text = path.read_text(encoding="utf-8")
            for name in re.findall(r"^static [\w \*]*?\b(ek_\w+)\(", text, re.MULTILINE):
                places.setdefault(name, set()).add(re.sub(r"(_dsp|_mve)?\.c$", "", path.name))
    assert len(places) > 100
    assert {name: sorted(texts) for name, texts in places.items() if len(texts) > 1} == {}
