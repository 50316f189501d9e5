"""The command line answers without TensorFlow: it is neither imported for help nor needed to inspect and measure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit import registry
from edgekit.cli import commands
from edgekit.runtimes import PROBE

HEAVY = (
    "tensorflow", "tf_keras", "keras", "tensorflow_model_optimization", "optuna", "ray", "sklearn",
)  # fmt: skip

RUN = """
import sys
from edgekit.cli import main
HEAVY = {heavy}
for arguments in {commands}:
    try:
        main(arguments)
    except SystemExit as end:
        assert not end.code, (arguments, end.code)
    found = [n for n in HEAVY if n in sys.modules]
    assert not found, (arguments, found)
"""

BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def test_no_help_loads_a_heavy_library() -> None:
    asked = [["--help"], ["--version"], *([name, "--help"] for name in registry.names(commands))]
    script = RUN.format(heavy=HEAVY, commands=asked)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for name in registry.names(commands):
        assert f"Usage: edgekit {name}" in done.stdout


def test_python_runs_the_command_line_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "edgekit", "inspect", "no.tflite"], capture_output=True, text=True)
    assert done.returncode == 1 and "no.tflite" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "named",
    [
        "passes.QAT",
        "data.DataSpec",
        "errors.EdgekitError",
        "observer.StepFinished",
        "testing.check_pass",
        "layers",
        "convert",
    ],
)
def test_what_users_name_needs_one_import(named: str) -> None:
    script = f"import edgekit, sys; assert {named.partition('.')[0]!r} in dir(edgekit); edgekit.{named}; " + (
        f"assert not {{*{HEAVY}}} & {{*sys.modules}}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_light_commands_do_not_load_one_either() -> None:
    asked = [["inspect", str(PROBE)], ["schema"], ["passes"], ["benchmark", str(PROBE), "--runs", "2"]]
    script = RUN.format(heavy=HEAVY, commands=asked)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def edgekit_without_tensorflow(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where TensorFlow and its like cannot be imported, in the children too."""
    (tmp_path / "sitecustomize.py").write_text(BLOCK.format(heavy=HEAVY))
    script = "import sys; from edgekit.cli import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )


def test_without_tensorflow(tmp_path: Path) -> None:
    inspected = edgekit_without_tensorflow(tmp_path, "inspect", str(PROBE), "--json")
    assert json.loads(inspected.stdout)["schema"] == "edgekit.inspect/1", inspected.stderr
    timed = edgekit_without_tensorflow(
        tmp_path, "benchmark", str(PROBE), "--runtime", "litert", "--runs", "3", "--json"
    )
    assert json.loads(timed.stdout)["results"][0]["latency_ms"]["p50"] > 0, timed.stderr
    (tmp_path / "m.h5").write_bytes(b"x")
    refused = edgekit_without_tensorflow(tmp_path, "convert", "some:model", "--format", "float32")
    assert refused.returncode == 2 and "importable module" in refused.stderr
    digits = edgekit_without_tensorflow(tmp_path, "evaluate", str(PROBE), "--data", "digits")
    assert digits.returncode == 1 and "pip install 'edgekit[train]'" in digits.stderr
    assert "Traceback" not in refused.stderr + digits.stderr


LIGHT = """
import gc, importlib.util, locale, shutil, signal, sys, threading, typing, click, click._textwrap
before = set(sys.modules)
from edgekit.cli import main
main(["--help"])
print(*(set(sys.modules) - before), file=sys.stderr)
"""


def test_help_loads_little_beside_click() -> None:
    """What takes its time are modules, and unlike the time they are the same on every machine."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, timeout=120)
    assert "Usage: edgekit" in done.stdout and " sensitivity " in done.stdout
    ours = {"edgekit", "edgekit.cli", "edgekit.cli.commands", "edgekit.interrupt"}
    assert ours <= set(done.stderr.split()) <= ours | {"pkgutil", "zipimport"}, done.stderr


@pytest.mark.parametrize("name", commands.names())
def test_help_quotes_what_a_command_says_of_itself(name: str) -> None:
    assert commands.summary(name) == registry.load(commands, name).SUMMARY
    assert f'SUMMARY = "{commands.summary(name)}"' in Path(str(registry.load(commands, name).__file__)).read_text()


def test_its_own_exporters_and_targets_are_found_without_reading_every_installed_package() -> None:
    script = """
import importlib.metadata
entry_points = importlib.metadata.entry_points
def asked_for(**what):
    assert what, "the entry points of all packages were read"
    return entry_points(**what)  # pydantic looks for plugins of its own
importlib.metadata.entry_points = asked_for
from edgekit.target import load_target
assert load_target("generic").name == "generic"
from edgekit.cli import main
main(["export", "android", "--help"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Usage: edgekit export android" in done.stdout, done.stderr
