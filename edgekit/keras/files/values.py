"""Plain values in a Keras configuration: numbers, names, shapes and what stands between the layers of a graph."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from edgekit.keras.files import operators
from edgekit.keras.files.functions import TENSOR_FUNCTIONS
from edgekit.keras.files.holds import LARGEST_FACTOR, LARGEST_SHORT, LARGEST_SIZE, Holds

__all__ = ["DEEPEST", "JSON", "Place", "Values", "is_object"]

JSON: TypeAlias = "None | bool | int | float | str | list[JSON] | dict[str, JSON]"

MOST_VALUES = 4_000_000
DEEPEST = 64
LONGEST_TEXT = 1024
LARGEST_DIMENSION = 1 << 30
_NAME = re.compile(r"[\w.\-> ]{0,128}")
_MOST = {Holds.SIZE: LARGEST_SIZE, Holds.SHORT: LARGEST_SHORT, Holds.FACTOR: LARGEST_FACTOR}
_TAGS = frozenset(
    "__keras_tensor__ __tensor__ __numpy__ __slice__ __ellipsis__ __bytes__ __tuple__ TensorShape".split()
)
"""What may be marked by class_name between layers."""


@dataclass(frozen=True)
class Place:
    """Where in a configuration a value stands, for messages."""

    text: str
    last: str = ""

    def inner(self, part: str) -> Place:
        """A part of this one, which messages name in its stead."""
        return Place(part, part)

    def key(self, key: str) -> Place:
        """A key of this one."""
        return Place(f"{self.text.partition(', key ')[0]}, key {str(key)[:80]}", self.last)

    def __str__(self) -> str:
        return self.text


def is_object(value: JSON) -> bool:
    """Whether Keras would make an object of it."""
    return isinstance(value, dict) and "class_name" in value


class Values:
    """Checks of plain values; counts them, so that no configuration is endless.

    Args:
        refuse: Raises, given the rule and what was received.
        custom: Names that the user hands over.
        used: Those of them that stand in the configuration.
    """

    def __init__(self, refuse: Callable[[str, str], NoReturn], custom: Collection[str], used: set[str]) -> None:
        self._refuse, self._custom, self._used = refuse, custom, used
        self._left = MOST_VALUES

    def count(self, place: Place) -> None:
        """One value more.

        Raises:
            ModelError: There are too many.
        """
        self._left -= 1
        if self._left < 0:
            self._refuse(f"A model's configuration has at most {MOST_VALUES:,} values.", f"more, in {place}")

    def custom_name(self, kind: str, registered: JSON) -> str | None:
        """The name under which the user hands a class over, if so."""
        for name in (registered, kind):
            if isinstance(name, str) and (name in self._custom or name.rpartition(">")[2] in self._custom):
                return name if name in self._custom else name.rpartition(">")[2]
        return None

    def of(self, holds: Holds, value: JSON, place: Place) -> JSON:
        """A value of one of the plain kinds."""
        if holds in _MOST:
            return self._sizes(value, place, _MOST[holds])
        checks: Mapping[Holds, Callable[[JSON, Place], JSON]] = {
            Holds.FLAG: self._flag,
            Holds.NUMBER: self._numbers,
            Holds.SHAPE: self.shape,
            Holds.NAME: self.name,
            Holds.TEXT: self.text,
            Holds.PATH: self._words,
            Holds.FUNCTION: self._function,
            Holds.OPERATOR: self._operator,
            Holds.PLAIN: self.plain,
            Holds.NOTHING: self._nothing,
        }
        return checks[holds](value, place)

    def name(self, value: JSON, place: Place) -> JSON:
        """A short name, or lists of such; a number stands for itself."""
        self.count(place)
        if isinstance(value, list):
            return [self.name(item, place) for item in value]
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, str) and _NAME.fullmatch(value):
            return value
        self._wrong("a short name", value, place)

    def text(self, value: JSON, place: Place) -> str:
        """A short text. It may not be JSON, which Keras might read as an object."""
        self.count(place)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or _holds_json(value):
            self._wrong("a short text", value, place)
        return value

    def shape(self, value: JSON, place: Place) -> JSON:
        """Whole numbers and null, in lists; or a mapping of names to such."""
        self.count(place)
        if isinstance(value, dict) and value.get("class_name") in ("TensorShape", "__tuple__"):
            return self.shape(value.get("items"), place)
        if isinstance(value, dict) and not is_object(value):
            return {self.text(key, place): self.shape(item, place) for key, item in value.items()}
        if isinstance(value, list):
            return [self.shape(item, place) for item in value]
        if value is None or (isinstance(value, int) and -1 <= value <= LARGEST_DIMENSION):
            return value
        self._wrong("a shape", value, place)

    def plain(self, value: JSON, place: Place, depth: int = 0) -> JSON:
        """Numbers, flags and short texts, in lists and mappings, and nothing that Keras makes an object of."""
        return self._walk(value, place, depth, graph=False)

    def graph_value(self, value: JSON, place: Place) -> JSON:
        """As `plain`, with tensors, slices and constants as they stand between the layers of a graph."""
        return self._walk(value, place, 0, graph=True)

    def _walk(self, value: JSON, place: Place, depth: int, *, graph: bool) -> JSON:
        self.count(place)
        if depth > DEEPEST:
            self._refuse(f"A configuration is at most {DEEPEST} levels deep.", f"more, in {place}")
        if isinstance(value, str):
            return self.text(value, place)
        if isinstance(value, list):
            return [self._walk(item, place, depth + 1, graph=graph) for item in value]
        if isinstance(value, dict):
            tag = value.get("class_name")
            if "class_name" in value and not (graph and isinstance(tag, str) and tag in _TAGS):
                self._refuse(
                    "Between the layers of a model stand tensors, numbers and names only.",
                    f"the class {str(tag)[:80]!r} in {place}",
                )
            return {self.text(k, place): self._walk(v, place, depth + 1, graph=graph) for k, v in value.items()}
        return self._number(value, place)

    def _number(self, value: JSON, place: Place) -> JSON:
        if isinstance(value, int) and abs(value) > 1 << 64:
            self._wrong("a number", value, place)
        return value

    def _flag(self, value: JSON, place: Place) -> JSON:
        if isinstance(value, bool) or value in (0, 1):
            return value
        self._wrong("true or false", value, place)

    def _numbers(self, value: JSON, place: Place) -> JSON:
        self.count(place)
        if isinstance(value, dict) and value.get("class_name") == "__numpy__":  # Keras 2.12 cannot read it itself
            config = value.get("config")
            return self._numbers(config.get("value") if isinstance(config, dict) else None, place)
        if isinstance(value, dict) and value.get("class_name") in ("__tuple__", "__tensor__"):
            return self.graph_value(value, place)
        if isinstance(value, list):
            return [self._numbers(item, place) for item in value]
        if value is None or isinstance(value, int | float):
            return self._number(value, place)
        self._wrong("a number", value, place)

    def _sizes(self, value: JSON, place: Place, most: int) -> JSON:
        self.count(place)
        if isinstance(value, list):
            return [self._sizes(item, place, most) for item in value]
        if isinstance(value, str):
            return self.name(value, place)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and math.isfinite(value) and value == int(value) and -1 <= value <= most:
            return value
        self._wrong(f"a whole number of at most {most:,}", value, place)

    def _words(self, value: JSON, place: Place) -> JSON:
        if not isinstance(value, list):
            self._refuse(
                "A vocabulary stands in the model file as a list; a text would be a file that Keras opens.",
                f"{str(value)[:80]!r} for {place}",
            )
        for item in value:
            self.count(place)
            if not isinstance(item, str | int | float) or isinstance(item, str) and len(item) > LONGEST_TEXT:
                self._wrong("a list of words or numbers", item, place)
        return value

    def _function(self, value: JSON, place: Place) -> JSON:
        if isinstance(value, str) and (value in TENSOR_FUNCTIONS or value in self._custom):
            self._used |= {value} & set(self._custom)
            return value
        self._refuse(
            "A model file names only TensorFlow functions that compute tensors from tensors.",
            f"tf.{str(value)[:80]} in {place}",
        )

    def _operator(self, value: JSON, place: Place) -> JSON:
        kind = value.get("op") if isinstance(value, dict) else None
        if not isinstance(value, dict) or kind not in operators.ALLOWED:
            self._refuse(
                "A model file names only TensorFlow operators that compute tensors from tensors.",
                f"{str(kind)[:80] if kind else 'an operator that is not written as a mapping'} in {place}",
            )
        return self.plain(value, place)

    def _nothing(self, value: JSON, place: Place) -> JSON:
        if value in (None, False, [], {}):
            return value
        self._wrong("nothing", value, place)

    def _wrong(self, wanted: str, value: JSON, place: Place) -> NoReturn:
        shown = "an object" if is_object(value) else repr(value)
        self._refuse(f"This key holds {wanted}.", f"{shown[:80]} for {place}")


def _holds_json(text: str) -> bool:
    """Whether a text is a JSON list or mapping. Most texts are told by their first sign."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
