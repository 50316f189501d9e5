"""Globs of a bundle's `uncompressed_glob`, as Java matches: `*` stays in a folder, `**` does not; `{a,b}`, `[ab]`.

A hostile glob takes no longer than its length times that of the path, for each of at most 32 alternatives.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["matches"]

_LONGEST = 300
_LONGEST_PATH = 4096
_MOST_ALTERNATIVES = 32
_Test = Callable[[str], bool]
_ANY, _WITHIN = "**", "*"


def matches(glob: str, path: str) -> bool:
    """Whether a glob names a path, both with "/"; False for a glob that is damaged, and beyond the bounds."""
    try:
        return len(path) <= _LONGEST_PATH and any(
            _fits(_tokens(alternative), path) for alternative in _alternatives(glob)
        )
    except ValueError:
        return False


def _alternatives(glob: str) -> list[str]:
    """The glob without braces, once for each way to choose in them."""
    if len(glob) > _LONGEST:
        raise ValueError("a long glob")
    done, pending = [], [glob]
    while pending:
        text = pending.pop()
        start = _find(text, "{", 0)
        if start < 0:
            done.append(text)
            continue
        stop = _find(text, "}", start)
        if stop < 0 or len(done) + len(pending) > _MOST_ALTERNATIVES:
            raise ValueError("a brace that is not closed, or too many")
        pending += [text[:start] + choice + text[stop + 1 :] for choice in text[start + 1 : stop].split(",")]
    return done


def _find(text: str, mark: str, start: int) -> int:
    """Where a mark stands that no backslash escapes and no bracket holds; -1 where none does."""
    at, bracket = start, False
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == mark and not bracket:
            return at
        elif text[at] in "[]":
            bracket = text[at] == "["
        at += 1
    return -1


def _tokens(glob: str) -> list[str | _Test]:
    tokens: list[str | _Test] = []
    at = 0
    while at < len(glob):
        mark = glob[at]
        if mark == "*":
            star = _ANY if glob[at : at + 2] == "**" else _WITHIN
            at += len(star)
            if not tokens or tokens[-1] not in (star, _ANY):  # the same star again stands for nothing more
                tokens.append(star)
        elif mark == "[":
            stop = glob.index("]", at + 2)  # "]" straight after "[" stands for itself
            tokens.append(_bracket(glob[at + 1 : stop]))
            at = stop + 1
        elif mark == "?":
            tokens.append(lambda c: c != "/")
            at += 1
        else:
            at += mark == "\\"
            tokens.append(_same(glob[at]) if at < len(glob) else _same("\\"))
            at += 1
    return tokens


def _same(wanted: str) -> _Test:
    return lambda c: c == wanted


def _bracket(inner: str) -> _Test:
    negated = inner.startswith("!")
    body = inner[negated:]
    ranges, at = [], 0
    while at < len(body):
        wide = at + 2 < len(body) and body[at + 1] == "-"
        ranges.append((body[at], body[at + 2] if wide else body[at]))
        at += 3 if wide else 1
    return lambda c: c != "/" and any(low <= c <= high for low, high in ranges) is not negated


def _fits(tokens: list[str | _Test], path: str) -> bool:
    """All places in the tokens that the path may have reached, step by step."""
    places = _open(tokens, {0})
    for character in path:
        after = set()
        for place in places:
            token = tokens[place] if place < len(tokens) else None
            if token == _ANY or (token == _WITHIN and character != "/"):
                after.add(place)
            elif callable(token) and token(character):
                after.add(place + 1)
        places = _open(tokens, after)
    return len(tokens) in places


def _open(tokens: list[str | _Test], places: set[int]) -> set[int]:
    """With the places after stars, which may stand for nothing."""
    for place in sorted(places):
        while place < len(tokens) and isinstance(tokens[place], str):
            place += 1
            places.add(place)
    return places
