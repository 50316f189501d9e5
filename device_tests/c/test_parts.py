"""Exported C of single layers, which holds few of its kernels' optional parts: no warning, and the bytes of plain C."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from drawn_layers import DRAWN, model_of_layers
from exported_c import compiled
from layer_firmware import CORTEX_M4, said_by, tools
from numpy.random import default_rng
from random_products import random_model

pytestmark = pytest.mark.slow

CLANG = (
    "clang --target=arm-none-eabi -mcpu=cortex-m4 -mthumb -isystem /usr/lib/arm-none-eabi/include -fsyntax-only".split()
)
STRICT = "-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror".split()
KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_alone(kind: str, seed: int, tmp_path: Path) -> None:
    tools()
    layer = DRAWN[kind](default_rng(100 + seed))
    assert said_by(CORTEX_M4, compiled(model_of_layers([layer]), tmp_path), tmp_path) == ["samples 3"], layer


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_clang_finds_no_function_that_nothing_calls(kind: str, dtype: str, seed: int, tmp_path: Path) -> None:
    if shutil.which("clang") is None:
        reason = "missing: clang; apt-get install clang libnewlib-arm-none-eabi"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    compiled(random_model([kind], dtype, seed), tmp_path)
    done = subprocess.run([*CLANG, *STRICT, tmp_path / "net.c"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
