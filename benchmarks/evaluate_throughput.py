"""Images per second of `predict` against plain loops over the three interpreters, one image at a time.

    python benchmarks/evaluate_throughput.py [MODEL] [--rounds N]

MODEL takes CIFAR-10 pixels as int8 (pixel - 128) or float32 (0..255); the default is the published int8 ResNet8 of
$EDGEKIT_DATA. All ways run in turns (A B C A B C ...) on the same 5,000 test images in the model's own dtype:

- plain: ai_edge_litert's Interpreter as most tutorials use it: set_tensor, invoke, get_tensor. It is imported and its
  model loaded before the clock starts.
- predict: one call of `edgekit.measure.predict.predict`, with the start of its worker processes on the clock.
- predictor: a call of a `Predictor` whose processes run already.
- plain tflite_runtime, plain tensorflow: the same loop on tflite-runtime's and TensorFlow's own interpreter, with their
  defaults. Their kernels may round otherwise.
- plain, builtin kernels: as plain, with TFLite's kernels in place of XNNPACK's (what preserve_all_tensors gives).

Prints medians with their 95 % intervals, and how much faster `predict` is than each loop in the same round; writes
benchmarks/evaluate_throughput.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_runtime.interpreter import Interpreter as TfliteRuntime

from edgekit import _tf
from edgekit.measure.environment import environment
from edgekit.measure.predict import Predictor, predict
from edgekit.measure.statistics import bootstrap_median

DATA = Path(os.environ.get("EDGEKIT_DATA", "data"))
COUNT = 5000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=DATA / "models/ic/pretrainedResnet_quant.tflite")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with np.load(DATA / "cifar10" / "cifar10.npz", allow_pickle=False) as data:
        pixels = data["x_test"][:COUNT]

    default, builtin = (
        _load(options.model, OpResolverType.AUTO),
        _load(options.model, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES),
    )
    old, tensorflow = _allocated(TfliteRuntime(str(options.model))), _allocated(_tensorflow(options.model))
    dtype = default.get_input_details()[0]["dtype"]
    x = (pixels.astype(np.int16) - 128).astype(np.int8) if dtype == np.int8 else pixels.astype(np.float32)
    with Predictor(options.model) as predictor:
        ways: dict[str, Callable[[], Any]] = {
            "plain": lambda: _plain(default, x),
            "predict": lambda: predict(options.model, x),
            "predictor": lambda: predictor(x),
            "plain tflite_runtime": lambda: _plain(old, x),
            "plain tensorflow": lambda: _plain(tensorflow, x),
            "plain, builtin kernels": lambda: _plain(builtin, x),
        }
        first = {name: run() for name, run in ways.items()}  # warm-up, and what is compared
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, run in ways.items():
                start = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - start)

    equal = {name: bool(np.array_equal(first["plain"], outputs)) for name, outputs in first.items()}
    report = {
        "schema": "edgekit.evaluate_throughput/1",
        "model": options.model.name,
        "images": len(x),
        "rounds": options.rounds,
        "results": {
            name: _result(seconds["plain"], seconds["predict"], took, len(x), equal[name])
            for name, took in seconds.items()
        },
        "environment": environment(),
    }
    for name, result in report["results"].items():
        rate, ratio, slower = result["images_per_s"], result["ratio_to_plain"], result["predict_is_faster_by"]
        print(
            f"{name:24} {rate['median']:8.0f} images/s [{rate['low']:.0f}, {rate['high']:.0f}]   "
            f"{ratio['median']:5.2f}x [{ratio['low']:.2f}, {ratio['high']:.2f}]   "
            f"predict is faster by {slower['median']:5.2f}x [{slower['low']:.2f}, {slower['high']:.2f}]   "
            f"outputs {'equal' if result['equal_outputs'] else 'differ'}"
        )
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def _load(model: Path, kernels: OpResolverType) -> Any:
    return _allocated(Interpreter(str(model), experimental_op_resolver_type=kernels))


def _tensorflow(model: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "deprecated, use LiteRT"
        return _tf.tensorflow().lite.Interpreter(str(model))


def _allocated(interpreter: Any) -> Any:
    interpreter.allocate_tensors()
    return interpreter


def _plain(interpreter: Any, x: np.ndarray) -> np.ndarray:
    given, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]
    results = []
    for i in range(len(x)):
        interpreter.set_tensor(given, x[i : i + 1])
        interpreter.invoke()
        results.append(interpreter.get_tensor(out["index"])[0])
    scale, zero = out["quantization"]
    raw = np.array(results)
    return raw if raw.dtype == np.float32 else np.float32(scale) * (raw.astype(np.float32) - np.float32(zero))


def _result(plain: list[float], ours: list[float], took: list[float], images: int, equal: bool) -> dict[str, Any]:
    rates = bootstrap_median(images / np.array(took))
    ratios = bootstrap_median(np.array(plain) / np.array(took))  # within a round, so that the load cancels
    faster = bootstrap_median(np.array(took) / np.array(ours))
    return {
        "images_per_s": {"median": rates.value, "low": rates.low, "high": rates.high},
        "ratio_to_plain": {"median": ratios.value, "low": ratios.low, "high": ratios.high},
        "predict_is_faster_by": {"median": faster.value, "low": faster.low, "high": faster.high},
        "equal_outputs": equal,
        "seconds": took,
    }


if __name__ == "__main__":
    main()
