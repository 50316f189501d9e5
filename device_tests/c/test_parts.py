"""Exported C of single layers, which holds few of its kernels' optional parts: no warning, and the bytes of plain C."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_layers import DRAWN, model_of_layers
from exported_c import compiled
from layer_firmware import CORTEX_M4, said_by, tools
from numpy.random import default_rng

pytestmark = pytest.mark.slow

KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_alone(kind: str, seed: int, tmp_path: Path) -> None:
    tools()
    layer = DRAWN[kind](default_rng(100 + seed))
    assert said_by(CORTEX_M4, compiled(model_of_layers([layer]), tmp_path), tmp_path) == ["samples 3"], layer
