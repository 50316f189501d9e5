"""Exported C on emulated microcontrollers: instructions, flash, RAM, stack, and whether it equals TFLite Micro.

    python benchmarks/mcu.py [--data FOLDER] [--models FOLDER] [--core cortex-m4]... [--inputs N] [--tflm TREE]

Models: two published ones of FOLDER/models where the folder is given (MLPerf Tiny's keyword spotting and image
classification), and networks of EdgeKit's families with random weights: other widths, odd channel counts, images of
96 x 96. Each is exported, compiled by GCC at -O2, run on QEMU's boards with `-icount shift=0`, and compared on N random
inputs with TFLite Micro's wheel, in elements that differ.

TREE holds TensorFlow Lite Micro's sources (also EDGEKIT_TFLM; _mcu_tflm.py says which): the same models run in its
interpreter, with its reference kernels and with CMSIS-NN, built by the same compiler, on the same boards, counted and
compared in the same way. `--tflm-only` measures nothing else. Without a tree, what mcu.json has of it stays; so do the
rows of cores that `--core` leaves out. Writes benchmarks/mcu.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import tflite
from edgekit.errors import RuntimeFailed
from edgekit.measure.environment import environment
from edgekit.runtimes import load_runtime
from edgekit.tensors import random_input
from edgekit.tflite.macs import count_macs

CORES = ("cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "rv32imac")
PUBLISHED = {
    "keyword spotting": "kws/kws_ref_model_int8.tflite",
    "image classification": "ic/pretrainedResnet_quant.tflite",
}
BARS: dict[tuple[str, str], float] = {
    ("keyword spotting", "cortex-m4"): 5.0e6,
    ("image classification", "cortex-m4"): 19.4e6,
    ("keyword spotting", "cortex-m55"): 0.9 * 1.82e6,
    ("image classification", "cortex-m55"): 0.9 * 4.9e6,
}
"""The most instructions that an inference of exported C may take."""
BUILDS = {"cortex-m4": ("reference", "CMSIS-NN"), "cortex-m55": ("CMSIS-NN",)}
"""By core, the kernels with which TFLite Micro is measured."""
_MICRO_INPUTS = 5
"""On so many, TFLite Micro's outputs are compared with its own wheel's: that its build here is right."""
RESULTS = Path(__file__).with_suffix(".json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="A folder with models/ of MLPerf Tiny.")
    parser.add_argument("--models", type=Path, help="Where the networks are kept; default a temporary folder.")
    parser.add_argument("--core", action="append", choices=CORES, help="Default: all.")
    parser.add_argument("--inputs", type=int, default=50)
    parser.add_argument("--tflm", type=Path, default=os.environ.get("EDGEKIT_TFLM"), help="A tree of TFLite Micro.")
    parser.add_argument("--tflm-only", action="store_true", help="Keep the other figures of mcu.json.")
    options = parser.parse_args()
    if options.tflm_only and not options.tflm:
        parser.error("--tflm-only needs a tree: name it with --tflm.")
    report = json.loads(RESULTS.read_text())
    before = {(row["model"], row["core"]): row for row in report["results"]}
    cores = options.core or CORES
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.models or Path(temporary)
        subprocess.run([sys.executable, Path(__file__).with_name("_mcu_models.py"), folder], check=True)
        models = {path.stem: path for path in sorted(folder.glob("*.tflite"))}
        if options.data:
            models = {name: options.data / "models" / path for name, path in PUBLISHED.items()} | models
        read = {name: tflite.read(path) for name, path in models.items()}
        if options.tflm_only:
            rows = list(before.values())
        else:
            measured = [row for name, model in read.items() for row in _rows(name, model, cores, options.inputs)]
            rows = _merged(before, measured)
        told = {
            key: {what: value for what, value in row.items() if what.startswith("TFLM")} for key, row in before.items()
        }
        if options.tflm:
            told |= _micro(options.tflm, read, [core for core in BUILDS if core in cores], options.inputs)
    rows = [row | told.get((row["model"], row["core"]), {}) for row in rows]
    if options.tflm_only:
        report["results"] = rows
    else:
        report = {"schema": "edgekit.mcu/1", "inputs": options.inputs, "results": rows, "environment": environment()}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


def _merged(before: Mapping[tuple[str, str], dict[str, Any]], measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows, model by model: those that were measured, and those of the other models and cores as they were."""
    rows = dict(before) | {(row["model"], row["core"]): row for row in measured}
    models = list(dict.fromkeys(model for model, _ in rows))
    return [rows[key] for key in sorted(rows, key=lambda key: (models.index(key[0]), CORES.index(key[1])))]


