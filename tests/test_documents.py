"""The documents, held against the code: their Python runs, their commands are commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from command_lines import LEAVES

from edgekit import _tf
from edgekit.cli import cli
from edgekit.recipe import Recipe
from edgekit.searching.space import parse_space

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("examples/*/README.md")]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDERS = re.compile(r"\b[A-Z]{3,}\b|\||\.\.\.|<|\$")


def _commands(page: Path) -> dict[str, bool]:
    """Command lines of a page, and whether each stands alone: one inside a sentence may leave its arguments out."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    inside = re.findall(r"`(edgekit \w[^`]*)`", text)
    alone = [re.split(r" {2}| #", line.strip())[0] for line in text.splitlines()]
    # "edgekit {" opens a block of a Gradle build file.
    alone = [re.sub(r" > \S+$", "", line) for line in alone if re.match(r"edgekit [^{]", line)]
    said = dict.fromkeys(inside, False) | dict.fromkeys(alone, True)
    return {line: stands for line, stands in said.items() if not PLACEHOLDERS.search(line)}


def _blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in FENCE.findall(page.read_text(encoding="utf-8")) if name == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_command_line_of_a_page_is_one(page: Path) -> None:
    for line, alone in _commands(page).items():
        for part in line.split(" && "):
            words = shlex.split(part)[1:]
            path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in LEAVES), None)
            assert path is not None, f"{page.name}: {part}"
            try:
                # click keeps the help option that it makes first, so it is made as the command line makes it
                LEAVES[path].make_context(" ".join(path), words[len(path) :], **cli.context_settings)
            except click.exceptions.Exit:  # --help
                continue
            except click.MissingParameter as error:
                assert not alone, f"{page.name}: {part}: {error.format_message()}"
            except click.UsageError as error:
                pytest.fail(f"{page.name}: {part}: {error.format_message()}")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_recipe_of_a_page_is_one(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in _blocks(page, "yaml"):
        content = yaml.safe_load(text)
        if isinstance(content, dict) and "search" in content:
            if content.get("model") == "trained.keras":  # a space whose layers are looked up in the file
                _model_of_digits().save("trained.keras")
            parse_space(content)
        elif isinstance(content, dict) and "model" in content:
            Recipe.model_validate(content)


def _model_of_digits() -> Any:
    keras = _tf.tf_keras()
    layers = [keras.layers.Conv2D(8, 3, activation="relu") for _ in range(2)]
    top = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10, activation="softmax")]
    return keras.Sequential([keras.layers.Input((8, 8, 1)), *layers, *top])


def test_commands_are_found_in_the_pages() -> None:
    assert sum(len(_commands(page)) for page in PAGES) > 40


@pytest.mark.slow
def test_the_tutorial_runs_from_top_to_bottom(tmp_path: Path) -> None:
    blocks = _blocks(ROOT / "docs" / "tutorial.md", "python")
    assert len(blocks) >= 5
    script = tmp_path / "tutorial.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if k not in ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND")}
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "times smaller than the baseline" in done.stdout
    assert "top1" in done.stdout and "bytes in runs/digits/" in done.stdout
    assert (tmp_path / "firmware" / "digits_data.cc").is_file()
    assert (tmp_path / "runs" / "digits" / "manifest.json").is_file()
