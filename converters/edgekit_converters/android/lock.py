"""`edgekit.lock`: which model files an app ships, by their digests, and what each may cost.

The file is JSON of the schema `edgekit.lock/1`, the same bytes for the same content: sorted by asset, keys in a fixed
order, a newline at the end. An asset's path is relative to the app's assets folder, with "/" on every system.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    field_validator,
)

from edgekit import __version__
from edgekit.artifact import write_atomically
from edgekit.errors import EdgekitError, clean
from edgekit.files import read_json
from edgekit.ownership import is_inside, writing, written

__all__ = [
    "FILE",
    "SCHEMA",
    "Accuracy",
    "Lock",
    "LockedModel",
    "asset_path",
    "assets_in",
    "lock_model",
    "lock_text",
    "over_budget",
    "read_lock",
    "relative_path",
    "write_lock",
]

SCHEMA = "edgekit.lock/1"
FILE = "edgekit.lock"
LARGEST = 4 << 20
MOST_MODELS = 1000
LONGEST_PATH = 400
_WHAT = "A lock"
_RENEW = "Renew it with: edgekit android lock ASSETS_FOLDER -o edgekit.lock"


def _check_digest(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("a sha256 has 64 hexadecimal digits, in lower case")
    return text


def _check_figure(name: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]{0,63}", name):
        raise ValueError("a figure is called like model_bytes")
    return name


Sha256 = Annotated[str, AfterValidator(_check_digest)]
Number = Annotated[StrictInt | StrictFloat, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Limit = Annotated[StrictInt | StrictFloat, Field(allow_inf_nan=False, ge=0, le=1e15)]
FigureName = Annotated[str, AfterValidator(_check_figure)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accuracy(_Record):
    """What the file that ships was worth on the whole test split.

    Attributes:
        value: Value of the metric.
        low, high: Its 95 % interval; None where there is none.
        metric: "top1" or "mse".
    """

    value: Number
    low: Number | None = None
    high: Number | None = None
    metric: Literal["top1", "mse"]


class LockedModel(_Record):
    """One model that ships.

    Attributes:
        asset: Its path in the app's assets folder, with "/".
        sha256: Hex digest of the file that ships, not of the one that it was made from.
        bytes: Its size.
        budget: Limits by the names of figures, such as `model_bytes`; empty where nothing is limited.
        recipe: Path of the recipe that made it, relative to the lock, with "/"; None where no file is known.
        recipe_sha256: Hex digest of the recipe file's bytes; None where none is known.
        accuracy: None where it was not measured.
    """

    asset: str
    sha256: Sha256
    bytes: Annotated[StrictInt, Field(gt=0, le=10**15)]
    budget: Annotated[Mapping[FigureName, Limit], Field(max_length=100)] = {}
    recipe: str | None = None
    recipe_sha256: Sha256 | None = None
    accuracy: Accuracy | None = None

    @field_validator("asset")
    @classmethod
    def _asset(cls, value: str) -> str:
        return asset_path(value)

    @field_validator("recipe")
    @classmethod
    def _recipe(cls, value: str | None) -> str | None:
        """It may lead to a folder above the lock's, but is relative, so that it holds on every machine."""
        if value is not None:
            _check_text(value, "A recipe in a lock")
            if value.startswith("/") or re.match(r"[A-Za-z]:", value):
                raise EdgekitError(
                    "A recipe in a lock is a path relative to the lock.", received=repr(value), remedy=_RENEW
                )
        return value


class Lock(_Record):
    """The models of an app.

    Attributes:
        models: Sorted by asset; no two of one path.
        edgekit: The version that wrote it.
    """

    models: Annotated[tuple[LockedModel, ...], Field(max_length=MOST_MODELS)]
    edgekit: Annotated[str, Field(max_length=100)] = __version__

    @field_validator("models")
    @classmethod
    def _sorted(cls, value: tuple[LockedModel, ...]) -> tuple[LockedModel, ...]:
        names = [model.asset for model in value]
        doubled = next((name for name in names if names.count(name) > 1), None)
        if doubled is not None:
            raise EdgekitError(
                "Each model of an app has an asset path of its own.",
                received=f"two models at {doubled!r}",
                remedy="Rename one of them.",
            )
        return tuple(sorted(value, key=lambda model: model.asset))

    def find(self, asset: str) -> LockedModel | None:
        """The model at an asset path."""
        return next((model for model in self.models if model.asset == asset), None)


def asset_path(text: str) -> str:
    """Make sure that it is an asset's path: relative, with "/", without "..", "." or empty parts.

    Raises:
        EdgekitError: It is none.
    """
    _check_text(text, "An asset in a lock")
    parts = text.split("/")
    if not is_inside(text) or any(part in ("", ".", "..") for part in parts) or ":" in parts[0]:
        raise EdgekitError(
            "An asset in a lock is a path inside the app's assets folder.",
            received=repr(text),
            remedy='Write it relative to that folder, such as "models/digits.tflite".',
        )
    return text


