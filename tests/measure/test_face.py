"""The room's face: every name is there, and costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgekit import measure


@pytest.mark.parametrize("name", measure.__all__)
def test_every_name_is_there(name: str) -> None:
    found = getattr(measure, name)
    assert found.__name__ == name or name == "BenchmarkResult"
    assert found.__module__.startswith("edgekit.measure.")


def test_another_name_is_none_of_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        _ = measure.guess


def test_the_face_alone_imports_nothing() -> None:
    code = "import sys, edgekit.measure; assert not {'numpy', 'edgekit.training', 'edgekit.tflite'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
