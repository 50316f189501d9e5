"""docs/reference says what the code says, and all of it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from edgekit import passes, registry
from edgekit.data import DataSpec
from edgekit.passes import load_pass
from edgekit.recipe import Recipe
from edgekit.training import Distillation, Finetune, Objective, Train
from edgekit_converters.exporters import exporter_names, load_exporter

ROOT = Path(__file__).parents[1]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generator()


@pytest.mark.parametrize("name", GENERATE.PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == GENERATE.text_of(name), "run: make docs"


def test_there_are_no_other_pages() -> None:
    assert {path.name for path in (ROOT / "docs" / "reference").iterdir()} == set(GENERATE.PAGES)


PARTS: list[type[BaseModel]] = [
    Recipe, DataSpec, *GENERATE.operations(), Train, Finetune, Objective, Distillation,
    *(load_pass(name) for name in registry.names(passes)), *(load_exporter(name) for name in exporter_names()),
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_is_described(part: type[BaseModel]) -> None:
    assert not [name for name, field in part.model_fields.items() if not field.description]


def test_every_environment_variable_is_told() -> None:
    sources = [
        *(ROOT / "edgekit").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "device_tests").rglob("*.py"),
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"\b(EDGEKIT_[A-Z_]+|ANDROID_[A-Z_]+[A-Z])\b", text))
    symbols = {"EDGEKIT_", "EDGEKIT_NET"}  # the second one is Zephyr's, of a package that a test makes
    assert used - symbols <= set(GENERATE.VARIABLES)


def test_the_pages_need_no_tensorflow() -> None:
    code = f"import sys; sys.argv=['x']; sys.path.insert(0, {str(ROOT / 'docs')!r}); import generate; " + (
        "[page() for page in generate.PAGES.values()]; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