def _micro(
    tree: Path, models: dict[str, tflite.Model], cores: Sequence[str], inputs: int
) -> dict[tuple[str, str], dict[str, int]]:
    """What each model takes in TFLite Micro on each core, by its kernels."""
    from _mcu_tflm import Micro

    found: dict[tuple[str, str], dict[str, int]] = {}
    for core in cores:
        for kernels in BUILDS[core]:
            build = Micro(tree, core, kernels, models.values())
            for name, model in models.items():
                told = build.measure(model, *_answers(model, min(inputs, _MICRO_INPUTS)))
                title = "TFLM reference" if kernels == "reference" else f"TFLM + {kernels}"
                row = {"": told.instructions, "flash": told.flash_bytes, "arena": told.arena_bytes}
                row |= {"differing": told.differing}
                found.setdefault((name, core), {}).update({f"{title} {end}".strip(): v for end, v in row.items()})
                print(f"{name:22} {core:11} {title}: {told}", flush=True)
    return found


def _rows(name: str, model: tflite.Model, cores: Sequence[str], inputs: int) -> list[dict[str, Any]]:
    macs = count_macs(model)
    samples, expected = _answers(model, inputs)
    rows = []
    for core in cores:
        row: dict[str, Any] = {"model": name, "core": core, "macs": macs}
        runtime = load_runtime(f"{'riscv' if core.startswith('rv') else 'cortex_m'}:{core}")
        try:
            row |= runtime.measure(model).values
            row["per_mac"] = round(row["instructions"] / macs, 3) if macs else None
            with runtime.open(model) as session:  # type: ignore[attr-defined]
                received = [session.run(sample, fresh=True) for sample in samples]
            row["differing"] = _differing(expected, received)
        except RuntimeFailed as error:
            row["failed"] = str(error)
        if (name, core) in BARS:
            row["bar"] = BARS[name, core]
        rows.append(row)
        print(_line(row), flush=True)
    return rows


def _answers(model: tflite.Model, inputs: int) -> tuple[list[list[Any]], list[list[Any]]]:
    """Random inputs, and what TFLite Micro answers."""
    random = np.random.default_rng(0)
    with load_runtime("tflm").open(model) as session:  # type: ignore[attr-defined]
        samples = [[random_input(spec, random) for spec in session.inputs] for _ in range(inputs)]
        return samples, [session.run(sample, fresh=True) for sample in samples]


def _differing(expected: list[list[Any]], received: list[list[Any]]) -> int:
    pairs = [pair for one, other in zip(expected, received, strict=True) for pair in zip(one, other, strict=True)]
    return sum(int((a != b).sum()) for a, b in pairs)


def _line(row: dict[str, Any]) -> str:
    start = f"{row['model']:22} {row['core']:11}"
    if "failed" in row:
        return f"{start} {row['failed'][:120]}"
    bar = f"  bar {row['instructions'] / row['bar']:.2f}x" if "bar" in row else ""
    return (
        f"{start} {row['instructions'] / 1e6:8.2f} M instructions  {row['per_mac']:6.2f} a MAC  "
        f"flash {row['flash_bytes']:6,}  weights {row['weights_bytes']:8,}  RAM {row['ram_bytes']:7,}  "
        f"stack {row['stack_bytes']:5,}  differing {row['differing']}{bar}"
    )


if __name__ == "__main__":
    main()
