"""Damaged and unusual models: refused, or code that breaks no rule of C and equals the interpreter."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from exported_c import drawn_inputs, missing
from operator_models import Call, Operand, operator_model

from edgekit import sandbox, tflite
from edgekit.errors import ModelError, RuntimeFailed
from edgekit.golden import Golden
from edgekit.runtimes import load_runtime
from edgekit.tensors import Array
from edgekit.tflite.writing import opened, packed
from edgekit_converters.c.files import files
from edgekit_converters.c.firmware import firmware_of

MUTANTS = 200
SAMPLES = 2
FLAGS = ("-std=gnu11", "-O0", "-g1", "-ffp-contract=off", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
Mutation = Callable[[Any, np.random.Generator], None]


def network() -> bytes:
    """A convolution, a depthwise one, an addition, pooling, a dense layer and a softmax, on 6 x 5 pixels."""
    random = np.random.default_rng(1)

    def weights(*shape: int) -> Any:
        return random.integers(-127, 128, shape, np.int8)

    def biases(count: int) -> Any:
        return random.integers(-2000, 2000, count, np.int32)

    operands = [
        Operand((1, 6, 5, 3), scales=(0.02,), zero_points=(3,)),
        Operand((4, 3, 3, 3), scales=(0.004, 0.005, 0.003, 0.006), values=weights(4, 3, 3, 3)),
        Operand((4,), "int32", scales=(0.00008, 0.0001, 0.00006, 0.00012), values=biases(4)),
        Operand((1, 6, 5, 4), scales=(0.03,), zero_points=(-11,)),
        Operand((1, 3, 3, 4), scales=(0.01, 0.02, 0.015, 0.012), axis=3, values=weights(1, 3, 3, 4)),
        Operand((4,), "int32", scales=(0.0003, 0.0006, 0.00045, 0.00036), values=biases(4)),
        Operand((1, 6, 5, 4), scales=(0.05,), zero_points=(7,)),
        Operand((1, 6, 5, 4), scales=(0.06,), zero_points=(-1,)),
        Operand((1, 3, 2, 4), scales=(0.06,), zero_points=(-1,)),
        Operand((2,), "int32", values=[1, 24]),
        Operand((1, 24), scales=(0.06,), zero_points=(-1,)),
        Operand((5, 24), scales=(0.01,), values=weights(5, 24)),
        Operand((5,), "int32", scales=(0.0006,), values=biases(5)),
        Operand((1, 5), scales=(0.2,), zero_points=(4,)),
        Operand((1, 5), scales=(1 / 256,), zero_points=(-128,)),
    ]
    same = {"padding": schema.Padding.SAME, "strideH": 1, "strideW": 1}
    dilated = {**same, "dilationHFactor": 1, "dilationWFactor": 1}
    relu = schema.ActivationFunctionType.RELU
    calls = [
        Call("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", {**dilated, "fusedActivationFunction": relu}),
        Call("DEPTHWISE_CONV_2D", (3, 4, 5), (6,), "DepthwiseConv2DOptions", {**dilated, "depthMultiplier": 1}),
        Call("ADD", (3, 6), (7,), "AddOptions"),
        Call(
            "MAX_POOL_2D", (7,), (8,), "Pool2DOptions",
            {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": schema.Padding.VALID},
        ),
        Call("RESHAPE", (8, 9), (10,), "ReshapeOptions", {"newShape": [1, 24]}),
        Call("FULLY_CONNECTED", (10, 11, 12), (13,), "FullyConnectedOptions"),
        Call("SOFTMAX", (13,), (14,), "SoftmaxOptions", {"beta": 1.0}),
    ]  # fmt: skip
    return operator_model(operands, calls, (0,), (14,)).content


def pieces() -> bytes:
    """Tensors of uint8 that are joined, split and joined again, for which TFLite Micro has no kernels."""
    shapes = ((2, 3), (2, 5), (2, 10), (2, 5), (2, 5), (4, 5))
    tensors = [Operand(shape, "uint8", (0.02,), (3,)) for shape in shapes]
    stored = Operand((2, 2), "uint8", (0.02,), (3,), values=[[0, 255], [7, 3]])
    calls = [
        Call("CONCATENATION", (0, 6, 1), (2,), "ConcatenationOptions", {"axis": 1}),
        Call("SPLIT", (7, 2), (3, 4), "SplitOptions", {"numSplits": 2}),
        Call("CONCATENATION", (3, 4), (5,), "ConcatenationOptions", {"axis": 0}),
    ]
    return operator_model([*tensors, stored, Operand((), "int32", values=1)], calls, (0, 1), (5,)).content


NETWORKS: dict[str, tuple[Callable[[], bytes], int]] = {"layers": (network, 50), "pieces": (pieces, 25)}
"""Networks, and of how many mutants there is code: what only moves values has one scale, so that most are refused."""


def _tensor(model: Any, random: np.random.Generator) -> Any:
    tensors = model.subgraphs[0].tensors
    return tensors[int(random.integers(len(tensors)))]


def _operator(model: Any, random: np.random.Generator) -> Any:
    operators = model.subgraphs[0].operators
    return operators[int(random.integers(len(operators)))]


def other_scale(model: Any, random: np.random.Generator) -> None:
    tensor = _tensor(model, random)
    if tensor.quantization is not None and tensor.quantization.scale is not None:
        factor = random.choice([0.0, -1.0, 1e-12, 0.3, 1.7, 5.0, 1e6, np.nan, np.inf])
        tensor.quantization.scale = (tensor.quantization.scale * factor).astype(np.float32)


def other_zero_point(model: Any, random: np.random.Generator) -> None:
    tensor = _tensor(model, random)
    if tensor.quantization is not None and tensor.quantization.zeroPoint is not None:
        tensor.quantization.zeroPoint = tensor.quantization.zeroPoint + int(random.integers(-200, 200))


def other_dimension(model: Any, random: np.random.Generator) -> None:
    tensor = _tensor(model, random)
    if len(tensor.shape) == 0:
        return
    place = int(random.integers(len(tensor.shape)))
    tensor.shape = np.array(tensor.shape)
    tensor.shape[place] = int(random.choice([0, 1, 2, 3, 7, 64, 100000]))


def other_dtype(model: Any, random: np.random.Generator) -> None:
    _tensor(model, random).type = int(random.integers(0, 18))


def other_operand(model: Any, random: np.random.Generator) -> None:
    operator = _operator(model, random)
    place = int(random.integers(len(operator.inputs)))
    operator.inputs = np.array(operator.inputs)
    operator.inputs[place] = int(random.integers(-1, len(model.subgraphs[0].tensors)))


def fewer_operands(model: Any, random: np.random.Generator) -> None:
    operator = _operator(model, random)
    operator.inputs = operator.inputs[: int(random.integers(0, len(operator.inputs)))]


def other_option(model: Any, random: np.random.Generator) -> None:
    options = _operator(model, random).builtinOptions
    names = [name for name, value in vars(options).items() if isinstance(value, int)] if options else []
    if names:
        setattr(options, str(random.choice(names)), int(random.choice([-1, 0, 1, 2, 3, 5, 1000])))


def other_values(model: Any, random: np.random.Generator) -> None:
    buffers = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
    buffer = buffers[int(random.integers(len(buffers)))]
    buffer.data = random.integers(0, 256, len(buffer.data), np.uint8)


def other_length(model: Any, random: np.random.Generator) -> None:
    buffers = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
    buffer = buffers[int(random.integers(len(buffers)))]
    buffer.data = buffer.data[: int(random.integers(len(buffer.data)))]


def other_operator(model: Any, random: np.random.Generator) -> None:
    code = model.operatorCodes[int(random.integers(len(model.operatorCodes)))]
    code.builtinCode = int(random.integers(0, 150))
    code.deprecatedBuiltinCode = min(127, code.builtinCode)


def other_axis(model: Any, random: np.random.Generator) -> None:
    tensor = _tensor(model, random)
    if tensor.quantization is not None:
        tensor.quantization.quantizedDimension = int(random.integers(-2, 6))


def other_order(model: Any, random: np.random.Generator) -> None:
    operators = model.subgraphs[0].operators
    first, second = (int(place) for place in random.choice(len(operators), 2, replace=False))
    operators[first], operators[second] = operators[second], operators[first]


MUTATIONS: tuple[Mutation, ...] = (
    other_scale, other_scale, other_zero_point, other_zero_point, other_dimension, other_dtype, other_operand,
    fewer_operands, other_option, other_values, other_values, other_values, other_values, other_length, other_operator,
    other_axis, other_order,
)  # fmt: skip
"""Those that leave a model whole stand several times."""


def mutants(original: bytes) -> list[tuple[str, bytes]]:
    """Mutants that the reader takes, each with what was done to it."""
    found: list[tuple[str, bytes]] = []
    seed = 0
    while len(found) < MUTANTS:
        seed += 1
        random = np.random.default_rng(seed)
        model = opened(original)
        done = [MUTATIONS[int(random.integers(len(MUTATIONS)))] for _ in range(int(random.integers(1, 3)))]
        for mutation in done:
            mutation(model, random)
        try:
            content = packed(model)
            tflite.read(content)
        except (ModelError, TypeError, ValueError, OverflowError, AttributeError):
            continue  # the packer or the reader refuses it: no model comes in
        found.append((" and ".join(mutation.__name__ for mutation in done), content))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_mutants_are_refused_or_computed_as_an_interpreter_does(name: str, tmp_path: Path) -> None:
    original, least = NETWORKS[name]
    reason = missing()
    if reason:
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    outcome: Counter[str] = Counter()
    random, names = np.random.default_rng(0), []
    with sandbox.kept_warm():
        for number, (done, content) in enumerate(mutants(original())):
            (path := tmp_path / "mutant.tflite").write_bytes(content)
            model = tflite.read(path)
            try:
                firmware = firmware_of(model, f"net{number}")
            except ModelError:
                outcome["refused"] += 1
                continue
            outcome["generated"] += 1
            inputs = [drawn_inputs(firmware.inputs, random) for _ in range(SAMPLES)]
            try:
                answers = _answers(model, inputs)
            except RuntimeFailed as error:
                outcome[f"generated, refused by the interpreter: {done}: {error.received}"] += 1
                continue
            golden = Golden(
                tuple(np.stack(several) for several in zip(*inputs, strict=True)),
                tuple(np.stack(several) for several in zip(*answers, strict=True)),
                done,
                (),
            )
            names.append((firmware.name, done))
            for name, text in files(firmware, golden).items():
                (tmp_path / name).write_text(text, encoding="utf-8")
    assert outcome["generated"] >= least, outcome
    assert sum(key.startswith("generated, ") for key in outcome) <= outcome["generated"] / 5, outcome
    assert not (found := _differing(tmp_path, names)), "\n".join(found)


def _answers(model: tflite.Model, inputs: list[list[Array]]) -> list[list[Array]]:
    """What TFLite Micro says; tflite-runtime's reference kernels where it refuses the model.

    Raises:
        RuntimeFailed: Both do.
    """
    try:
        with load_runtime("tflm").open(model) as session:  # type: ignore[attr-defined]
            return [session.run(sample, fresh=True) for sample in inputs]
    except RuntimeFailed:
        with load_runtime("tflite_runtime").open(model, kernels="reference") as session:  # type: ignore[attr-defined]
            return [session.run(sample, fresh=True) for sample in inputs]


def _differing(folder: Path, names: list[tuple[str, str]]) -> list[str]:
    """Which of them do not come out as the interpreter answered, in one program under the sanitizers."""
    lines = ["#include <stdio.h>", "#include <stdlib.h>"]
    lines += [f'#include "{name}{part}.c"' for name, _ in names for part in ("", "_selftest")]
    lines += ["int main(void) {"]
    for name, _ in names:
        # Of exactly its size: one byte beyond is seen.
        size = f"{name.upper()}_ARENA_BYTES"
        lines += [
            f"    {{ void *arena = aligned_alloc(16, ({size} + 15) / 16 * 16);",
            f'      if ({name}_selftest(arena, {size}) != 0) {{ puts("{name}"); }}',
            "      free(arena); }",
        ]
    (folder / "main.c").write_text("\n".join([*lines, "    return 0;", "}"]) + "\n", encoding="utf-8")
    program = folder / "mutants"
    subprocess.run(["gcc", *FLAGS, "-w", "-o", program, folder / "main.c"], check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    what = dict(names)
    return [f"{name}: {what[name]}" for name in done.stdout.split()]
