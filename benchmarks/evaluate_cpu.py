"""CPU seconds of `predict` over 5,000 images beside a bare loop over LiteRT's interpreter, start-up included.

    python benchmarks/evaluate_cpu.py [MODEL] [--rounds N] [--other FOLDER]

Each way runs in a new process, in turns (A B A B ...), on the same 5,000 CIFAR-10 test images; user and system time of
the process and of its children are counted, with the imports and the reading of the images. `--other` names the folder
of another checkout of EdgeKit, whose `predict` takes turns with this one's. MODEL takes int8 pixels; the default is the
published int8 ResNet8 of $EDGEKIT_DATA. Prints medians and writes benchmarks/evaluate_cpu.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EDGEKIT_DATA", ROOT.parent / "shared" / "data"))
IMAGES = """
import sys
from pathlib import Path
import numpy as np
with np.load(sys.argv[2], allow_pickle=False) as data:
    x = (data["x_test"][:5000].astype(np.int16) - 128).astype(np.int8)
"""
WAYS = {
    "bare": IMAGES
    + """
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
first, last = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
for i in range(len(x)):
    interpreter.set_tensor(first, x[i : i + 1])
    interpreter.invoke()
    interpreter.get_tensor(last)
""",
    "predict": IMAGES
    + """
from edgekit.measure.predict import predict
predict(Path(sys.argv[1]), x)
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=Path, default=DATA / "models/ic/pretrainedResnet_quant.tflite")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--other", type=Path, help="another checkout of EdgeKit")
    options = parser.parse_args()
    ways = {name: (ROOT, code) for name, code in WAYS.items()}
    if options.other is not None:
        ways["other predict"] = (options.other, WAYS["predict"])
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, (root, code) in ways.items():
            seconds[name].append(cpu_seconds(code, root, options.model))
    result = {
        name: {
            "median": statistics.median(took),
            "over_bare": statistics.median(a - b for a, b in zip(took, seconds["bare"], strict=True)),
            "seconds": took,
        }
        for name, took in seconds.items()
    }
    for name, row in result.items():
        print(f"{name:14} {row['median']:6.2f} CPU s, {row['over_bare']:+.2f} over the bare loop")
    report = {"schema": "edgekit.evaluate_cpu/1", "model": options.model.name, "images": 5000, "results": result}
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")


def cpu_seconds(code: str, root: Path, model: Path) -> float:
    """User and system seconds of a program and of what it starts."""
    before = _of_children()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "converters")])}
    command = [sys.executable, "-P", "-c", code, str(model), str(DATA / "cifar10" / "cifar10.npz")]
    subprocess.run(command, check=True, env=environment)
    return _of_children() - before


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
