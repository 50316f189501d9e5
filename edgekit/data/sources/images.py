"""A folder of images by class: `root/CLASS/*.png`, or `root/train/CLASS/...` with `root/test/CLASS/...`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.data.dataset import Raw, Wanted
from edgekit.data.preprocessing import Preprocessing, Resize
from edgekit.errors import DataError
from edgekit.files import regular_file
from edgekit.places import by_place
from edgekit.tensors import Array

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
LARGEST = 8 << 30
"""Bytes of all decoded images of a folder."""
LARGEST_FILE = 1 << 30


def matches(source: str) -> bool:
    """Whether a source is a folder."""
    return os.path.isdir(source)


def read(source: str, wanted: Wanted) -> Raw:
    """Read the images of every class."""
    root = Path(source)
    train = root / "train" if (root / "train").is_dir() else root
    names = tuple(sorted(d.name for d in train.iterdir() if d.is_dir() and not d.name.startswith(".")))
    if len(names) < 2:
        raise DataError(
            "An image folder holds one folder per class, at least two.",
            received=f"{source} with {len(names)}",
            remedy="Arrange it as ROOT/CLASS/IMAGE.png, or ROOT/train/CLASS and ROOT/test/CLASS.",
        )
    x, y = _read_classes(root, train, names, wanted.preprocessing)
    if train != root and (root / "test").is_dir():
        x_test, y_test = _read_classes(root, root / "test", names, wanted.preprocessing)
        return Raw(x, y, x_test, y_test, names)
    return Raw(x, y, label_names=names)


def _read_classes(
    source: Path, root: Path, names: tuple[str, ...], preprocessing: Preprocessing | None
) -> tuple[Array, Array]:
    unknown = sorted(d.name for d in root.iterdir() if d.is_dir() and d.name not in names)
    if unknown:
        raise DataError("The test folder has the classes of the train folder.", received=f"also {', '.join(unknown)}")
    resize = preprocessing.resize if preprocessing else None
    files = [(f, i) for i, name in enumerate(names) for f in _images(root / name)]
    if not files:
        raise DataError("An image folder holds images.", received=f"none with {', '.join(sorted(SUFFIXES))} in {root}")
    room = _Room(source, resize)
    for file, _ in files:
        room.add(file)
    images = []
    for file, _ in files:
        image = _read_image(file)
        if room.colour and image.ndim == 2:  # grey and colour mixed: colour for all
            image = np.repeat(image[..., np.newaxis], 3, -1)
        image = image[..., np.newaxis] if image.ndim == 2 else image
        images.append(resize.apply(image[np.newaxis])[0] if resize else image)
    shapes = {i.shape for i in images}
    if len(shapes) > 1:
        raise DataError(
            "Images of one data set have one size.",
            received=f"{len(shapes)} sizes, such as {' and '.join(str(list(s[:2])) for s in sorted(shapes)[:2])}",
            remedy=f"To bring them to one size, {_resized()}.",
        )
    return np.stack(images), np.array([label for _, label in files])


class _Room:
    """Bytes that the images of a folder take together, as their headers say, before any of them is decoded."""

    def __init__(self, source: Path, resize: Resize | None) -> None:
        self.colour, self._root, self._resize, self._pixels = False, source.resolve(), resize, 0

    def add(self, path: Path) -> None:
        """Count one more image.

        Raises:
            DataError: It is no regular file, leads out of the folder, is unreadable, or all of them are too large.
        """
        regular_file(path, most=LARGEST_FILE, what="An image", remedy="Remove or replace it.")
        if not path.resolve().is_relative_to(self._root):
            raise DataError(
                "Images must be inside their folder.",
                received=f"{path}, a link that leads out of {self._root}",
                remedy="Copy the image there, or name the folder that holds both.",
            )
        with _opened(path) as image:
            width, height = image.size
            self.colour = self.colour or not _is_grey(image)
        self._pixels += self._resize.height * self._resize.width if self._resize else width * height
        size = self._pixels * (3 if self.colour else 1)
        if size > LARGEST:
            raise DataError(
                f"Images of one data set take at most {LARGEST:,} bytes, decoded.",
                received=f"{size:,} bytes up to {path}",
                remedy=f"Give fewer; or, to make them smaller, {_resized()}.",
            )


def _resized() -> str:
    """How a user says that images are resized, where he stands."""
    return by_place(
        command="use a recipe with data: {preprocessing: [{resize: {height: 96, width: 96}}]}",
        python='give data=edgekit.data.DataSpec(source=..., preprocessing=[{"resize": {"height": 96, "width": 96}}])',
        recipe="add to data.preprocessing: {resize: {height: 96, width: 96}}",
    )


def _images(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES) if folder.is_dir() else []


def _is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "I;16")


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An image whose header is read; what fails inside is told as well.

    Raises:
        DataError: It is damaged, or would take far more memory than its file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except Exception as error:  # Pillow's readers raise errors of every kind on damaged bytes
        raise DataError(
            "Every image must be readable.", received=f"{path} ({str(error)[:300]})", remedy="Remove or replace it."
        ) from None


def _read_image(path: Path) -> Array:
    with _opened(path) as image:
        return np.asarray(image.convert("L" if _is_grey(image) else "RGB"))
