"""A folder of images by class: `root/CLASS/*.png`, or `root/train/CLASS/...` with `root/test/CLASS/...`."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from edgekit.data.dataset import Array, Raw
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import DataError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}


def matches(source: str) -> bool:
    return Path(source).is_dir()


def read(source: str, preprocessing: Preprocessing | None) -> Raw:
    root = Path(source)
    train = root / "train" if (root / "train").is_dir() else root
    names = tuple(sorted(d.name for d in train.iterdir() if d.is_dir() and not d.name.startswith(".")))
    if len(names) < 2:
        raise DataError(
            "An image folder holds one folder per class, at least two.",
            received=f"{source} with {len(names)}",
            remedy="Arrange it as ROOT/CLASS/IMAGE.png, or ROOT/train/CLASS and ROOT/test/CLASS.",
        )
    x, y = _read_classes(train, names, preprocessing)
    if train != root and (root / "test").is_dir():
        x_test, y_test = _read_classes(root / "test", names, preprocessing)
        return Raw(x, y, x_test, y_test, names)
    return Raw(x, y, label_names=names)


def _read_classes(root: Path, names: tuple[str, ...], preprocessing: Preprocessing | None) -> tuple[Array, Array]:
    unknown = sorted(d.name for d in root.iterdir() if d.is_dir() and d.name not in names)
    if unknown:
        raise DataError("The test folder has the classes of the train folder.", received=f"also {', '.join(unknown)}")
    resize = preprocessing.resize if preprocessing else None
    files = [(f, i) for i, name in enumerate(names) for f in _images(root / name)]
    if not files:
        raise DataError("An image folder holds images.", received=f"none with {', '.join(sorted(SUFFIXES))} in {root}")
    images = [_read_image(f) for f, _ in files]
    if len({i.ndim for i in images}) > 1:  # grey and colour mixed: colour for all
        images = [np.repeat(i[..., np.newaxis], 3, -1) if i.ndim == 2 else i for i in images]
    images = [i[..., np.newaxis] if i.ndim == 2 else i for i in images]
    if resize:
        images = [resize.apply(i[np.newaxis])[0] for i in images]
    shapes = {i.shape for i in images}
    if len(shapes) > 1:
        raise DataError(
            "Images of one data set have one size.",
            received=f"{len(shapes)} sizes, such as {' and '.join(str(list(s[:2])) for s in sorted(shapes)[:2])}",
            remedy="Add to the recipe's data.preprocessing: {resize: {height: 96, width: 96}}.",
        )
    return np.stack(images), np.array([label for _, label in files])


def _images(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES) if folder.is_dir() else []


def _read_image(path: Path) -> Array:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return np.asarray(image.convert("L" if image.mode in ("1", "L", "I;16") else "RGB"))
    except Exception as error:  # Pillow's readers raise errors of every kind on damaged bytes
        raise DataError(
            "Every image must be readable.", received=f"{path} ({error})", remedy="Remove or replace it."
        ) from None