def lock_model(
    asset: str,
    content: bytes,
    *,
    budget: Mapping[str, int | float] | None = None,
    recipe: str | None = None,
    recipe_sha256: str | None = None,
    accuracy: Accuracy | None = None,
) -> LockedModel:
    """The record of a model file; arguments as the attributes of `LockedModel`.

    Raises:
        EdgekitError: The path is no asset's, or another value breaks a rule.
    """
    try:
        return LockedModel(
            asset=asset,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            budget=dict(budget or {}),
            recipe=recipe,
            recipe_sha256=recipe_sha256,
            accuracy=accuracy,
        )
    except ValidationError as error:
        raise _refused(error, f"the record of {asset}") from None


def over_budget(model: LockedModel, size: int) -> str | None:
    """What a file of so many bytes breaks of the budget that its lock sets, as a few words; None where it fits.

    Only `model_bytes` can be told from a file alone; the other figures were measured by the run that chose it.
    """
    limit = model.budget.get("model_bytes")
    return None if limit is None or size <= limit else f"model_bytes {size:,} is above {limit:,}"


def lock_text(lock: Lock) -> str:
    """The file's text: the same for the same lock, on every machine."""
    models = []
    for model in lock.models:
        record = model.model_dump(mode="json")
        record["budget"] = dict(sorted(record["budget"].items()))
        models.append(record)
    return json.dumps({"schema": SCHEMA, "edgekit": lock.edgekit, "models": models}, indent=2) + "\n"


def write_lock(lock: Lock, path: Path) -> None:
    """Write a lock; a kill leaves the old one or the new one. In a module that was exported it stays EdgeKit's.

    Raises:
        OSError: It cannot be written.
    """
    exported = path.name in written(path.parent)
    with writing(path, overwrite=True) if exported else write_atomically(path) as temporary:
        temporary.write_bytes(lock_text(lock).encode("utf-8"))


def read_lock(path: Path) -> Lock:
    """Read a lock.

    Raises:
        EdgekitError: It is no regular file, too large, no lock, a lock of a newer EdgeKit, or breaks a rule.
    """
    content = read_json(path, most=LARGEST, what=_WHAT, remedy=_RENEW, error=EdgekitError)
    schema = content.pop("schema", None)
    if schema != SCHEMA:
        raise _another_schema(path, schema)
    try:
        return Lock.model_validate(content)
    except ValidationError as error:
        raise _refused(error, str(path)) from None
    except EdgekitError as error:
        raise EdgekitError(error.rule, received=f"{error.received} in {path}", remedy=error.remedy) from None


def relative_path(file: Path, folder: Path) -> str:
    """A file's path relative to a folder, with "/" on every system; it may lead to a folder above."""
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()


def assets_in(folder: Path) -> list[tuple[str, Path]]:
    """The `.tflite` files of an assets folder by their asset paths, sorted; links to folders are not followed."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() == ".tflite" and path.is_file())
    return sorted((path.relative_to(folder).as_posix(), path) for path in files)


def _check_text(text: str, what: str) -> None:
    if "\\" in text:
        plain = re.sub(r"[\\/]+", "/", text)
        raise EdgekitError(
            f'{what} is a path with "/" between folders, on every system.',
            received=repr(text),
            remedy=f"Write {plain!r}, or renew the lock with: edgekit android lock",
        )
    if not text or len(text) > LONGEST_PATH or clean(text) != text or "\n" in text or "\t" in text:
        raise EdgekitError(
            f"{what} is a path of at most {LONGEST_PATH} printable characters.",
            received=repr(text[:80]),
            remedy="Rename the file.",
        )


def _another_schema(path: Path, schema: object) -> EdgekitError:
    match = re.fullmatch(r"edgekit\.lock/([0-9]{1,9})", schema) if isinstance(schema, str) else None
    if match and int(match[1]) > 1:
        return EdgekitError(
            f"This EdgeKit reads locks of the schema {SCHEMA}.",
            received=f"{path} with {schema}, of a newer EdgeKit",
            remedy="Update EdgeKit: pip install --upgrade edgekit",
        )
    said = "no schema" if schema is None else f"the schema {str(schema)[:80]!r}"
    return EdgekitError(f"A lock is JSON of the schema {SCHEMA}.", received=f"{path} with {said}", remedy=_RENEW)


def _refused(error: ValidationError, where: str) -> EdgekitError:
    first: Any = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    received = "" if first["type"] in ("missing", "extra_forbidden") else f" {str(first['input'])[:80]!r}"
    return EdgekitError(
        f"Each value of a lock fits the schema {SCHEMA}.",
        received=f"{place}{received} in {where} ({message[0].lower()}{message[1:]})",
        remedy=_RENEW,
    )
