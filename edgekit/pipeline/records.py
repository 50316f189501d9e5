"""JSON records read strictly: bounded, typed by dataclasses, and never believed in part."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from edgekit.ownership import is_inside

__all__ = ["RecordError", "as_path", "as_sha256", "check_fields", "check_json", "parsed", "read_json"]

DEEPEST = 12
LONGEST_TEXT = 100_000
LARGEST_NUMBER = 2**63
_SHA256 = re.compile(r"[0-9a-f]{64}")
_T = TypeVar("_T")


class RecordError(ValueError):
    """What a record breaks, with the place where it does."""


def read_json(path: Path, largest: int) -> object:
    """A JSON file: a regular file of at most so many bytes, without doubled keys, NaN or infinity.

    Raises:
        RecordError: It is none.
        OSError: It cannot be read.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise RecordError("no regular file")
        content = file.read(largest + 1)
    if len(content) > largest:
        raise RecordError(f"more than {largest:,} bytes")
    try:
        value: object = json.loads(content.decode("utf-8"), parse_constant=_refused, object_pairs_hook=_unique)
    except RecursionError:
        raise RecordError("nested too deeply") from None
    except ValueError as error:
        raise RecordError(f"no JSON: {str(error)[:200]}") from None
    check_json(value, "")
    return value


def check_json(value: object, where: str, depth: int = 0) -> None:
    """Bound what a JSON value holds: depth, length of texts, size of numbers.

    Raises:
        RecordError: A bound is broken.
    """
    if depth > DEEPEST:
        raise RecordError(f"{where}: nested more than {DEEPEST} deep")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise RecordError(f"{where}: a text of {len(value):,} characters")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecordError(f"{where}: a number that is not finite")
    if isinstance(value, int) and abs(value) >= LARGEST_NUMBER:
        raise RecordError(f"{where}: a number of more than 63 bits")
    if isinstance(value, dict):
        for key, inner in value.items():
            check_json(inner, f"{where}.{key}"[:200].lstrip("."), depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            check_json(inner, f"{where}[{number}]"[:200], depth + 1)


def parsed(kind: type[_T], value: object, where: str) -> _T:
    """A dataclass whose fields are texts, numbers, None or tuples of texts, from a JSON object of exactly these keys.

    Raises:
        RecordError: A key is missing or unknown, or a value has another type.
    """
    hints = get_type_hints(kind)
    known = {f.name: hints[f.name] for f in fields(kind)}  # type: ignore[arg-type]
    content = check_fields(value, known, where)
    if unknown := sorted(content.keys() - known.keys()):
        raise RecordError(f"{where}: unknown key {unknown[0][:100]!r}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in content.items()})


def check_fields(value: object, types: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A JSON object that has at least these keys with values of these types.

    Raises:
        RecordError: It is none.
    """
    if not isinstance(value, dict):
        raise RecordError(f"{where or 'the whole'} must be an object, not {_kind(value)}")
    for key, wanted in types.items():
        place = f"{where}.{key}".lstrip(".")
        if key not in value:
            raise RecordError(f"{place} is missing")
        if not _fits(value[key], wanted):
            raise RecordError(f"{place} must be {_said(wanted)}, not {_kind(value[key])}")
    return value


def as_sha256(text: str | None, where: str) -> None:
    """Make sure that it is a digest (or None, which stands for no file).

    Raises:
        RecordError: It is none.
    """
    if text is not None and not _SHA256.fullmatch(text):
        raise RecordError(f"{where} must be a sha256 in hexadecimal, not {text[:80]!r}")


def as_path(text: str, where: str) -> None:
    """Make sure that it is the path of a file inside the folder of the record.

    Raises:
        RecordError: It is absolute, leads out of the folder or holds control characters.
    """
    if not is_inside(text) or not text.isprintable():
        raise RecordError(f"{where} must be a relative path inside the folder, not {text[:80]!r}")


def _fits(value: object, wanted: Any) -> bool:
    if get_origin(wanted) in (Union, UnionType):
        return any(_fits(value, option) for option in get_args(wanted))
    if get_origin(wanted) is tuple:
        return isinstance(value, list) and all(_fits(v, get_args(wanted)[0]) for v in value)
    if get_origin(wanted) is dict:
        return isinstance(value, dict)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, wanted)


def _said(wanted: Any) -> str:
    if get_origin(wanted) in (Union, UnionType):
        return " or ".join(_said(option) for option in get_args(wanted))
    if get_origin(wanted) is tuple:
        return f"a list of ({_said(get_args(wanted)[0])})"
    names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
    return names.get(wanted, "an object")


def _kind(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value)[:80]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise RecordError("a key that occurs twice")
    return content


def _refused(constant: str) -> object:
    raise RecordError(f"the number {constant}")
