"""Archives whose directory or headers lie: refused before memory is taken."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.lib.format
import pytest

from edgekit.errors import DataError
from edgekit.npz import read_npz


def _declared(path: Path, shape: tuple[int, ...], content: bytes, descr: Any = "<f4") -> None:
    head = io.BytesIO()
    write: Any = numpy.lib.format.write_array_header_1_0
    write(head, {"descr": descr, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", head.getvalue() + content)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_honest_ones(save: Any, tmp_path: Path) -> None:
    arrays = {
        "x": np.asfortranarray(np.random.default_rng(0).random((9, 4))), "n": np.array(3), "e": np.zeros((0, 3)),
        "t": np.array(["a", "bb"]),
    }  # fmt: skip
    save(tmp_path / "a.npz", **arrays)
    names, read = read_npz(tmp_path / "a.npz", what="It")
    assert names == list(arrays) and all((read[k] == arrays[k]).all() for k in arrays)
    assert list(read_npz(tmp_path / "a.npz", ("x", "absent"), what="It")[1]) == ["x"]


@pytest.mark.parametrize(
    ("shape", "content", "descr", "said"),
    [
        ((1 << 40,), b"abcd", "<f4", "declares 4,398,046,511,104 bytes and stores 4"),
        ((10**100,), b"abcd", "<f4", "more than 10"),
        ((1,), b"abcdefgh", "<f4", "stores 8"),
        ((-1,), b"abcd", "<f4", "impossible shape"),
        ((1,), b"abcd", "|O", "pickled objects can run code"),
        ((1,), b"abcd", [("a", "<f4")], "the dtype"),
        ((10**9,), b"", "<U0", "the dtype"),
        ((1,), b"abcdefgh", "<M8[s]", "the dtype"),
    ],
)
def test_headers_that_lie(shape: tuple[int, ...], content: bytes, descr: Any, said: str, tmp_path: Path) -> None:
    _declared(tmp_path / "a.npz", shape, content, descr)
    with pytest.raises(DataError, match=said):
        read_npz(tmp_path / "a.npz", what="It")


def test_bombs_and_crowds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgekit.npz._FREE", 1 << 20)
    path = tmp_path / "a.npz"
    _declared(path, (1 << 23,), bytes(4 << 23))
    with pytest.raises(DataError, match="arrays of 33,554,432 bytes in a file of"):
        read_npz(path, what="It")
    for count in (65, 30_000):
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}.npy", b"")
        with pytest.raises(DataError, match="more than 64"):
            read_npz(path, what="It")


def test_a_name_stands_once(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x.npy", b"")
        archive.writestr("x.npy", b"")
    with pytest.raises(DataError, match="'x' twice"):
        read_npz(tmp_path / "a.npz", what="It")
