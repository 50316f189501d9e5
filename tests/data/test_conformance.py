"""What every data source must do; those that fetch a set from the network are held to it where that is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit import registry
from edgekit.data import sources
from edgekit.testing import check_source

FETCHES = {"keras"}
RNG = np.random.default_rng(0)
LABELS = np.arange(40) % 2
FUNCTION = "import numpy as np\n\ndef pair():\n    return np.random.default_rng(0).random((40, 3)), np.arange(40) % 2\n"


def made(name: str, folder: Path) -> str:
    """Something in a folder that a source reads."""
    if name == "npz":
        np.savez(folder / "d.npz", x_train=RNG.random((40, 3)), y_train=LABELS)
    elif name == "csv":
        rows = [f"{x},{y}" for x, y in zip(RNG.random(40), LABELS, strict=True)]
        (folder / "d.csv").write_text("\n".join(["x,label", *rows]))
    elif name == "text":
        (folder / "d.tsv").write_text("\n".join(f"some words {n}\t{'ab'[y]}" for n, y in enumerate(LABELS)))
    elif name == "images":
        for label in "ab":
            (folder / label).mkdir()
            for n in range(20):
                Image.fromarray(RNG.integers(0, 256, (4, 4, 3), dtype=np.uint8)).save(folder / label / f"{n}.png")
    elif name == "function":
        (folder / "conforming_data.py").write_text(FUNCTION)
    files = {"npz": "d.npz", "csv": "d.csv", "text": "d.tsv", "images": ""}
    return {"digits": "digits", "function": "conforming_data:pair"}.get(name) or str(folder / files[name])


@pytest.mark.parametrize("name", sorted({*registry.names(sources)} - FETCHES))
def test_it_conforms(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    check_source(registry.load(sources, name), made(name, tmp_path))
