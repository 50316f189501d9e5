"""One runtime in one process, which answers for many files: started once, and again after a crash.

Run as `python _recurrent_runtimes.py RUNTIME`; requests and answers are lines of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import tflite
from edgekit.runtimes import Engine, load_runtime
from edgekit.tensors import Quant, TensorSpec, dequantize, quantize

RUNTIMES = ("litert", "tflite_runtime", "tflm")
ARENA = 4 << 20


def main() -> None:
    runtime = sys.argv[1]
    for line in sys.stdin:
        request = json.loads(line)
        try:
            samples = np.load(request["samples"])
            answers = (tflm if runtime == "tflm" else interpreted)(runtime, request["path"], samples)
            np.save(request["answers"], answers)
            print(json.dumps({"done": True}), flush=True)
        except Exception as error:  # the runtime refuses the file
            print(json.dumps({"refused": " ".join(str(error).split())[:200] or type(error).__name__}), flush=True)


def interpreted(runtime: str, path: str, samples: NDArray[Any]) -> NDArray[np.float32]:
    """Answers of TFLite's interpreter, variable tensors reset before each sample."""
    interpreter, kernels = load_runtime(runtime).executor.load()  # type: ignore[union-attr]
    engine = Engine(interpreter, kernels["default"], path, 1)
    inputs, outputs = engine.inputs[0], engine.outputs[0]
    raw = (engine.run([quantize(sample[np.newaxis], inputs)], fresh=True)[0] for sample in samples)
    return np.concatenate([dequantize(values, outputs) for values in raw])


def tflm(_: str, path: str, samples: NDArray[Any]) -> NDArray[np.float32]:
    """Answers of TFLite Micro; variable tensors are reset, resource variables go on."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(Path(path).read_bytes(), arena_size=ARENA)
    inputs, outputs = (spec_of(detail(0)) for detail in (interpreter.get_input_details, interpreter.get_output_details))
    kept = tflite.state_of(tflite.read(Path(path))) == "kept"
    found = []
    for sample in samples:
        if not kept:
            interpreter.reset()
        interpreter.set_input(quantize(sample[np.newaxis], inputs), 0)
        interpreter.invoke()
        found.append(dequantize(interpreter.get_output(0), outputs))
    return np.concatenate(found)


def spec_of(detail: dict[str, Any]) -> TensorSpec:
    """A tensor as TFLite Micro describes it."""
    given, dtype = detail["quantization_parameters"], np.dtype(detail["dtype"]).name
    scales, points = tuple(map(float, given["scales"])), tuple(map(int, given["zero_points"]))
    return TensorSpec("", tuple(map(int, detail["shape"])), dtype, Quant(scales, points) if scales else None)


if __name__ == "__main__":
    main()
