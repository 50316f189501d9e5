"""Keras files of strangers: whether `edgekit convert` takes them, and whether the files it makes answer as Keras does.

    python benchmarks/strangers.py --files DIR [--formats float32,int8] [--only 1,5-9] [--again] [--answers DIR]
                                   [--reference 2.14=PYTHON]

benchmarks/strangers.json lists files of public repositories and the rule that drew them before any was tried; none is
dropped. They are not in this repository: DIR holds number N of the list, which is
https://raw.githubusercontent.com/REPOSITORY/COMMIT/PATH, as NNN_OWNER+NAME/FILENAME. Their sha256 is checked.

For each file, each step in a process of its own with a limit of 300 s:
- Keras alone: tf_keras for files of Keras 2 and Keras 3 for its own, without compiling, in safe mode; what holds code
  or names modules outside of Keras is never given to it. 16 seeded random inputs go through it one by one, each from
  fresh states. `could_load` says whether it loads the file without code of the file's own: true, false, "on Windows
  only" (Keras 2.12 to 2.15 wrote backslashes into `.keras` files there; a copy with slashes is loaded), or "old Keras
  only" (`.keras` files of 2.12 to 2.14, whose weights later ones do not find). `--reference`, which may be given more
  than once, names another interpreter, with a TensorFlow of the same version, that gives the answers for these.
- `edgekit convert` to each format; int8 with 64 calibration samples from the same distribution, not the same samples.
- LiteRT on the result: signal power by error power, in dB, of the worst output. Where the file ends in a softmax, this
  is taken before it (of centred values), as EdgeKit's own comparison does; the dB of the answers themselves stand
  beside it, and so do those before a sigmoid, which do not count.
  Beside int8 below 15 dB stands `plain_db`, which TensorFlow's own converter reaches with the same samples, or why it
  fails.

A verdict is "equal" (float32 60 dB or more, int8 15 dB or more), "different (x dB)", "refused: kind" with EdgeKit's
reason, "crashed", or "converted, no reference" where Keras gives no answers.

Each verdict is written to benchmarks/strangers.json as it is found, and those found earlier are kept, unless `--again`
drops them first. `--answers` keeps what Keras says for later runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.measure.environment import environment

HERE = Path(__file__).parents[1]
KERAS = Path(__file__).with_name("_strangers_keras.py")
LITERT = Path(__file__).resolve().with_name("_strangers_litert.py")
WANTED = {"float32": 60.0, "int8": 15.0, "float16": 40.0, "dynamic": 15.0, "int16x8": 40.0}
SECONDS = 300
REFUSALS = (
    ("weights only", r"weights only"),
    ("Keras cannot load", r"must be able to load"),
    ("Lambda", r"A Lambda layer"),
    ("class of Keras", r"is not one of them, because"),
    ("own class", r"names only \w+ classes|[Cc]lasses of your own|custom layer"),
    ("unknown key", r"Every key of a class|This key holds|stand tensors, numbers"),
    ("unknown function", r"names only TensorFlow"),
    ("sizes", r"A layer's sizes are"),
    ("not Keras", r"which is (a|an|empty)\b|no config\.json|first bytes"),
    ("damaged", r"damaged|truncated"),
    ("several inputs", r"several inputs|bound to the model's inputs"),
    ("open shape", r"fixed input shapes|know its input shape|known input shape|open number of"),
    ("steps", r"Recurrent layers of an integer file"),
    ("text", r"Text and look-up|Models for devices take numbers"),
    ("no tf_keras equivalent", r"tf_keras equivalent|that tf_keras has|must take in tf_keras"),
    ("the copy differs", r"must give the same outputs|must run on the same inputs"),
    ("operators", r"builtin operators only"),
    ("contract", r"keeps its contract"),
    ("limits", r"CPU time|resident memory|at most"),
    ("data", r"samples|splits?\b|\.npz"),
)
"""Kinds of EdgeKit's refusals, by what its one line says; the first that fits."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=Path, required=True)
    parser.add_argument("--formats", default="float32,int8")
    parser.add_argument("--only", default="", help="Numbers of the list, such as 1,5-9.")
    parser.add_argument("--again", action="store_true", help="Drop the verdicts of these files and formats first.")
    parser.add_argument("--answers", type=Path, help="Where Keras's answers are kept.")
    parser.add_argument("--reference", action="append", default=[], metavar="VERSIONS=PYTHON")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    report = json.loads(Path(__file__).with_suffix(".json").read_text())
    if options.output.is_file():
        report = json.loads(options.output.read_text())
    interpreters = dict(_interpreters(options.reference))
    with tempfile.TemporaryDirectory() as name:
        kept = options.answers or Path(name)
        kept.mkdir(parents=True, exist_ok=True)
        for number, file in _chosen(report["files"], options.only):
            results = report.setdefault("results", {}).setdefault(f"{number:03d} {file['repository']}", {})
            formats = options.formats.split(",")
            if options.again:
                for kind in ("keras", *formats):
                    results.pop(kind, None)
            if all(kind in results for kind in ("keras", *formats)):
                continue
            path = _found(options.files, number, file)
            answers = kept / f"{number:03d}.npz"
            said = results["keras"] = _keras(path, answers, interpreters)
            for kind in formats:
                if kind not in results:
                    results[kind] = _verdict(path, kind, answers, said)
                    _write(options.output, report, formats)
                told = results[kind]
                print(f"{number:03d} {kind:8} {told['verdict']:32} {told.get('said', '')[:150]}", flush=True)
            if said.get("why"):
                print(f"    Keras: {said['why']}: {said['said'][:150]}", flush=True)
    _write(options.output, report, options.formats.split(","))
    print(json.dumps(report["summary"], indent=2))


