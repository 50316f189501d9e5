"""Exported C with the DSP extension, on emulated Cortex-M4 and M7: the bytes of the portable kernels here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawn_layers import DRAWN, drawn_layers, model_of_layers
from exported_c import compiled
from layer_firmware import CORTEX_M4, CORTEX_M7, Board, said_by, tools
from operator_models import Call, Operand, operator_model
from random_products import random_model
from real_data import DATA, MISSING

from edgekit import tflite
from edgekit.runtimes import load_runtime

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _tools() -> None:
    tools()


@pytest.mark.parametrize("seed", range(10, 18))
def test_random_layers(seed: int, tmp_path: Path) -> None:
    layers = drawn_layers(seed, 8 * len(DRAWN))
    said = said_by(CORTEX_M4, compiled(model_of_layers(layers), tmp_path), tmp_path)
    wrong = {int(line.split()[1]) for line in said if line.startswith("differs")}
    assert not wrong, [layers[place] for place in sorted(wrong)]
    assert said == ["samples 3"]


@pytest.mark.parametrize(
    ("board", "flags"),
    [
        (CORTEX_M7, ()),
        (CORTEX_M4, ("-O0",)),
        (CORTEX_M4, ("-Os",)),
        (CORTEX_M4, ("-O3", "-flto")),
        (CORTEX_M4, ("-mno-unaligned-access",)),
    ],
    ids=["cortex-m7", "O0", "Os", "O3-lto", "no-unaligned-access"],
)
def test_other_ways_to_compile(board: Board, flags: tuple[str, ...], tmp_path: Path) -> None:
    made = compiled(model_of_layers(drawn_layers(18, 8 * len(DRAWN))), tmp_path)
    assert said_by(board, made, tmp_path, *flags) == ["samples 3"]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["LSTM"])
def test_random_layers_that_are_products(kind: str, seed: int, tmp_path: Path) -> None:
    made = compiled(random_model([kind] * 12, "int8", seed), tmp_path)
    assert said_by(CORTEX_M4, made, tmp_path) == ["samples 3"]


@pytest.mark.parametrize("flags", [(), ("-O0",), ("-mno-unaligned-access",)], ids=["O2", "O0", "no-unaligned-access"])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_random_layers_of_int16(kind: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    made = compiled(random_model([kind] * 12, "int16", len(flags)), tmp_path)
    assert said_by(CORTEX_M4, made, tmp_path, *flags) == ["samples 3"]


@pytest.mark.parametrize("batches", [1, 6])
@pytest.mark.parametrize("value", [-32768, 32767])
def test_sums_of_int16_that_leave_32_bits(value: int, batches: int, tmp_path: Path) -> None:
    """Products of 1,203 values at their limits add up to 40 bits; a bias brings them back into view."""
    depth, channels = 1203, 5
    weights, x = np.full((channels, depth), -128), np.full((batches, depth), value, np.int16)
    bias = -value * -128 * depth + np.arange(channels) * 1_000_000
    operands = [
        Operand((batches, depth), "int16", [0.001], [0]),
        Operand((channels, depth), scales=[0.01], values=weights),
        Operand((channels,), "int64", values=bias),
        Operand((batches, channels), "int16", [0.01], [0]),
    ]
    path = tmp_path / "net.tflite"
    call = Call("FULLY_CONNECTED", [0, 1, 2], [3], "FullyConnectedOptions", {})
    path.write_bytes(operator_model(operands, [call], [0], [3]).content)
    with load_runtime("cortex_m:cortex-m4").open(tflite.read(path)) as session:  # type: ignore[attr-defined]
        (received,) = session.run([x], fresh=True)
    assert received.tolist() == [[0, 1000, 2000, 3000, 4000]] * batches


@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
@pytest.mark.parametrize("path", ["kws/kws_ref_model_int8.tflite", "ic/pretrainedResnet_quant.tflite"])
def test_published_models(path: str, tmp_path: Path) -> None:
    made = compiled(tflite.read(DATA / "models" / path), tmp_path)
    assert said_by(CORTEX_M4, made, tmp_path) == ["samples 3"]
