"""Recurrent layers x options x formats: what the files compute under three runtimes, against Keras.

Every kind of layer, plain, with each option alone (four seeds in integer formats) and with each pair of options. A cell
of the table agrees with Keras, is refused before there is a file, or is a fault: wrong or crashed; where Keras itself
cannot build or call the layer with these options, there is no model. Conversion runs in
warm child processes that are started again after a crash, so do the runtimes. It takes about four CPU hours; stopped or
killed, it goes on where it stopped.

    python benchmarks/recurrent.py [--minutes 60] [--workers 2] [--only "GRU: masking"] [--again wrong,crashed]
    python benchmarks/recurrent.py --table          # docs/recurrent.md from benchmarks/recurrent.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

from _recurrent_runtimes import RUNTIMES  # noqa: E402
from recurrent_cells import CALLS, KINDS, OPTIONS, Cell, cells, keras_answers  # noqa: E402

RESULTS = HERE / "recurrent.json"
PAGE = HERE.parent / "docs" / "recurrent.md"
FORMATS = ("float32", "float16", "dynamic", "int8", "int16x8")
SEEDS = {"int8": 4, "int16x8": 4}
LEAST = {"float32": 100.0, "float16": 40.0, "int16x8": 30.0, "dynamic": 15.0, "int8": 15.0}
"""dB against Keras that a cell needs to agree. All but one of float16 reach 60: the state of a ConvLSTM with relu that
goes on from call to call grows a million times, and the rounding of its weights with it (Keras has 51 dB with them)."""
VERDICTS = ("agrees", "refused", "wrong", "crashed", "no model")
LIMIT = 300.0
"""Seconds for one cell."""
Row = dict[str, Any]


def rows() -> Iterator[tuple[str, Cell, str]]:
    """Every cell of the table with its key, single options before pairs."""
    for pairs in (False, True):
        for cell in cells(pairs=pairs, seeds=1 if pairs else max(SEEDS.values())):
            if pairs and len(cell.options) < 2:
                continue
            for kind in FORMATS:
                if cell.seed < SEEDS.get(kind, 1):
                    yield f"{cell} {kind}", cell, kind


class Child:
    """A process that answers lines of JSON, started again when it dies."""

    def __init__(self, *command: str) -> None:
        self._command = [sys.executable, *command]
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: Row) -> Row | None:
        """Its answer; None where it died or took too long."""
        if self._process is None or self._process.poll() is not None:
            environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env=environment,
            )  # fmt: skip
        process = self._process
        timer = threading.Timer(LIMIT, process.kill)
        timer.start()
        try:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = next((line for line in process.stdout if line.startswith("{")), "")
            answer: Row | None = json.loads(line) if line else None
            return answer
        except (BrokenPipeError, ValueError):
            return None
        finally:
            timer.cancel()


def convert_forever(requests: IO[str]) -> None:
    """The worker: converts what it is asked, and writes what Keras answers."""
    from edgekit import tflite
    from edgekit.errors import EdgekitError
    from edgekit_converters.tflite import ConvertSpec, converted
    from edgekit_converters.tflite.contract import check_contract

    for line in requests:
        request = json.loads(line)
        cell, folder = Cell(request["kind"], tuple(request["options"]), request["seed"]), Path(request["folder"])
        try:
            model, samples = cell.model(), cell.samples()
            wanted = keras_answers(model, samples, stateful="stateful" in cell.options)
        except Exception as error:
            print(json.dumps({"no model": f"{type(error).__name__}: {error}"[:300]}), flush=True)
            continue
        try:
            np.save(folder / "samples.npy", samples[:CALLS])
            np.save(folder / "wanted.npy", wanted)
            spec = ConvertSpec(format=request["format"]).resolved()
            made = tflite.read(converted(model, spec, samples))
            check_contract(made, spec)
            (folder / "m.tflite").write_bytes(made.content)
            print(json.dumps({"bytes": (folder / "m.tflite").stat().st_size}), flush=True)
        except EdgekitError as error:
            print(json.dumps({"refused": str(error)}), flush=True)
        except Exception as error:  # what a user would see as a traceback
            print(json.dumps({"traceback": f"{type(error).__name__}: {error}"[:300]}), flush=True)


def measured(cell: Cell, kind: str, converter: Child, runtimes: dict[str, Child]) -> Row:
    """One cell of the table."""
    from edgekit.measure.parity import LEAST_DB
    from edgekit.measure.statistics import sqnr_db

    row: Row = {"kind": cell.kind, "options": list(cell.options), "seed": cell.seed, "format": kind}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        made = converter.ask({**row, "folder": text})
        if made is None or "traceback" in made:
            return {
                **row,
                "verdict": "crashed",
                "reason": made["traceback"] if made else "the converter's process died",
            }
        for verdict in ("refused", "no model"):
            if verdict in made:
                return {**row, "verdict": verdict, "reason": made[verdict]}
        row["bytes"], row["db"], row["lacks"] = made["bytes"], {}, {}
        wanted = np.load(folder / "wanted.npy")
        for name, child in runtimes.items():
            paths = {key: str(folder / f"{key}.npy") for key in ("samples", "answers")}
            said = child.ask({**paths, "path": str(folder / "m.tflite")})
            if said is None:
                return {**row, "verdict": "crashed", "reason": f"{name} died"}
            if "refused" in said:
                row["lacks"][name] = said["refused"]
            else:
                row["db"][name] = round(sqnr_db(wanted, np.load(folder / "answers.npy")), 1)
    if "litert" not in row["db"]:
        return {**row, "verdict": "crashed", "reason": f"litert: {row['lacks']['litert']}"}
    if row["db"]["litert"] < LEAST_DB[kind]:
        return {**row, "verdict": "refused", "reason": f"parity: {row['db']['litert']} dB"}
    return {**row, "verdict": "agrees" if min(row["db"].values()) >= LEAST[kind] else "wrong"}


def run(minutes: float, workers: int, only: str, again: set[str]) -> None:
    """Fill the table until the time is over."""
    known: dict[str, Row] = json.loads(RESULTS.read_text())["cells"] if RESULTS.exists() else {}
    known = {key: row for key, row in known.items() if row["verdict"] not in again}
    waiting = [(key, cell, kind) for key, cell, kind in rows() if key not in known and only in key]
    total, lock, until = sum(1 for _ in rows()), threading.Lock(), time.monotonic() + 60 * minutes

    def work() -> None:
        converter = Child(str(HERE / "recurrent.py"), "--worker")
        runtimes = {name: Child(str(HERE / "_recurrent_runtimes.py"), name) for name in RUNTIMES}
        while time.monotonic() < until:
            with lock:
                if not waiting:
                    return
                key, cell, kind = waiting.pop(0)
            row = measured(cell, kind, converter, runtimes)
            with lock:
                known[key] = row
                if row["verdict"] in ("wrong", "crashed"):
                    print(f"{key}: {row['verdict']} {row.get('db')} {row.get('reason', '')}", flush=True)
                if len(known) % 20 == 0:
                    save(known, total)
                    print(f"{len(known)} of {total}: {dict(Counter(r['verdict'] for r in known.values()))}", flush=True)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    save(known, total)
    print(json.dumps(summary(known, total), indent=2))


def summary(known: dict[str, Row], total: int) -> Row:
    """Counts by verdict, whole and by format."""
    by_format = {k: dict(Counter(r["verdict"] for r in known.values() if r["format"] == k)) for k in FORMATS}
    counts = dict(Counter(r["verdict"] for r in known.values()))
    return {"cells": total, "done": len(known), "verdicts": counts, "by_format": by_format, "least_db": LEAST}


def save(known: dict[str, Row], total: int) -> None:
    content = {"schema": "edgekit.benchmark.recurrent/1", "summary": summary(known, total), "cells": known}
    temporary = RESULTS.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=0, sort_keys=True) + "\n")
    temporary.replace(RESULTS)


def table() -> None:
    """Write the page of the docs."""
    content = json.loads(RESULTS.read_text())
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in content["cells"].values():
        for option in row["options"] or ["plain"]:
            found.setdefault((row["kind"], option, row["format"]), []).append(row)
    told = content["summary"]
    said = dict(zip(VERDICTS, ("agree", "are refused", "are wrong", "crashed", "Keras cannot build"), strict=True))
    counts = ", ".join(f"{told['verdicts'].get(verdict, 0):,} {words}" for verdict, words in said.items())
    least = ", ".join(f"{name} {db:g}" for name, db in told["least_db"].items())
    pairs = sum(len(row["options"]) > 1 for row in content["cells"].values())
    lines = [
        "# Recurrent layers", "",
        "Made by `python benchmarks/recurrent.py --table` from `benchmarks/recurrent.json`. "
        f"{told['done']:,} of {told['cells']:,} cells (kind x options x format x seed) were tried, {pairs:,} of them "
        f"pairs of options: {counts}.", "",
        "A cell *agrees* where the file comes within so many dB (SQNR) of Keras under LiteRT and, where they have the "
        f"operators, tflite-runtime 2.14 and TFLite Micro: {least}. `yes`: all agree, alone and in the pairs with "
        "other options that were tried. `3/4`: so many agree, the others are refused before there is a file. `no`: all "
        "are refused. `!`: one is wrong. `–`: not tried, or Keras itself cannot build it.", "",
    ]  # fmt: skip
    for kind in KINDS:
        lines += [f"## {kind}", "", f"| option | {' | '.join(FORMATS)} |", "|---" * (len(FORMATS) + 1) + "|"]
        for option in ("plain", *OPTIONS):
            cells_of = [_verdict(found.get((kind, option, name), [])) for name in FORMATS]
            if any(cells_of):
                lines.append(f"| {option} | {' | '.join(text or '–' for text in cells_of)} |")
        lines.append("")
    PAGE.write_text("\n".join(lines))


def _verdict(found: list[Row]) -> str:
    found = [row for row in found if row["verdict"] != "no model"]
    counts = Counter(row["verdict"] for row in found)
    if counts["wrong"] or counts["crashed"]:
        return "!"
    if not counts["refused"]:
        return "yes" if found else ""
    return f"{counts['agrees']}/{len(found)}" if counts["agrees"] else "no"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=600)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="cells whose key has this text")
    parser.add_argument("--again", default="", help="verdicts to try again: wrong,crashed,refused")
    parser.add_argument("--table", action="store_true", help="write docs/recurrent.md")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        convert_forever(sys.stdin)
    elif given.table:
        table()
    else:
        run(given.minutes, given.workers, given.only, set(filter(None, given.again.split(","))))


if __name__ == "__main__":
    main()
