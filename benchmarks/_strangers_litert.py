"""How near a stranger's `.tflite` comes to what Keras answered, under LiteRT; prints JSON.

python benchmarks/_strangers_litert.py FILE.tflite ANSWERS.npz
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

BEST = 150.0
"""dB of answers that are the same to the last bit."""


def compared(tflite: Path, answers: Path) -> dict[str, Any]:
    """dB of a file's answers against Keras's, also before a last softmax or sigmoid; how often the largest agrees."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kept = np.load(answers)
    inputs = [kept[f"in{i}"] for i in range(len(kept["names"]))]
    outputs = [kept[f"out{i}"] for i in itertools.takewhile(lambda i: f"out{i}" in kept, itertools.count())]

    def opened(**options: Any) -> Any:
        interpreter = Interpreter(str(tflite), **options)
        _resize(interpreter, inputs, list(kept["names"]))
        return interpreter

    plain = partial(opened, num_threads=1)
    found = _run(plain, inputs, list(kept["names"]), [d["index"] for d in plain().get_output_details()])
    order = max(itertools.permutations(range(len(outputs))), key=lambda p: _worst(outputs, [found[i] for i in p]))
    found = [found[i] for i in order]
    result: dict[str, Any] = {"answers_db": _worst(outputs, found)}
    if len(outputs) == 1 and outputs[0].shape[-1] > 1:
        result["same_largest"] = float(np.mean(outputs[0].argmax(-1) == found[0].argmax(-1)))
    if "logits" in kept:
        whole = partial(
            opened, experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )  # fmt: skip
        interpreter = whole()
        last = next((step for step in reversed(interpreter._get_ops_details())
                     if step["op_name"] in ("SOFTMAX", "LOGISTIC")), None)  # fmt: skip
        end = interpreter.get_output_details()[0]["index"]
        if last is not None and (list(last["outputs"]) == [end] or _only_moved(interpreter, last)):
            logits = _run(whole, inputs, list(kept["names"]), [int(last["inputs"][0])])[0]
            if logits.size == kept["logits"].size:
                centre = last["op_name"] == "SOFTMAX"
                wanted = kept["logits"].astype(np.float64)
                logits = logits.reshape(wanted.shape).astype(np.float64)
                if centre:
                    wanted, logits = (v - v.mean(axis=-1, keepdims=True) for v in (wanted, logits))
                result |= {"logits_db": _db(wanted, logits), "last": last["op_name"]}
    return result


def _only_moved(interpreter: Any, last: dict[str, Any]) -> bool:
    """Whether what follows the last activation only gives its values another shape or scale."""
    steps = [step for step in interpreter._get_ops_details() if step["index"] > last["index"]]
    return all(step["op_name"] in ("RESHAPE", "QUANTIZE", "DEQUANTIZE") for step in steps)


def _bound(interpreter: Any, names: list[str]) -> list[dict[str, Any]]:
    """The file's input for each of Keras's, by name, else in their order."""
    details = interpreter.get_input_details()
    by_name = [[d for d in details if f"_{name}:" in d["name"] or d["name"] == name] for name in names]
    return [found[0] for found in by_name] if all(len(found) == 1 for found in by_name) else details


def _resize(interpreter: Any, inputs: list[Any], names: list[str]) -> None:
    for detail, array in zip(_bound(interpreter, names), inputs, strict=True):
        if tuple(detail["shape"]) != (1, *array.shape[1:]):
            interpreter.resize_tensor_input(detail["index"], (1, *array.shape[1:]))
    interpreter.allocate_tensors()


def _run(opened: Callable[[], Any], inputs: list[Any], names: list[str], wanted: list[int]) -> list[Any]:
    """The tensors `wanted` as numbers, a sample at a time, each from fresh states.

    What a stateful model keeps, no reset reaches: each sample has an interpreter of its own.
    """
    every: list[list[Any]] = []
    interpreter = opened()
    keeps = any(step["op_name"] == "VAR_HANDLE" for step in interpreter._get_ops_details())
    details = _bound(interpreter, names)
    scales = {d["index"]: d["quantization"] for d in interpreter.get_tensor_details()}
    for i in range(len(inputs[0])):
        if keeps and i:
            interpreter = opened()
        interpreter.reset_all_variables()
        for detail, array in zip(details, inputs, strict=True):
            value, (scale, zero) = array[i : i + 1], scales[detail["index"]]
            if scale and np.issubdtype(detail["dtype"], np.integer):
                span = np.iinfo(detail["dtype"])
                value = np.clip(np.round(value / scale + zero), span.min, span.max)
            interpreter.set_tensor(detail["index"], value.astype(detail["dtype"]))
        interpreter.invoke()
        every.append([_number(interpreter.get_tensor(index), *scales[index]) for index in wanted])
    return [np.concatenate([v.reshape(1, *v.shape[1:]) for v in parts]) for parts in zip(*every, strict=True)]


def _number(value: Any, scale: float, zero: int) -> Any:
    return (value.astype(np.float64) - zero) * scale if scale else value.astype(np.float64)


def _worst(wanted: list[Any], found: list[Any]) -> float:
    return min(_db(w, f) for w, f in zip(wanted, found, strict=True))


def _db(wanted: Any, found: Any) -> float:
    if wanted.size != found.size:
        return -BEST
    wanted = wanted.astype(np.float64)
    error = np.square(wanted - found.reshape(wanted.shape)).sum()
    signal = np.square(wanted).sum()
    if not np.isfinite(error):
        return -BEST
    if error == 0:
        return BEST
    return float(np.clip(10 * np.log10(max(signal, 1e-30) / error), -BEST, BEST))


if __name__ == "__main__":
    print("\n" + json.dumps(compared(Path(sys.argv[1]), Path(sys.argv[2]))))
