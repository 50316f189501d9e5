"""Exported C with the DSP extension, on emulated Cortex-M4 and M7: the bytes of the portable kernels here."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_layers import DRAWN, drawn_layers, model_of_layers
from exported_c import compiled
from layer_firmware import CORTEX_M4, CORTEX_M7, Board, said_by, tools
from random_products import random_model
from real_data import DATA, MISSING

from edgekit import tflite

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


@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
@pytest.mark.parametrize("path", ["kws/kws_ref_model_int8.tflite", "ic/pretrainedResnet_quant.tflite"])
def test_published_models(path: str, tmp_path: Path) -> None:
    made = compiled(tflite.read(DATA / "models" / path), tmp_path)
    assert said_by(CORTEX_M4, made, tmp_path) == ["samples 3"]
