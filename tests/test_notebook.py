"""The notebook of the examples, run as a user would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook" / "compress.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_shows_its_results(shared_data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path)]
    environment = {k: v for k, v in os.environ.items() if k not in ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND")}
    copy = tmp_path / "input" / NOTEBOOK.name  # it runs in the folder that it lies in
    copy.parent.mkdir()
    copy.write_bytes(NOTEBOOK.read_bytes())
    done = subprocess.run(
        [*command, str(copy)],
        capture_output=True,
        text=True,
        env=environment | {"EDGEKIT_DATA": str(shared_data), "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = json.loads((tmp_path / NOTEBOOK.name).read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    tables = ["".join(o["data"]["text/html"]) for o in outputs if "text/html" in o.get("data", {})]
    assert any("times smaller than the baseline" in table for table in tables)
    printed = "".join("".join(o.get("text", "")) for o in outputs)
    assert "parameters" in printed and "accuracy 0." in printed
    assert (copy.parent / "runs" / "fashion_firmware" / "fashion_data.cc").is_file()


def test_the_committed_notebook_holds_no_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
