"""Files that were made to do harm: what they name is never opened, and what they ask for is never taken."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.keras.files.plain import PlainModel
from edgekit.keras.files.reading import read_model

CONFIG = {
    "class_name": "Sequential",
    "config": {
        "name": "m",
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "name": "in"}},
            {"class_name": "Dense", "config": {"name": "dense", "units": 2}},
        ],
    },
}
Tamper = Callable[[h5py.File, Path], None]


def write_h5(path: Path, tamper: Tamper = lambda file, folder: None, config: Any = CONFIG) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs.create("model_config", json.dumps(config), dtype=h5py.string_dtype())
        file.attrs["keras_version"] = "2.15.0"
        group = file.create_group("model_weights/dense")
        file["model_weights"].attrs["layer_names"] = [b"in", b"dense"]
        group.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        group["dense/kernel:0"], group["dense/bias:0"] = np.ones((3, 2), np.float32), np.zeros(2, np.float32)
        tamper(file, path.parent)
    return path


def write_keras(path: Path, tamper: Tamper = lambda file, folder: None, config: Any = CONFIG, **more: bytes) -> Path:
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        group = file.create_group("model_weights")
        group["layers/dense/vars/0"] = np.ones((3, 2), np.float32)
        group["layers/dense/vars/1"] = np.zeros(2, np.float32)
        tamper(file, path.parent)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        members = {
            "config.json": json.dumps(config).encode(),
            "metadata.json": b'{"keras_version": "3.10.0"}',
            "model.weights.h5": weights.getvalue(),
        } | more
        for name, data in members.items():
            archive.writestr(name, data)
    return path


WRITERS: dict[str, Callable[..., Path]] = {"m.h5": write_h5, "m.keras": write_keras}


def _replace(link: Any) -> Tamper:
    def tamper(file: h5py.File, folder: Path) -> None:
        file["model_weights"]["more"] = link(folder) if callable(link) else link

    return tamper


def _external_storage(file: h5py.File, folder: Path) -> None:
    file["model_weights"].create_dataset("more", (8,), "u1", external=[(str(folder / "secret"), 0, 8)])


def _virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((8,), "u1")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "data", (8,))
    file["model_weights"].create_virtual_dataset("more", layout)


def _never_written(file: h5py.File, folder: Path) -> None:
    file["model_weights"].create_dataset("more", (1 << 32,), "f4", fillvalue=1.0)


def _never_written_chunks(file: h5py.File, folder: Path) -> None:
    file["model_weights"].create_dataset("more", (1 << 32,), "f4", chunks=(1 << 20,))


def _packed(file: h5py.File, folder: Path) -> None:
    file["model_weights"].create_dataset("more", data=np.zeros(40 << 20, np.float32), compression="gzip")


def _circle(file: h5py.File, folder: Path) -> None:
    file["model_weights"]["dense/again"] = file["model_weights"]


def _deep(file: h5py.File, folder: Path) -> None:
    file["model_weights"].create_group("/".join("a" * 200))


def _texts(file: h5py.File, folder: Path) -> None:
    file["model_weights"]["more"] = np.array(["a", "b"], dtype=h5py.string_dtype())


def _records(file: h5py.File, folder: Path) -> None:
    file["model_weights"]["more"] = np.zeros(3, np.dtype([("a", "f4"), ("b", "i4")]))


def _references(file: h5py.File, folder: Path) -> None:
    file["model_weights"]["more"] = np.array([file["model_weights"].ref], dtype=h5py.ref_dtype)


def _type(file: h5py.File, folder: Path) -> None:
    file["model_weights"]["more"] = np.dtype("f4")


def _empty(file: h5py.File, folder: Path) -> None:
    file["model_weights"]["more"] = h5py.Empty("f4")


TAMPERED: dict[str, Tamper] = {
    "soft link": _replace(h5py.SoftLink("/model_weights")),
    "dangling soft link": _replace(h5py.SoftLink("/nowhere")),
    "external link": _replace(lambda folder: h5py.ExternalLink(str(folder / "other.h5"), "data")),
    "external link to nothing": _replace(h5py.ExternalLink("/nowhere.h5", "data")),
    "external storage": _external_storage,
    "virtual data set": _virtual,
    "16 GB that were never written": _never_written,
    "16 GB of chunks that were never written": _never_written_chunks,
    "zeros that unpack to 160 MB": _packed,
    "a circle of groups": _circle,
    "200 groups deep": _deep,
    "texts": _texts,
    "records": _records,
    "references": _references,
    "a stored type": _type,
    "an empty data set": _empty,
}


@pytest.mark.parametrize("attack", TAMPERED)
@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_followed_and_nothing_is_taken(name: str, attack: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"12345678")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["data"] = np.arange(8, dtype="u1")
    path = WRITERS[name](tmp_path / name, TAMPERED[attack])
    with pytest.raises(ModelError, match="Received: .*m.(h5|keras)"):
        read_model(path)


@pytest.mark.parametrize("name", WRITERS)
def test_an_honest_file_passes_through(name: str, tmp_path: Path) -> None:
    plain = read_model(WRITERS[name](tmp_path / name))
    again = PlainModel.unpack(*plain.pack())
    assert (
        again.config == plain.config
        and again.weights.shapes == [(2,), (3, 2)]
        or again.weights.shapes == [(3, 2), (2,)]
    )
    assert all(
        np.array_equal(a, b) for a, b in zip(again.weights.arrays.values(), plain.weights.arrays.values(), strict=True)
    )


@pytest.mark.parametrize("link", [h5py.SoftLink("/other"), h5py.ExternalLink("/etc/passwd", "/")])
def test_the_weights_themselves_may_not_be_a_link(link: Any, tmp_path: Path) -> None:
    def tamper(file: h5py.File, folder: Path) -> None:
        del file["model_weights"]
        file["model_weights"] = link

    with pytest.raises(ModelError, match="links to other places"):
        read_model(write_h5(tmp_path / "m.h5", tamper))


def test_the_weights_lie_in_a_group(tmp_path: Path) -> None:
    def tamper(file: h5py.File, folder: Path) -> None:
        del file["model_weights"]
        file["model_weights"] = np.zeros(3, np.float32)

    with pytest.raises(ModelError, match="which is an array"):
        read_model(write_h5(tmp_path / "m.h5", tamper))


@pytest.mark.parametrize("config", [{}, [], 3, None, "text", {"class_name": "Sequential"}])
@pytest.mark.parametrize("name", WRITERS)
def test_other_configurations(name: str, config: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        read_model(WRITERS[name](tmp_path / name, config=config))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"{", b"\xff\xfe", b"NaN", b"1" * 10_000])
def test_other_texts(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        read_model(write_keras(tmp_path / "m.keras", **{"config.json": text}))
    with pytest.raises(ModelError):
        read_model(write_keras(tmp_path / "m.keras", **{"metadata.json": text}))


def test_archives_are_bounded(tmp_path: Path) -> None:
    path = write_keras(tmp_path / "bomb.keras", **{"config.json": b" " * (200 << 20)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ModelError, match="config.json"):
        read_model(path)
    path = write_keras(tmp_path / "twice.keras")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", json.dumps(CONFIG))
    with pytest.raises(ModelError, match="one member of each name"):
        read_model(path)
    path = write_keras(tmp_path / "many.keras", **{f"assets/{i}": b"" for i in range(10_001)})
    with pytest.raises(ModelError, match="members"):
        read_model(path)


def test_the_first_bytes_choose_the_reader(tmp_path: Path) -> None:
    write_h5(tmp_path / "m.keras")
    assert read_model(tmp_path / "m.keras").form == "h5"
    (tmp_path / "m.h5").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(ModelError, match=r"complete .keras archive"):
        read_model(tmp_path / "m.h5")
    (tmp_path / "o.h5").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(ModelError, match="GGUF"):
        read_model(tmp_path / "o.h5")


@pytest.mark.parametrize("reply", [({}, []), ({"paths": ["a"]}, [np.zeros(3, np.uint8)]), ({"paths": 3}, [])])
def test_a_child_that_was_taken_over_is_not_believed(reply: Any) -> None:
    with pytest.raises(ModelError, match="EdgeKit's own form"):
        PlainModel.unpack(*reply)
