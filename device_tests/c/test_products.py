"""Kernels that multiply, pool or add up, against TFLite Micro, to the bit: random layers, poisoned memory, overlaps."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exported_c import Compiled, built, compiled, differing, drawn_inputs, missing
from random_products import KINDS, Sketch, add, random_model, softmax, windowed_layer

from edgekit import tflite
from edgekit.tensors import Array
from edgekit_converters.c.firmware import Firmware, firmware_of
from edgekit_converters.c.planning.arena import ALIGNMENT, Arena, planned
from edgekit_converters.c.planning.lifetimes import lives_of

LAYERS = 12
"""In one model, of one kind: one compiler and one interpreter for all."""
SAMPLES = 3
BYTES_ONLY = ("ADD", "LSTM")
CASES = [(kind, dtype) for kind in KINDS for dtype in ("int8", "int16") if dtype == "int8" or kind not in BYTES_ONLY]
OVERLAPS = [
    ("CONV_2D", 3, 1, "SAME", 8), ("CONV_2D", 3, 2, "SAME", 16), ("CONV_2D", 1, 1, "VALID", 4),
    ("CONV_2D", 2, 1, "VALID", 8), ("DEPTHWISE_CONV_2D", 3, 1, "SAME", 8), ("DEPTHWISE_CONV_2D", 3, 1, "SAME", 4),
    ("AVERAGE_POOL_2D", 3, 1, "SAME", 4), ("MAX_POOL_2D", 3, 1, "SAME", 4),
]  # fmt: skip
"""Operator, filter, stride, padding and channels of the result, on an image of 8 x 8 x 4."""
SEED = int(os.environ.get("SEED", "0"))


@pytest.fixture(autouse=True)
def _compiler() -> None:
    reason = missing()
    if reason:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def stored(model: tflite.Model, folder: Path) -> tflite.Model:
    """The model from a file: interpreters run files."""
    path = folder / "model.tflite"
    path.write_bytes(model.content)
    return tflite.read(path)


def samples(firmware: Firmware) -> list[list[Array]]:
    random = np.random.default_rng(1)
    return [drawn_inputs(firmware.inputs, random) for _ in range(SAMPLES)]


def answers(made: Compiled, fill: int) -> list[bytes]:
    return [result.tobytes() for sample in samples(made.firmware) for result in made.run(sample, fill=fill)]


@pytest.mark.parametrize(("kind", "dtype"), CASES)
def test_random_layers_equal_the_interpreter_to_the_bit(kind: str, dtype: str, tmp_path: Path) -> None:
    made = compiled(stored(random_model([kind] * LAYERS, dtype, SEED), tmp_path), tmp_path)
    drawn = samples(made.firmware)
    assert differing(made, drawn) == 0
    results = [made.run(sample) for sample in drawn]
    varied = [len(np.unique(np.concatenate([a[i].reshape(-1) for a in results]))) for i in range(LAYERS)]
    assert np.mean([number > 2 for number in varied]) >= 0.5, f"results that are more than limits: {varied}"


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_plans_with_and_without_overlaps_give_the_same(dtype: str, tmp_path: Path) -> None:
    """Whatever the memory held before."""
    sketch = Sketch(np.random.default_rng(SEED), dtype)
    for kind, *numbers in OVERLAPS[:5]:
        windowed_layer(sketch, kind, [1, 13, 11, 4], *numbers)
    firmware = firmware_of(sketch.model(), "net")
    apart = replace(firmware.program, steps=tuple(replace(step, overlaps=()) for step in firmware.program.steps))
    without = replace(firmware, program=apart, arena=planned(lives_of(apart)))
    assert firmware.arena.size < without.arena.size
    one, other = (built(plan, tmp_path / f"{n}") for n, plan in enumerate((firmware, without)))
    wanted = answers(other, 0)
    assert all(answers(made, fill) == wanted for made in (one, other) for fill in (0, 0x55, 0xFF))


def lying(firmware: Firmware, short: int) -> Firmware:
    """The plan in which a layer's result lies on its input as far as it may, and `short` bytes further."""
    (step,) = firmware.program.steps
    (overlap,) = step.overlaps[:1]
    distance, sizes = overlap.distance - short, firmware.program.sizes
    assert distance % ALIGNMENT == 0
    x, y = max(distance, 0), max(-distance, 0)
    size = max(x + sizes[overlap.input], y + sizes[overlap.output])
    assert size < sizes[overlap.input] + sizes[overlap.output], "the two share bytes"
    offsets = {overlap.input: x, overlap.output: y}
    for other in set(step.inputs) - {overlap.input}:
        offsets[other], size = size, size + sizes[other]
    return replace(firmware, arena=Arena(offsets, size, size))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize(("kind", "filters", "stride", "padding", "channels"), OVERLAPS)
def test_a_result_lies_on_its_input_as_far_as_the_loops_allow_and_no_row_further(
    kind: str, filters: int, stride: int, padding: str, channels: int, dtype: str, tmp_path: Path
) -> None:
    sketch = Sketch(np.random.default_rng(SEED), dtype)
    windowed_layer(sketch, kind, [1, 8, 8, 4], filters, stride, padding, channels)
    firmware = firmware_of(sketch.model(), "net")
    row = firmware.program.sizes[firmware.program.outputs[0]] // firmware.outputs[0].shape[1]
    # With the DSP extension some layers make two rows at once: plain C then bears one row more.
    together = firmware.program.steps[0].layer.get("rows_together", 1)
    assert isinstance(together, int)
    told(firmware, row * together, tmp_path)


@pytest.mark.parametrize(("layer", "dtype"), [(add, "int8"), (softmax, "int8"), (softmax, "int16")])
def test_a_result_takes_its_inputs_place_and_lies_no_word_behind_it(
    layer: Callable[[Sketch, list[int]], None], dtype: str, tmp_path: Path
) -> None:
    sketch = Sketch(np.random.default_rng(SEED), dtype)
    layer(sketch, [3, 16])
    told(firmware_of(sketch.model(), "net"), ALIGNMENT, tmp_path)


def told(firmware: Firmware, row: int, tmp_path: Path) -> None:
    """An overlap changes nothing, and one of so many bytes more does."""
    apart, lies, too_far = (
        built(plan, tmp_path / f"{n}")
        for n, plan in enumerate((firmware, lying(firmware, 0), lying(firmware, row)))
    )  # fmt: skip
    wanted = answers(apart, 0)
    assert answers(lies, 0xAA) == wanted
    assert answers(too_far, 0xAA) != wanted
