from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.data import DataSpec, load_data
from edgekit.errors import DataError, EdgekitError, UsageError

X = np.random.default_rng(0).random((60, 4)).astype(np.float32)
Y = np.arange(60) % 3


def images(root: Path, classes: str = "ab", count: int = 8, size: tuple[int, int] = (6, 8)) -> Path:
    rng = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 128, (*size, 3), dtype=np.uint8) + np.uint8(100 * number)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, x_train=X, y_train=Y, x_test=X[:9], y_test=Y[:9], label_names=np.array(["a", "b", "c"]))
    data = load_data(str(path))
    assert data.label_names == ("a", "b", "c") and data.classes == 3
    np.testing.assert_array_equal(data.features("test"), X[:9])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": X, "labels": Y}, "holds x_train, y_train.*with images, labels.*Rename"),
        ({"x_train": X}, "x_train and y_train come together"),
        ({"x_train": X, "y_train": Y - 1}, "the label -1 in y_train"),
        ({"x_train": X, "y_train": Y, "label_names": np.array(["a", "b"])}, "from 0 to 1.*the label 2"),
        ({"x_train": X, "y_train": np.array([{}] * 60, object)}, "pickled objects can run code and are refused"),
        ({"x_train": X, "y_train": Y, "label_names": np.array(["a", 1, None], object)}, "pickled objects"),
    ],
)
def test_npz_that_break_a_rule(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message):
        load_data(str(path))


