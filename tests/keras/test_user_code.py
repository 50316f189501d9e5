"""`module:function` whose module imports Keras itself, as users' modules do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow  # TensorFlow loads once more
def test_a_module_that_imports_keras_first(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "import keras\n"
        "def build():\n"
        "    i = keras.Input((4,))\n"
        "    return keras.Model(i, keras.layers.Dense(3, activation='softmax')(i))\n"
    )
    code = "from edgekit.keras import load_model; print(load_model('nets:build').output_shape)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "(None, 3)"
