"""The wire form of protocol buffers, as far as bundles need it: numbered fields of numbers and bytes, under bounds."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["fields", "message", "messages", "number", "text"]

_MOST_FIELDS = 1_000_000


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message, in order: number and value.

    Raises:
        ValueError: It is damaged.
    """
    at = 0
    for _ in range(_MOST_FIELDS):
        if at >= len(data):
            return
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        length, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}.get(kind, -1), at)
        if length < 0 or at + length > len(data):
            raise ValueError("a damaged protocol buffer")
        yield key >> 3, data[at : at + length]
        at += length
    raise ValueError(f"a protocol buffer of more than {_MOST_FIELDS:,} fields")


def messages(data: bytes, field: int) -> list[bytes]:
    """All values of a field that holds bytes."""
    return [value for key, value in fields(data) if key == field and isinstance(value, bytes)]


def message(data: bytes, field: int) -> bytes | None:
    """The last value of a field that holds bytes; None where it is left out."""
    return next(iter(messages(data, field)[::-1]), None)


def number(data: bytes, field: int) -> int:
    """The last value of a field that holds a number; 0, its default, where it is left out."""
    return next((value for key, value in [*fields(data)][::-1] if key == field and isinstance(value, int)), 0)


def text(data: bytes, field: int) -> str:
    """The last value of a field that holds text; "", its default, where it is left out.

    Raises:
        ValueError: It is no UTF-8.
    """
    return (message(data, field) or b"").decode("utf-8")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    raise ValueError("a damaged protocol buffer")
