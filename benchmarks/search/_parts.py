"""What the parts of benchmarks/search.py that run real trainings share."""

from __future__ import annotations

import argparse
import json
import os
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from edgekit.artifact import write_atomically
from edgekit.measure.environment import environment

__all__ = ["BENCHMARKS", "FOLDER", "cpu_seconds", "one_thread", "part_of", "read_yaml", "usual_arguments", "write_json"]

FOLDER = Path(__file__).resolve().parent
BENCHMARKS = FOLDER.parent
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def one_thread() -> None:
    """Give TensorFlow and BLAS one thread in processes that are started from now on, and here where not loaded yet."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))


def usual_arguments(parser: argparse.ArgumentParser, data: str, *, out: str = "folder of what is done") -> None:
    """What most parts take: the data, where to go on, how long, and whether it is only tried."""
    parser.add_argument("--data", type=Path, required=True, help=data)
    parser.add_argument("--out", type=Path, required=True, help=out)
    parser.add_argument("--hours", type=float, default=2.4, help="after which this part ends")
    parser.add_argument("--short", action="store_true", help="little of it on few samples: claims nothing")


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def part_of(data: Path, out: Path, train: int, test: int, seed: int = 16) -> Path:
    """An `.npz` with so many of the samples of another one, drawn by the seed; made once."""
    path = out / f"{data.stem}_{train}_{test}.npz"
    if not path.exists():
        with np.load(data, allow_pickle=False) as file:
            kept = {"label_names": file["label_names"]} if "label_names" in file.files else {}
            for split, count in (("train", train), ("test", test)):
                x, y = file[f"x_{split}"], file[f"y_{split}"]
                chosen = np.sort(np.random.default_rng(seed).permutation(len(x))[:count])
                kept |= {f"x_{split}": x[chosen], f"y_{split}": y[chosen]}
        out.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as temporary, temporary.open("wb") as file_of_part:
            np.savez(file_of_part, **kept)
    return path


def read_yaml(name: str) -> Any:
    """A file of settings beside this one."""
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def write_json(path: Path, schema: str, content: Mapping[str, Any]) -> None:
    """Write what was found, with its form and the machine, and print it."""
    told = {"schema": schema, **content, "environment": environment()}
    with write_atomically(path) as temporary:
        temporary.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in told.items() if k != "environment"}, indent=2), flush=True)
