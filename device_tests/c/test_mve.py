"""Exported C with Helium, on an emulated Cortex-M55: the same bytes as the portable kernels on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_layers import DRAWN, Layer, drawn_layers, model_of_layers
from exported_c import compiled
from layer_firmware import CORTEX_M55, said_by, tools
from operator_models import Operand
from random_products import random_model
from real_data import DATA, MISSING

from edgekit import tflite

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _tools() -> None:
    tools()


@pytest.mark.parametrize("seed", range(6))
def test_random_layers(seed: int, tmp_path: Path) -> None:
    layers = drawn_layers(seed, 8 * len(DRAWN))
    said = said_by(CORTEX_M55, compiled(model_of_layers(layers), tmp_path), tmp_path)
    wrong = {int(line.split()[1]) for line in said if line.startswith("differs")}
    assert not wrong, [layers[place] for place in sorted(wrong)]
    assert said == ["samples 3"]


def test_an_image_so_wide_that_vectors_cannot_say_where_its_columns_lie(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    taps, shape = random.integers(-128, 127, (1, 1, 3, 2)), (1, 1, 9500, 2)
    x, y = Operand(shape, scales=[0.1], zero_points=[7]), Operand(shape, scales=[0.4], zero_points=[-5])
    weights = Operand((1, 1, 3, 2), scales=[0.01], axis=3, values=taps)
    bias = Operand((2,), "int32", values=[100, -200])
    fields = {"strideH": 1, "strideW": 1, "padding": 0, "depthMultiplier": 1}
    fields |= {"dilationHFactor": 1, "dilationWFactor": 1}
    layer = Layer("DEPTHWISE_CONV_2D", [x, weights, bias, y], "DepthwiseConv2DOptions", fields)
    assert said_by(CORTEX_M55, compiled(model_of_layers([layer]), tmp_path), tmp_path) == ["samples 3"]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["LSTM"])
def test_random_layers_that_are_products(kind: str, seed: int, tmp_path: Path) -> None:
    made = compiled(random_model([kind] * 12, "int8", seed), tmp_path)
    assert said_by(CORTEX_M55, made, tmp_path) == ["samples 3"]


@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
@pytest.mark.parametrize("path", ["kws/kws_ref_model_int8.tflite", "ic/pretrainedResnet_quant.tflite"])
def test_published_models(path: str, tmp_path: Path) -> None:
    made = compiled(tflite.read(DATA / "models" / path), tmp_path)
    assert said_by(CORTEX_M55, made, tmp_path) == ["samples 3"]
