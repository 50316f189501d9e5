"""SKILL.md says what is true: its commands and options exist, its JSON has the keys, and its loop can be followed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from command_lines import LEAVES

from edgekit import registry
from edgekit.cli import commands

TEXT = (Path(__file__).parents[2] / "edgekit" / "SKILL.md").read_text(encoding="utf-8")
SAID = sorted(set(re.findall(r"`(edgekit [a-z][^`]*)`", TEXT)))


def test_it_is_printed_and_has_a_head(cli: Any) -> None:
    assert cli("skill").out == TEXT and json.loads(cli("skill", "--json").out)["text"] == TEXT
    head = TEXT.split("---")[1]
    assert "\nname: edgekit\n" in head and "\ndescription: " in head


@pytest.mark.parametrize("command", SAID)
def test_every_command_and_option_exists(command: str, cli: Any) -> None:
    name, *arguments = shlex.split(command)[1:]
    assert name in registry.names(commands)
    inner = [word for word in arguments[:1] if (name, word) in LEAVES]
    shown = cli(name, *inner, "--help").out
    for argument in arguments:
        if argument.startswith("-"):
            assert re.search(rf"(^|[\s,]){re.escape(argument)}\b", shown), f"{command}: {argument}"


def test_every_pass_and_format_of_it_is_known() -> None:
    order = re.search(r"in the order ([a-z_, ]+);", TEXT)
    assert order is not None
    from edgekit import passes
    from edgekit.passes import load_pass

    named = order[1].split(", ")
    assert set(named) == set(registry.names(passes))
    stages = [load_pass(name).stage for name in named]
    assert stages == sorted(stages)


def test_the_json_has_the_keys_that_it_names(finished: Any) -> None:
    """A run that is read as step 5 says."""
    told = json.loads((finished.output / "manifest.json").read_text())
    assert isinstance(told["budget"]["met"], bool) and isinstance(told["budget"]["violations"], list)
    named = TEXT.partition("for each of `models`:")[2].partition(". Where the interval")[0]
    for model in told["models"]:
        for key in re.findall(r"`([a-z_]+)`", named):
            assert key in model, key
        assert model["parity"]["sqnr_db"] > 0
    assert "parity.sqnr_db" in TEXT


def test_the_loop_can_be_followed(cli: Any, tmp_path: Path, finished: Any) -> None:
    """init, compress with one change, read the verdict; then again, where finished steps are kept."""
    recipe = json.loads(cli("init", tmp_path / "new", "--json").out)["recipe"]
    change = ["--set", "train.epochs=1", "--set", "passes=[{qat: {finetune: none}}]", "--json", "--quiet"]
    first = cli("compress", recipe, "-o", tmp_path / "run", *change)
    assert first.code in (0, 3)
    again = cli("compress", recipe, "-o", tmp_path / "run", *change, "--set", "budget.accuracy_drop=1")
    told = json.loads(again.out)
    assert again.code == 0 and told["budget"]["met"] and all(step["cached"] for step in told["steps"][:1])
    model = tmp_path / "run" / told["selected"]
    assert json.loads(cli("inspect", model, "--json").out)["quantization"] == "int8"
