from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.tensors import Quant, TensorSpec, dequantize, quantize, random_input, travel_dtype

INT8 = TensorSpec("x", (1, 4), "int8", Quant((0.5,), (-3,)))
FLOAT = TensorSpec("x", (1, 4), "float32")
INT32 = TensorSpec("x", (1, 4), "int32")


def test_rounds_halves_away_from_zero_and_clips() -> None:
    x = np.array([0.25, -0.25, 0.75, -0.75, 0.24, np.nextafter(np.float32(0.25), np.float32(0)), 1e9, -1e9], np.float32)
    np.testing.assert_array_equal(quantize(x, INT8), np.array([-2, -4, -1, -5, -3, -3, 127, -128], np.int8))


def test_there_and_back() -> None:
    q = np.arange(-128, 128).astype(np.int8)
    real = dequantize(q, INT8)
    assert real.dtype == np.float32
    np.testing.assert_array_equal(quantize(real, INT8), q)
    np.testing.assert_array_equal(dequantize(q, FLOAT), q.astype(np.float32))


@pytest.mark.parametrize(
    ("given", "spec", "travels"),
    [
        ("float64", INT8, "float32"),
        ("int8", INT8, "int8"),
        ("float64", FLOAT, "float32"),
        ("uint8", FLOAT, "float32"),
        ("int64", INT32, "int32"),
    ],
)
def test_travel_dtype(given: str, spec: TensorSpec, travels: str) -> None:
    assert travel_dtype(np.zeros((2, 4), given), spec) == np.dtype(travels)


@pytest.mark.parametrize(("given", "spec"), [("uint8", INT8), ("int64", FLOAT), ("float32", INT32), ("str", FLOAT)])
def test_refuses_what_has_no_single_meaning(given: str, spec: TensorSpec) -> None:
    with pytest.raises(ModelError, match="must be"):
        travel_dtype(np.zeros((2, 4), given), spec)


def test_refuses_integers_that_do_not_fit() -> None:
    with pytest.raises(ModelError, match="Received: int64"):
        travel_dtype(np.full((1, 4), 1 << 40), INT32)


@pytest.mark.parametrize(("spec", "lowest", "highest"), [(INT8, -128, 127), (FLOAT, 0, 1), (INT32, 0, 0)])
def test_random_inputs_are_such_as_every_model_takes(spec: TensorSpec, lowest: int, highest: int) -> None:
    values = random_input(replace(spec, shape=(1, 4096)), np.random.default_rng(0))
    assert values.dtype == spec.dtype and values.shape == (1, 4096)
    assert values.min() >= lowest and values.max() <= highest
    assert float(values.max()) - float(values.min()) >= 0.9 * (highest - lowest)


def test_a_tensor_without_numbers_has_no_random_input() -> None:
    with pytest.raises(ModelError, match="consists of numbers.*str"):
        random_input(TensorSpec("words", (1, 4), "str"), np.random.default_rng(0))


@pytest.mark.parametrize("spec", [INT8, FLOAT, TensorSpec("x", (1, 4), "int8", Quant((1.0,), (0,)), (-1, 4))])
def test_a_spec_travels_as_json(spec: TensorSpec) -> None:
    assert TensorSpec.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec


def test_one_scale_per_channel_is_no_scale_of_the_tensor() -> None:
    spec = TensorSpec("kernel", (2, 4), "int8", Quant((0.5, 0.25), (0, 0), 0))
    assert spec.scale is None and spec.zero_point is None