def _write(target: Path, report: dict[str, Any], formats: list[str]) -> None:
    report["summary"] = {**_summary(report["results"], formats), "edgekit": _commit()}
    report["environment"] = environment()
    beside = target.with_name(f".{target.name}.new")
    beside.write_text(json.dumps(report, indent=2) + "\n")
    beside.replace(target)  # a run that is stopped leaves whole files


def _interpreters(given: list[str]) -> Iterator[tuple[str, str]]:
    for each in given:
        versions, _, python = each.partition("=")
        yield from ((version, python) for version in versions.split(","))


def _chosen(files: list[dict[str, Any]], only: str) -> Iterator[tuple[int, dict[str, Any]]]:
    ranges = [part.partition("-") for part in only.split(",") if part]
    wanted = {n for first, _, last in ranges for n in range(int(first), int(last or first) + 1)}
    return ((n, file) for n, file in enumerate(files, 1) if n in wanted or not wanted)


def _found(folder: Path, number: int, file: dict[str, Any]) -> Path:
    path: Path = folder / f"{number:03d}_{file['repository'].replace('/', '+')}" / file["path"].rpartition("/")[2]
    if hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
        raise SystemExit(f"{path} is another file than the one drawn.")
    return path


def _child(command: list[str], folder: Path) -> tuple[int | None, str, str]:
    """(exit code or None at the time limit, stdout, stderr) of a process that is given a few CPUs and no terminal."""
    paths = os.pathsep.join([str(HERE), str(HERE / "converters")])
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": paths}, timeout=SECONDS,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        told = error.stdout or b""  # bytes, in spite of text=True
        return None, told.decode(errors="replace") if isinstance(told, bytes) else told, f"took over {SECONDS} s"
    return done.returncode, done.stdout, done.stderr


def _keras(path: Path, answers: Path, interpreters: dict[str, str]) -> dict[str, Any]:
    """What Keras alone says, from the file beside `answers` if that was kept."""
    kept = answers.with_suffix(".json")
    if kept.is_file():
        said: dict[str, Any] = json.loads(kept.read_text())
        if said.get("answers") or said["could_load"] != "old Keras only" or not _older(said, interpreters):
            return said
    said = _asked(sys.executable, path, answers)
    older = _older(said, interpreters)
    if older and said.get("could_load") == "old Keras only":
        said = _asked(older, path, answers)
        said["could_load"] = said["could_load"] and "old Keras only"
    kept.write_text(json.dumps(said))
    return said


def _older(said: dict[str, Any], interpreters: dict[str, str]) -> str | None:
    version = str(said.get("keras_version", ""))
    return next((python for start, python in interpreters.items() if f"{version}.".startswith(f"{start}.")), None)