def test_damaged_npz_are_refused_and_never_break_out(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "d.npz", x_train=X, y_train=Y)
    whole, rng = (tmp_path / "d.npz").read_bytes(), random.Random(0)
    damaged = [b"", whole[:20], whole[: len(whole) // 2], whole[:-3], b"PK\x03\x04" + b"\0" * 80]
    for _ in range(150):
        copy = bytearray(whole)
        for _ in range(rng.choice([1, 4, 12])):
            copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(copy))
    refused = 0
    for content in damaged:
        (tmp_path / "t.npz").write_bytes(content)
        try:
            load_data(str(tmp_path / "t.npz"))
        except DataError:
            refused += 1
    assert refused > 100


def test_csv(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'cat' if i % 2 else 'dog'},{2 * i}\n" for i in range(40))
    data = load_data(write(tmp_path / "d.csv", "a,label,b\n" + rows))
    assert data.label_names == ("cat", "dog")
    for part in data.splits.values():
        np.testing.assert_array_equal(part.x[:, 1], 2 * part.x[:, 0])
        np.testing.assert_array_equal(part.y, part.x[:, 0] % 2 == 0)


def test_csv_from_a_spreadsheet(tmp_path: Path) -> None:
    """Which writes a byte order mark and CRLF, and names classes by numbers, which sort as numbers."""
    rows = "".join(f"{10 * (i % 3)},{i}\r\n" for i in range(40))
    data = load_data(write(tmp_path / "d.csv", "\ufefflabel,a\r\n" + rows), task="classification")
    assert data.label_names == ("0", "10", "20") and data.features("train").shape[1:] == (1,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has a header.*0 columns and 0 rows"),
        ("a,label\n", "2 columns and 0 rows"),
        ("label\nx\n", "1 columns"),
        ("a,label\n1,x\n2\n", "has 2 columns.*1 in row 3"),
        ("a,label\n1,x\ntwo,y\n", "are numbers.*'two' in row 3"),
        ("a,label\n1,x\n,y\n", "are numbers.*row 3"),
        ("a,label\n1,x\n2,\n", "has a label.*row 3"),
        ("1,2,0\n3,4,1\n", "names the columns.*begins with 1,2,0"),
        ("a,label\n1,x\nnan,y\n" + "3,x\n" * 9, "x_train must be finite.*sample 1"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_data(write(tmp_path / "d.csv", text))


def test_csv_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"a,label\n\xff\xfe\x00,1\n")
    with pytest.raises(DataError, match="UTF-8"):
        load_data(str(tmp_path / "d.csv"))


def test_image_folder(tmp_path: Path) -> None:
    data = load_data(str(images(tmp_path / "i", count=12)))
    assert data.label_names == ("a", "b")
    for part in data.splits.values():
        np.testing.assert_array_equal(part.x.mean((1, 2, 3)) > 110, part.y)
    assert data.features("train").shape[1:] == (6, 8, 3) and data.features("train").max() <= 1


def test_image_folder_with_its_own_test_split(tmp_path: Path) -> None:
    images(tmp_path / "i" / "train", count=12)
    images(tmp_path / "i" / "test", count=3)
    assert len(load_data(str(tmp_path / "i")).splits["test"]) == 6
    (tmp_path / "i" / "test" / "z").mkdir()
    with pytest.raises(DataError, match="classes of the train folder. Received: also z"):
        load_data(str(tmp_path / "i"))


def test_images_of_unequal_size(tmp_path: Path) -> None:
    root = images(tmp_path / "i", count=12)
    Image.new("RGB", (30, 20), "red").save(root / "a" / "big.png")
    with pytest.raises(DataError, match=r"one size. Received: 2 sizes.*To bring them to one size, .*\{resize"):
        load_data(str(root))
    resize = {"resize": {"height": 5, "width": 5}}
    data = load_data(DataSpec(source=str(root), preprocessing=(resize, "rescale")))
    assert data.features("train").shape[1:] == (5, 5, 3)


def test_grey_images_among_coloured_ones(tmp_path: Path) -> None:
    root = images(tmp_path / "i", count=12)
    Image.new("L", (8, 6), 7).save(root / "a" / "grey.png")
    assert load_data(str(root)).features("train").shape[-1] == 3


def test_corrupt_images_are_named(tmp_path: Path) -> None:
    root, rng = images(tmp_path / "i"), random.Random(1)
    whole = (root / "a" / "0.png").read_bytes()
    for content in (b"", b"not an image", whole[: len(whole) // 2]):
        (root / "a" / "0.png").write_bytes(content)
        with pytest.raises(DataError, match=r"must be readable. Received: .*a/0.png.*Remove or replace it"):
            load_data(str(root))
    for _ in range(150):  # whatever Pillow raises, the user gets our sentence
        copy = bytearray(whole)
        for _ in range(rng.choice([1, 3, 9])):
            copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        (root / "a" / "0.png").write_bytes(copy)
        try:
            load_data(str(root))
        except EdgekitError as error:
            assert "Received" in str(error)


def test_folders_without_classes_or_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least two. Received: .* with 1"):
        load_data(str(images(tmp_path / "one", classes="a")))
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="at least two. Received: .* with 0"):
        load_data(str(tmp_path / "none"))
    (tmp_path / "empty" / "a").mkdir(parents=True)
    (tmp_path / "empty" / "b").mkdir()
    with pytest.raises(DataError, match="holds images. Received: none"):
        load_data(str(tmp_path / "empty"))


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "user_data.py").write_text(
        "import numpy as np\n"
        "x, y = np.random.default_rng(0).random((60, 4)), np.arange(60) % 3\n"
        "def pair(): return x, y\n"
        "def mapping(): return {'x_train': x, 'y_train': y, 'label_names': ['a', 'b', 'c']}\n"
        "def objects(): return np.array([{}] * 60), y\n"
        "def nothing(): return None\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    sys.modules.pop("user_data", None)
    return "user_data"


def test_module_and_function(code: str) -> None:
    assert load_data(f"{code}:pair").classes == 3
    assert load_data(f"{code}:mapping").label_names == ("a", "b", "c")
    with pytest.raises(DataError, match="objects in x_train"):
        load_data(f"{code}:objects")
    with pytest.raises(DataError, match="Received: NoneType"):
        load_data(f"{code}:nothing")
    with pytest.raises(UsageError, match="Did you mean 'pair'"):
        load_data(f"{code}:pairs")
    with pytest.raises(UsageError, match="importable module.*Run from the folder that holds no_such_module.py"):
        load_data("no_such_module:f")


@pytest.mark.parametrize("source", ["absent.npz", "absent.csv", "digit", "no/such/folder"])
def test_missing_sources_say_what_to_do(source: str) -> None:
    with pytest.raises(DataError, match=f"Received: '{source}'. Check"):
        load_data(source)
