"""Arm's Vela, the compiler for Ethos-U, asked for its estimate of a model; lives in the child process."""

from __future__ import annotations

import csv
import importlib
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from edgekit._tf import captured_output

__all__ = ["CONFIGS", "estimated", "load_package"]

# Weights in flash, activations in SRAM that the NPU shares with the Cortex-M (Vela's "Shared_Sram"): what a
# microcontroller has. Vela's own default for U65 and U85 is DRAM, as beside a Linux host.
CONFIGS = {
    "ethos-u55-128": "Ethos_U55_High_End_Embedded",
    "ethos-u55-256": "Ethos_U55_High_End_Embedded",
    "ethos-u65-256": "Ethos_U65_Embedded",
    "ethos-u85-256": "Ethos_U85_SYS_Flash_High",
}
_CPU = "Passthrough"  # Vela's name for what it leaves alone
_KIB = 1024
_REASON = re.compile(r"Warning \(supported operators\) operator: (\w+), ofm: '(.*)'$")


def load_package() -> Any:
    """Vela's module of the package ethos-u-vela.

    Raises:
        ImportError: It is not installed, or its native code does not fit this machine.
    """
    return importlib.import_module("ethosu.vela.vela")


def estimated(model_path: str, config: str) -> dict[str, Any]:
    """Vela's estimate, as `edgekit.runtimes.ethos_u` reads it.

    Args:
        model_path: The `.tflite`.
        config: One of `CONFIGS`.

    Raises:
        RuntimeError: Vela refuses the model; the message is what it printed last.
    """
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "model.tflite")  # the user's name may be any
        link.symlink_to(model_path)
        arguments = [str(link), "--output-dir", folder, "--config", "Arm/vela.ini", "--memory-mode", "Shared_Sram"]
        arguments += ["--accelerator-config", config, "--system-config", CONFIGS[config]]
        arguments += ["--verbose-performance", "--enable-debug-db"]
        said = _compile(arguments)
        (summary,) = Path(folder).glob("*_summary_*.csv")
        debug = Path(folder, "model_debug.xml").read_text(encoding="utf-8", errors="replace")
        return {**_told(summary, debug, said), "flash": Path(folder, "model_vela.tflite").stat().st_size}


def _compile(arguments: list[str]) -> list[str]:
    vela = load_package()
    failure: BaseException | None = None
    with captured_output() as lines:
        try:
            code = vela.main(arguments)
        except (Exception, SystemExit) as error:  # Vela's own errors, and argparse's way to refuse
            code, failure = 1, error
    if code:
        telling = [line.strip() for line in lines if line.strip() and not line.startswith("Warning")]
        raise RuntimeError(str(failure or "") or (telling[-1] if telling else f"exit code {code}")) from failure
    return lines


def _told(summary: Path, debug: str, said: list[str]) -> dict[str, Any]:
    with summary.open(newline="") as file:
        totals = next(csv.DictReader(file))
    sources = {row[0]: row for row in _rows(debug, "source")}
    cycles: defaultdict[str, int] = defaultdict(int)
    on_cpu: dict[str, None] = {}
    for row in _rows(debug, "perf"):
        source, operator, spent = row[1], row[3].strip('"'), int(row[6])
        if operator != _CPU:
            cycles[source] += spent
        elif source in sources:  # else the body of a loop that stays there as a whole
            on_cpu[source] = None
    return {
        "cycles": int(float(totals["cycles_total"])),
        "sram": round(float(totals["sram_memory_used"]) * _KIB),
        "weights": int(float(totals["total_original_weights"])),
        "encoded": int(float(totals["total_npu_encoded_weights"])),
        "npu": [[*_place(sources, source), spent] for source, spent in cycles.items()],
        "cpu": sorted(_place(sources, source) for source in on_cpu),
        "reasons": _reasons(said),
    }


def _place(sources: dict[str, list[str]], source: str) -> tuple[int, str]:
    """The operator's place in its graph of the file (-1 for what Vela put in), and Vela's name of it."""
    row = sources.get(source)
    return (int(row[-1]), row[1].strip('"')) if row else (-1, "added by Vela")


def _rows(debug: str, table: str) -> list[list[str]]:
    """A table of the debug database; only its "name" may hold commas, and Vela does not escape its quotes."""
    found = re.search(rf'<table name="{table}">\n<!\[CDATA\[\n(.*?)\n?\]\]>\n</table>', debug, re.DOTALL)
    if not found:
        return []
    head, *lines = found[1].split("\n")
    columns = [column.strip('"') for column in head.split(",")]
    if "name" not in columns:
        return [line.split(",") for line in lines]
    before = columns.index("name")
    after = len(columns) - before - 1
    rows = []
    for line in lines:
        left = line.split(",", before)
        rows.append([*left[:before], *left[-1].rsplit(",", after)])
    return [row for row in rows if len(row) == len(columns)]


def _reasons(said: list[str]) -> dict[str, str]:
    """Why an operator stays on the CPU, by the name of its output tensor; the first of its fused parts speaks."""
    reasons: dict[str, str] = {}
    for place, line in enumerate(said):
        found = _REASON.match(line)
        if found and place + 1 < len(said):
            reason = said[place + 1].strip().removeprefix("Reason: ")
            reasons.setdefault(found[2], re.sub(r" \(.*\)$", "", reason))  # less the tensor's name
    return reasons