def _asked(python: str, path: Path, answers: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        code, out, err = _child([python, str(KERAS), str(path.resolve()), str(answers.resolve())], Path(name))
    try:
        said: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
    except (IndexError, ValueError):
        said = {"could_load": False}
    if code != 0:
        why = "Keras takes too long" if code is None else "Keras crashes"
        said |= {"answers": False, "why": why, "said": " ".join(err.split())[-300:]}
    return said


def _verdict(path: Path, kind: str, answers: Path, said: dict[str, Any]) -> dict[str, Any]:
    """What EdgeKit makes of one file in one format, against what Keras `said`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / f"model{path.suffix}"
        model.write_bytes(path.read_bytes())
        data: list[str] = []
        if kind in ("int8", "int16x8"):
            samples = np.load(answers)["calibration"] if answers.is_file() else np.zeros((96, 4), np.float32)
            np.savez(folder / "data.npz", x_train=samples, y_train=np.arange(len(samples)) % 2)
            data = ["--data", "data.npz", "--calibration", "64"]
        code = "from edgekit.cli import main; main()"
        command = [sys.executable, "-c", code, "convert", model.name, "--format", kind, *data, "-o", "out.tflite"]
        started = time.perf_counter()
        exit_code, out, err = _child([*command, "--json"], folder)
        found: dict[str, Any] = {"exit": exit_code, "seconds": round(time.perf_counter() - started, 1)}
        if exit_code != 0:
            return {**_refusal(exit_code, out, err), **found}
        found["bytes"] = (folder / "out.tflite").stat().st_size
        if not said.get("answers"):
            return {"verdict": "converted, no reference", **found}
        compared = [sys.executable, str(LITERT), "out.tflite", str(answers.resolve())]
        exit_code, out, err = _child(compared, folder)
        if exit_code != 0:
            last = (err.strip().splitlines() or [f"exit code {exit_code}"])[-1]
            return {"verdict": "crashed", "said": f"LiteRT: {last[:300]}", **found}
        measured = json.loads(out.strip().splitlines()[-1])
        db = _counting(measured)
        if kind == "int8" and db < WANTED[kind]:
            plain = [sys.executable, str(KERAS), model.name, str(answers.resolve()), "plain.tflite"]
            exit_code, _, err = _child(plain, folder)
            if exit_code == 0:
                exit_code, out, err = _child([*compared[:2], "plain.tflite", compared[3]], folder)
            if exit_code == 0:
                theirs = json.loads(out.strip().splitlines()[-1])
                measured["plain_db"] = _counting(theirs)
            else:
                measured["plain_fails"] = (err.strip().splitlines() or [f"exit code {exit_code}"])[-1][:300]
    verdict = "equal" if db >= WANTED[kind] else f"different ({db:.1f} dB)"
    return {"verdict": verdict, **measured, **found}


def _counting(measured: dict[str, Any]) -> float:
    """The dB that decide: before a softmax, else of the answers."""
    found: float = measured["answers_db"] if measured.get("last") != "SOFTMAX" else measured["logits_db"]
    return found


def _refusal(code: int | None, out: str, err: str) -> dict[str, Any]:
    try:
        said = " ".join(json.loads(out)["error"].split())
    except (ValueError, KeyError, TypeError):
        said = " ".join((err.strip().splitlines() or [f"exit code {code}"])[-1].split())
    if code not in (1, 2) or "Traceback" in err:
        return {"verdict": "crashed", "said": said[:400]}
    kind = next((kind for kind, pattern in REFUSALS if re.search(pattern, said)), "other")
    return {"verdict": f"refused: {kind}", "said": said[:400]}


def _summary(results: dict[str, Any], formats: list[str]) -> dict[str, Any]:
    loads = {True: "yes", False: "no"}  # others are words already
    summary: dict[str, Any] = {
        "tried": len(results),
        "could_load": Counter(loads.get(could := r["keras"]["could_load"], could) for r in results.values()),
        "keras_gives_no_answers": Counter(r["keras"]["why"] for r in results.values() if r["keras"].get("why")),
    }
    for kind in formats:
        told = [(r["keras"]["could_load"], r["keras"].get("answers"), r[kind]["verdict"])
                for r in results.values() if kind in r]  # fmt: skip
        ours = [verdict for could, _, verdict in told if could]
        compared = [verdict for could, answers, verdict in told if could and answers]
        summary[kind] = {
            "keras_could_load": len(ours),
            "of_these": Counter("different" if v.startswith("different") else v for v in ours),
            "with_answers_of_keras": len(compared),
            "equal": compared.count("equal"),
            "equal_share": round(compared.count("equal") / len(compared), 3) if compared else None,
            "keras_could_not_load": Counter(verdict for could, _, verdict in told if not could),
        }
        below = [r[kind] for r in results.values() if "plain_db" in r.get(kind, {})]
        if below:  # by noise of 1 dB either way
            ours_less = sum(_counting(b) < b["plain_db"] - 1 for b in below)
            summary[kind] |= {"below_15_db_and_plain_measured": len(below), "of_these_plain_is_1_db_better": ours_less}
    return summary


def _commit() -> str:
    said = subprocess.run(["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return said.stdout.strip()


if __name__ == "__main__":
    main()
