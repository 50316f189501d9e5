from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from edgekit import _tf, sandbox
from edgekit.errors import DataError, ModelError, RuntimeFailed, UsageError
from edgekit.measure.predict import Predictor, _one_by_one, predict
from edgekit.runtimes import PROBE, load_runtime


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Converted once with tf.lite: an int8 CNN, two inputs, a fixed batch inside, a batch of 4, no batch at all."""
    tf, folder = _tf.tensorflow(), tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    kernel = tf.constant(rng.normal(size=(3, 3, 1, 4)), tf.float32)
    dense = tf.constant(rng.normal(size=(4, 3)), tf.float32)

    def cnn(x):
        hidden = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME")), [1, 2])
        return tf.nn.softmax(tf.matmul(hidden, dense))

    def two(left, right):
        return {"sum": tf.reduce_sum(left, 1) + tf.cast(right[:, 0], tf.float32)}

    def mixing(x):  # looks batched from outside, but a sample's result depends on the others
        return x - tf.reduce_mean(x)

    def f32(shape, name="x"):
        return tf.TensorSpec(shape, tf.float32, name=name)

    def convert(name, function, *specs, int8=False):
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [tf.function(function).get_concrete_function(*specs)]
        )
        if int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([rng.random((1, 8, 8, 1)).astype(np.float32)] for _ in range(8))
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        path = folder / f"{name}.tflite"
        path.write_bytes(converter.convert())
        return path

    return {
        "int8": convert("int8", cnn, f32([1, 8, 8, 1]), int8=True),
        "two": convert("two", two, f32([1, 3], "left"), tf.TensorSpec([1, 2], tf.int32, name="right")),
        "mixing": convert("mixing", mixing, f32([1, 3])),
        "four": convert("four", lambda x: tf.reduce_sum(x, 1, keepdims=True), f32([4, 3])),
        "whole": convert("whole", lambda x: x * 2.0, f32([3])),
        "dynamic": convert("dynamic", lambda x: tf.reduce_sum(x, 1, keepdims=True), f32([None, 3])),
    }


def one_at_a_time(path: Path, x: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    given, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    results = []
    for sample in x:
        interpreter.set_tensor(given["index"], sample[np.newaxis])
        interpreter.invoke()
        results.append(interpreter.get_tensor(out["index"])[0])
    scale, zero = out["quantization"]
    return np.float32(scale) * (np.array(results).astype(np.float32) - zero)


def test_int8_equals_a_plain_loop_whatever_the_split(models: dict[str, Path]) -> None:
    x = np.random.default_rng(1).integers(-128, 128, (301, 8, 8, 1)).astype(np.int8)
    expected = one_at_a_time(models["int8"], x)
    seen: list[tuple[int, int]] = []
    got = predict(models["int8"], x, workers=2, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.float32 and got.shape == (301, 3)
    assert seen[-1] == (301, 301) and [d for d, _ in seen] == sorted(d for d, _ in seen)
    np.testing.assert_array_equal(predict(models["int8"], x, workers=1, batch=1), expected)
    np.testing.assert_array_equal(predict(models["int8"], x[:5], batch=7), expected[:5])


def test_float_samples_are_quantised_by_the_inputs_scale(models: dict[str, Path]) -> None:
    with Predictor(models["int8"], workers=2) as predictor:
        (spec,) = predictor.open()
        q = np.random.default_rng(2).integers(-128, 128, (90, 8, 8, 1)).astype(np.int8)
        real = np.float32(spec.scale) * (q.astype(np.float32) - spec.zero_point)
        np.testing.assert_array_equal(predictor(real), predictor(q))
        np.testing.assert_array_equal(predictor(real.astype(np.float64)[..., 0:1]), predictor(q))


def test_a_batch_that_changes_results_is_not_used(models: dict[str, Path]) -> None:
    x = np.random.default_rng(3).normal(size=(40, 3)).astype(np.float32)
    np.testing.assert_allclose(predict(models["mixing"], x), x - x.mean(axis=1, keepdims=True), atol=1e-6)


def test_two_inputs_by_name_in_any_order(models: dict[str, Path]) -> None:
    left = np.arange(30, dtype=np.float32).reshape(10, 3)
    right = np.arange(20).reshape(10, 2)  # int64, as numpy makes them
    got = predict(models["two"], {"right": right, "left": left})
    np.testing.assert_allclose(got, left.sum(1) + right[:, 0])
    with pytest.raises(ModelError, match="Did you mean 'left'"):
        predict(models["two"], {"right": right, "lft": left})
    with pytest.raises(ModelError, match="has 2 inputs"):
        predict(models["two"], left)
    with pytest.raises(DataError, match="same number"):
        predict(models["two"], {"right": right[:3], "left": left})


def test_declared_batches(models: dict[str, Path]) -> None:
    x = np.random.default_rng(4).normal(size=(10, 3)).astype(np.float32)
    np.testing.assert_allclose(predict(models["four"], x), x.sum(1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(predict(models["dynamic"], x), x.sum(1, keepdims=True), atol=1e-5)
    np.testing.assert_array_equal(predict(models["whole"], x), 2 * x)
    np.testing.assert_array_equal(predict(PROBE, np.ones((5, 1, 4), np.float32)), np.ones((5, 4)))


def test_runtimes_without_batches(models: dict[str, Path]) -> None:
    x = np.random.default_rng(6).normal(size=(10, 3)).astype(np.float32)
    for name, expected in (("four", x.sum(1, keepdims=True)), ("whole", 2 * x)):
        with load_runtime("litert").open(models[name]) as session:
            np.testing.assert_allclose(_one_by_one(session, [x], 0), expected, atol=1e-5)


def test_samples_that_do_not_fit(models: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match=r"shape \[8, 8, 1\]. Received: shape \[9, 8, 1\]"):
        predict(models["int8"], np.zeros((2, 9, 8, 1), np.float32))
    with pytest.raises(ModelError, match="must be float32 \\(real values\\) or int8. Received: uint8"):
        predict(models["int8"], np.zeros((2, 8, 8, 1), np.uint8))
    with pytest.raises(DataError, match="at least one"):
        predict(models["int8"], np.zeros((0, 8, 8, 1), np.float32))
    with pytest.raises(UsageError, match="No such output"):
        predict(PROBE, np.zeros((2, 4), np.float32), output=1)
    with pytest.raises(UsageError, match="workers must be at least 1"):
        predict(PROBE, np.zeros((2, 4), np.float32), workers=0)


def test_a_worker_that_dies_ends_the_call_and_the_next_call_works() -> None:
    x = np.random.default_rng(5).normal(size=(200_000, 4)).astype(np.float32)

    def kill(done: int, total: int) -> None:
        for worker in predictor._workers:
            os.kill(worker._session.pid, signal.SIGABRT)  # type: ignore[union-attr]

    with Predictor(PROBE, workers=2) as predictor:
        with pytest.raises(RuntimeFailed, match="crashed the runtime litert \\(SIGABRT\\)|is closed"):
            predictor(x, progress=kill)
        np.testing.assert_array_equal(predictor(x[:100]), np.maximum(x[:100], 0))


@pytest.mark.slow
def test_published_resnet8_int8(shared_data: Path) -> None:
    with np.load(shared_data / "cifar10" / "cifar10.npz", allow_pickle=False) as data:
        x, y = data["x_test"].astype(np.float32), data["y_test"]
    from edgekit.measure.accuracy import top1

    score = top1(predict(shared_data / "models/ic/pretrainedResnet_quant.tflite", x), y)
    assert score.low < 0.8697 < score.high  # on all 10,000 images, as published


def direct_children() -> dict[str, str]:
    """Command lines of this process's children, by their numbers."""
    lists = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended
            lists.append((task / "children").read_text().split())
    return {pid: Path(f"/proc/{pid}/cmdline").read_text() for pids in lists for pid in pids}


def test_workers_of_a_warm_block_are_forked_off_one_process(models: dict[str, Path]) -> None:
    x, before = np.ones((8, 3), np.float32), direct_children()
    with sandbox.warm(), Predictor(models["dynamic"], workers=2) as predictor:
        predictor(x)
        predictor.close()
        predictor(x)  # in other threads than before
        started = {pid: line for pid, line in direct_children().items() if pid not in before}
        assert len(started) == 1 and "edgekit.sandbox.forking" in next(iter(started.values())), started
    with sandbox.cold(), Predictor(models["dynamic"], workers=2) as predictor:
        predictor(x)
        started = {pid: line for pid, line in direct_children().items() if pid not in before}
        assert len(started) == 2 and all("edgekit.runtimes._worker" in line for line in started.values()), started
