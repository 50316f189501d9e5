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
    if runtime == "litert":
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tflite_runtime.interpreter import Interpreter
    interpreter = Interpreter(model_path=path)
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    found = []
    for sample in samples:
        interpreter.reset_all_variables()
        interpreter.set_tensor(inputs["index"], stored(sample[np.newaxis], inputs["dtype"], *inputs["quantization"]))
        interpreter.invoke()
        found.append(real(interpreter.get_tensor(outputs["index"]), *outputs["quantization"]))
    return np.concatenate(found)


def tflm(_: str, path: str, samples: NDArray[Any]) -> NDArray[np.float32]:
    """Answers of TFLite Micro; variable tensors are reset, resource variables go on."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(Path(path).read_bytes(), arena_size=ARENA)
    inputs, outputs = interpreter.get_input_details(0), interpreter.get_output_details(0)
    kept = b"VAR_HANDLE" in Path(path).read_bytes() or keeps_state(path)
    found = []
    for sample in samples:
        if not kept:
            interpreter.reset()
        interpreter.set_input(stored(sample[np.newaxis], inputs["dtype"], *scale_of(inputs)), 0)
        interpreter.invoke()
        found.append(real(interpreter.get_output(0), *scale_of(outputs)))
    return np.concatenate(found)


def keeps_state(path: str) -> bool:
    from edgekit.models.tflite import read_tflite, state_of

    return state_of(read_tflite(Path(path))) == "kept"


def scale_of(detail: dict[str, Any]) -> tuple[float, int]:
    given = detail["quantization_parameters"]
    return (float(given["scales"][0]), int(given["zero_points"][0])) if len(given["scales"]) else (0.0, 0)


def stored(values: NDArray[Any], dtype: Any, scale: float, point: int) -> NDArray[Any]:
    if not scale or values.dtype == dtype:
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values / scale) + point, limits.min, limits.max).astype(dtype)


def real(values: NDArray[Any], scale: float, point: int) -> NDArray[np.float32]:
    return (values.astype(np.float32) - point) * scale if scale else values.astype(np.float32)


if __name__ == "__main__":
    main()
