"""Whether a model fits a part: weights and arena exact, code estimated, what cannot be told left open."""

from __future__ import annotations

import pytest

from edgekit import tflite
from edgekit.pipeline.fitting import fit
from edgekit.runtimes import INT8_PROBE, PROBE
from edgekit.target import Target, load_target
from edgekit_converters.c.needs import needs_of

NEEDS = needs_of(tflite.read(INT8_PROBE))
FLASH = NEEDS.weights_bytes + NEEDS.code_bytes


def _target(**more: object) -> Target:
    return Target.model_validate({"name": "part", "description": "a part", "formats": ["int8"], **more})


def test_what_the_planner_tells() -> None:
    """Four weights each of four, four biases; four bytes in and four out."""
    assert NEEDS.weights_bytes >= 16 + 16 and 8 <= NEEDS.arena_bytes <= 64 and NEEDS.state_bytes == 0
    assert 300 < NEEDS.code_bytes < 6_000


@pytest.mark.parametrize(
    ("target", "fits"),
    [
        ({"flash_bytes": FLASH, "ram_bytes": NEEDS.arena_bytes}, True),
        ({"flash_bytes": FLASH - 1, "ram_bytes": NEEDS.arena_bytes}, False),
        ({"flash_bytes": FLASH, "ram_bytes": NEEDS.arena_bytes - 1}, False),
        ({"flash_bytes": FLASH}, None),
        ({}, None),
        ({"formats": ["float32"], "flash_bytes": FLASH, "ram_bytes": NEEDS.arena_bytes}, False),
    ],
)
def test_a_model_that_can_be_exported(target: dict[str, object], fits: bool | None) -> None:
    found = fit(tflite.read(INT8_PROBE), _target(**target))
    assert found.fits is fits and found.reason is None
    assert (found.weights_bytes, found.arena_bytes, found.code_bytes) == (
        NEEDS.weights_bytes,
        NEEDS.arena_bytes,
        NEEDS.code_bytes,
    )


@pytest.mark.parametrize(("flash", "fits"), [(100, False), (100_000, None)])
def test_a_model_that_cannot_be_exported_is_not_said_to_fit(flash: int, fits: bool | None) -> None:
    """Its file alone may be too large; that it is not says nothing of the rest."""
    found = fit(tflite.read(PROBE), _target(formats=["float32"], flash_bytes=flash, ram_bytes=10**9))
    assert found.fits is fits and found.arena_bytes is None and found.reason and "RELU" in found.reason


def test_the_command_that_measures_is_named() -> None:
    assert fit(tflite.read(INT8_PROBE), load_target("rp2040")).measure == (
        "edgekit benchmark MODEL --runtime cortex_m:cortex-m0"
    )
    assert fit(tflite.read(INT8_PROBE), load_target("esp32-s3")).measure is None  # nothing here emulates an Xtensa
