from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interpreters import need
from operator_models import Call, Operand, Section, model_of

from edgekit import _tf
from edgekit.errors import ModelError, RuntimeFailed
from edgekit.runtimes import load_runtime
from edgekit.runtimes._tflm import smallest_arena
from edgekit.runtimes.tflm import RUNTIME

SHAPE = [1, 8, 8, 3]
REAL, ROW = Operand([], "float32"), Operand([3], "float32")
ADDING = ("AddOptions", (("fusedActivationFunction", 0),))

# What a firmware would do, in a process of its own: nothing of EdgeKit's.
ONE_RUN = """
import sys, numpy as np
from tflite_micro.python.tflite_micro import runtime
model = runtime.Interpreter.from_file(sys.argv[1], arena_size=int(sys.argv[2]))
detail = model.get_input_details(0)
model.set_input(np.ones(detail["shape"], detail["dtype"]), 0)
model.invoke()
model.get_output(0)
"""


@pytest.fixture(scope="module", autouse=True)
def _available() -> None:
    reason = RUNTIME.probe()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutions, a depthwise one, mean, dense and softmax; full int8."""
    rng = np.random.default_rng(0)
    first, depthwise = rng.normal(size=(3, 3, 3, 16)), rng.normal(size=(3, 3, 16, 1))
    second, dense = rng.normal(size=(1, 1, 16, 24)), 0.1 * rng.normal(size=(24, 10))

    def network(x: Any) -> Any:
        tf = _tf.tensorflow()
        x = tf.nn.relu(tf.nn.conv2d(x, first.astype(np.float32), 2, "SAME"))
        x = tf.nn.relu6(tf.nn.depthwise_conv2d(x, depthwise.astype(np.float32), [1, 1, 1, 1], "SAME"))
        x = tf.nn.relu(tf.nn.conv2d(x, second.astype(np.float32), 1, "SAME"))
        return tf.nn.softmax(tf.reduce_mean(x, [1, 2]) @ dense.astype(np.float32))

    samples = [[rng.normal(size=SHAPE).astype(np.float32)] for _ in range(8)]
    path = tmp_path_factory.mktemp("tflm") / "int8.tflite"
    path.write_bytes(converted(network, SHAPE, samples=samples))
    return path


def converted(
    function: Callable[[Any], Any],
    shape: list[int | None],
    *,
    samples: list[list[Any]] | None = None,
    custom: bool = False,
) -> bytes:
    tf = _tf.tensorflow()
    concrete = tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32)]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.allow_custom_ops = custom
    if samples:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with _tf.captured_output():
        return bytes(converter.convert())


@pytest.mark.parametrize("other", ["tflite_runtime", "litert"])
def test_equals_reference_kernels_bit_for_bit(int8: Path, other: str) -> None:
    need(other)
    reference = load_runtime(other)
    x = np.random.default_rng(1).integers(-128, 128, (20, *SHAPE), np.int8)
    with RUNTIME.open(int8) as ours, reference.open(int8, kernels="reference") as theirs:
        assert (ours.inputs, ours.outputs) == (theirs.inputs, theirs.outputs)
        answers = [ours.run([one])[0] for one in x]
        for one, answer in zip(x, answers, strict=True):
            np.testing.assert_array_equal(answer, theirs.run([one])[0])
    assert len({answer.tobytes() for answer in answers}) > 10  # the inputs do matter


def test_many_samples_one_at_a_time(int8: Path) -> None:
    x = np.random.default_rng(2).normal(size=(5, *SHAPE[1:])).astype(np.float32)
    with RUNTIME.open(int8) as ours, load_runtime("litert").open(int8) as theirs:
        assert ours.plan([x]) == 1
        assert theirs.plan([x]) > 1
        np.testing.assert_allclose(ours.map([x]), theirs.map([x]), atol=2 / 256)
        assert ours.clock is None  # a host's times say nothing of a microcontroller's
        with pytest.raises(RuntimeFailed, match="at the shapes of its file only"):
            ours.plan([np.zeros((1, 9, 9, 3), np.float32)])


def test_arena_is_the_smallest_that_runs(int8: Path) -> None:
    figures = RUNTIME.measure(int8)
    arena = figures["arena_bytes"]
    assert arena is not None and arena % 16 == 0
    assert arena > 4 * 4 * (16 + 16)  # two of its activations live at once
    assert _runs(int8, arena)
    assert not _runs(int8, arena - 16)
    assert (figures["cycles"], figures["instructions"], figures.profile) == (None, None, None)


@pytest.mark.parametrize("needed", [16, 32, 1504, 1936, 5000, 99_984])
@pytest.mark.parametrize("guess", [0, 16, 1504, 4000, 200_000])
def test_search(needed: int, guess: int) -> None:
    tried = []

    def works(size: int) -> bool:
        tried.append(size)
        return size >= needed

    assert smallest_arena(works, guess, most=1 << 20) == -(-needed // 16) * 16
    assert len(tried) <= 30
    assert smallest_arena(works, needed, most=1 << 20) == -(-needed // 16) * 16
    assert len(tried) <= 32  # a right guess takes two tries


def test_search_gives_up() -> None:
    with pytest.raises(RuntimeError, match="no arena of up to 4096 bytes"):
        smallest_arena(lambda size: False, 16, most=4096)


def test_names_the_missing_operator(tmp_path: Path) -> None:
    tf, path = _tf.tensorflow(), tmp_path / "top.tflite"
    path.write_bytes(converted(lambda x: tf.math.top_k(x, 2)[0], [1, 8]))
    said = "TFLite Micro must have a kernel for every operator of the model. Received: {}. Replace the layer"
    for ask in (RUNTIME.open, RUNTIME.measure):
        with pytest.raises(RuntimeFailed, match=said.format("TOPK_V2")):
            ask(path)
    path.write_bytes(converted(lambda x: tf.math.erfc(x), [1, 8], custom=True))
    with pytest.raises(RuntimeFailed, match=said.format("Erfc")):
        RUNTIME.open(path)


def test_dynamic_shapes(tmp_path: Path) -> None:
    tf, path = _tf.tensorflow(), tmp_path / "dynamic.tflite"
    path.write_bytes(converted(lambda x: tf.reshape(x, [tf.shape(x)[0] * 2, -1]) * 2.0, [None, 8]))
    with pytest.raises(RuntimeFailed, match="shapes are all fixed.* RESHAPE .*batch of one") as failed:
        RUNTIME.open(path)
    assert "\n" not in str(failed.value)


def test_weights_only_quantisation(tmp_path: Path) -> None:
    tf, path = _tf.tensorflow(), tmp_path / "hybrid.tflite"
    weights = np.random.default_rng(3).normal(size=(64, 64)).astype(np.float32)
    concrete = tf.function(lambda x: x @ weights, input_signature=[tf.TensorSpec([1, 64])]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with _tf.captured_output():
        path.write_bytes(converter.convert())
    with pytest.raises(RuntimeFailed, match=r"float32 throughout, or int8 weights.*Convert the model to int8\.$"):
        RUNTIME.measure(path)


def test_model_that_never_ends(tmp_path: Path) -> None:
    tf, path = _tf.tensorflow(), tmp_path / "forever.tflite"

    def forever(x: Any) -> Any:
        return tf.while_loop(lambda i, y: tf.reduce_sum(y) > -1e30, lambda i, y: (i + 1, tf.nn.relu(y)), [0, x])[1]

    path.write_bytes(converted(forever, [1, 8]))
    began = time.monotonic()
    with pytest.raises(RuntimeFailed, match="must answer within 3 s"):
        RUNTIME.measure(path, time_limit=3)
    assert time.monotonic() - began < 30
    with RUNTIME.open(path, time_limit=3) as session, pytest.raises(RuntimeFailed, match="must answer within 3 s"):
        session.run([np.zeros((1, 8), np.float32)])


def test_damaged_models(int8: Path, tmp_path: Path) -> None:
    good, rng, outcomes = int8.read_bytes(), np.random.default_rng(5), set()
    for i in range(6):
        bad = bytearray(good)
        for position in rng.integers(8, len(good), 40):
            bad[position] ^= 1 << int(rng.integers(8))
        path = tmp_path / f"{i}.tflite"
        path.write_bytes(bad)
        try:
            RUNTIME.measure(path, time_limit=10)
        except (ModelError, RuntimeFailed) as error:
            outcomes.add(type(error))
            assert "\n" not in str(error)
    assert outcomes


def test_missing_package_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['tflite_micro'] = None")
    root = str(Path(__file__).parents[2])
    code = "from edgekit.runtimes import load_runtime; print(load_runtime('tflm').probe())"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("The runtime tflm cannot be loaded here."), done.stderr
    assert done.stdout.strip().endswith("pip install 'edgekit[mcu]'")


def _runs(path: Path, arena: int) -> bool:
    command = [sys.executable, "-c", ONE_RUN, str(path), str(arena)]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


SCALARS: dict[str, tuple[Section, list[Any], Any]] = {
    "two of them": (
        Section([REAL, REAL, REAL], [Call("ADD", [0, 1], [2], *ADDING)], [0, 1], [2]),
        [np.float32(5), np.float32(2)], np.float32(7),
    ),
    "one and a row": (
        Section([REAL, ROW, ROW], [Call("ADD", [0, 1], [2], *ADDING)], [0, 1], [2]),
        [np.float32(5), np.array([1, 2, 3], np.float32)], np.array([6, 7, 8], np.float32),
    ),
    "a place in a table": (
        Section(
            [Operand([3], "float32", values=[4, 5, 6]), Operand([], "int32"), REAL],
            [Call("GATHER", [0, 1], [2], "GatherOptions")], [1], [2],
        ),
        [np.int32(2)], np.float32(6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SCALARS)
def test_scalars_stay_scalars(what: str, tmp_path: Path) -> None:
    section, inputs, expected = SCALARS[what]
    (path := tmp_path / "m.tflite").write_bytes(model_of([section]).content)
    with load_runtime("tflm").open(path) as session:  # type: ignore[attr-defined]
        (received,) = session.run([np.asarray(values) for values in inputs])
    assert received.shape == np.shape(expected) and np.array_equal(received, expected)
