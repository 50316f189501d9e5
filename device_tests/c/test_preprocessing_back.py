"""The way back from a model's outputs in C, against Python; and what C must not be compiled with."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_preprocessing import header

from edgekit.data.preprocessing import Preprocessing
from edgekit.tensors import Array, Quant, TensorSpec, dequantize
from edgekit_converters.c.preprocessing import preprocess_sources
from edgekit_converters.preprocessing import stages_of

OUTPUTS = {
    "float32": TensorSpec("y", (1, 7), "float32"),
    "int8": TensorSpec("y", (1, 7), "int8", Quant((0.00390625,), (-128,))),
    "int8_odd": TensorSpec("y", (1, 7), "int8", Quant((0.123456789,), (77,))),
    "uint8": TensorSpec("y", (1, 7), "uint8", Quant((1.7,), (128,))),
    "int16": TensorSpec("y", (1, 7), "int16", Quant((3.0517578e-05,), (0,))),
    "int32": TensorSpec("y", (1, 7), "int32"),
    "int64": TensorSpec("y", (1, 7), "int64"),
}
PLACES = (
    (0, 0, 0, 0, 0, 0, 0), (1, 2, 3, 3, 2, 1, 0), (3, 1, 2, 3, 0, 0, 0), (-5, -4, -3, -2, -1, -1, -2),
    (0, 0, 0, 0, 0, 0, 1),
)  # fmt: skip
NANS = (
    (0, 1, np.nan, 2, np.nan, np.inf, 3), (np.nan,) * 7, (-np.inf, -np.inf, -1, 0, np.nan, 9, 9),
    (-0.0, 0.0, -1, 0, 0, 0, 0),
)  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """All outputs in one library, compiled as a host's compiler likes it least: contraction allowed."""
    _need_gcc()
    folder, given = tmp_path_factory.mktemp("back"), TensorSpec("x", (1, 4), "float32")
    stages, texts = stages_of(Preprocessing(), (4,)), []
    for name, spec in OUTPUTS.items():
        made = preprocess_sources(f"of_{name}", stages, given, [spec], classifies=True)
        (folder / f"of_{name}.h").write_text(header(f"of_{name}", made.header))
        texts.append(made.source)
    (folder / "back.c").write_text("\n".join(texts))
    command = ["gcc", "-std=gnu11", "-O3", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "back.c", "-o", "back.so"]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return ctypes.CDLL(str(folder / "back.so"))


def _need_gcc() -> None:
    if shutil.which("gcc") is None:
        reason = "gcc is not installed: apt-get install gcc"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def _values(spec: TensorSpec) -> Array:
    if spec.dtype == "float32":
        return np.array([0.0, -0.0, 1.5, np.nan, np.inf, -np.inf, 1e-45, 3e38], np.float32)
    limits = np.iinfo(spec.dtype)
    step = max(1, (limits.max - limits.min) // 4096)
    return np.array([*range(limits.min, limits.max, step), limits.max], spec.dtype)


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_becomes_the_real_value_that_python_has(name: str, library: ctypes.CDLL) -> None:
    spec = OUTPUTS[name]
    values, function = _values(spec), library[f"of_{name}_dequantize_output_0"]
    function.restype, function.argtypes = ctypes.c_float, [np.ctypeslib.as_ctypes_type(values.dtype)]
    found = np.array([function(value.item()) for value in values], np.float32)
    np.testing.assert_array_equal(found, dequantize(values, spec))


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_best_score_is_the_first_of_equals(name: str, library: ctypes.CDLL) -> None:
    dtype, function = OUTPUTS[name].dtype, library[f"of_{name}_top1"]
    function.restype = ctypes.c_size_t
    kinds = [*PLACES, *(NANS if dtype == "float32" else ())]
    for scores in (np.array(kind).astype(dtype) for kind in kinds if dtype != "uint8" or min(kind) >= 0):
        assert function(scores.ctypes.data_as(ctypes.c_void_p)) == scores.argmax()


@pytest.mark.parametrize("flag", ["-ffast-math", "-ffinite-math-only", "-Ofast"])
def test_arithmetic_that_is_not_ieee_is_refused(flag: str, tmp_path: Path) -> None:
    _need_gcc()
    made = preprocess_sources("net", stages_of(Preprocessing(), (4,)), TensorSpec("x", (1, 4), "float32"))
    (tmp_path / "net.h").write_text(header("net", made.header))
    (tmp_path / "net.c").write_text(made.source)
    ended = subprocess.run(["gcc", flag, "-c", "net.c"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode != 0 and "without -ffast-math" in ended.stderr
