"""What can go wrong, as types; each carries the exit code that the command line gives.

EdgekitError                1   a rule, what was received, the remedy
├── UsageError              2   the command, recipe key or option does not exist
├── DataError               1   the data set breaks a rule
├── ModelError              1   the model file or its layers break a rule
├── RecipeError             1   the recipe breaks a rule
├── ConversionError         1   the converter failed, or its file breaks the contract
│   └── DoesNotFit          3   all is well with the model, but the target has no room for it
├── RuntimeFailed           1   a runtime is missing, crashed, hung or refused the model
│   └── ModelRefused        1   it refused the model, and would do so again
├── BudgetMissed            3   nothing that can be made fits the budget
└── MissingDependency       1   a package that the job needs is not installed
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

__all__ = [
    "BudgetMissed",
    "ConversionError",
    "DataError",
    "DoesNotFit",
    "EdgekitError",
    "Finding",
    "MissingDependency",
    "ModelError",
    "ModelRefused",
    "RecipeError",
    "RuntimeFailed",
    "UsageError",
    "clean",
    "did_you_mean",
]


@dataclass(frozen=True)
class Finding:
    """What a check found: a rule that does not hold.

    Attributes:
        rule: What must hold, as one sentence.
        received: The value that broke it; None where there is none to show.
        remedy: What to do about it, if known.
        where: The layer, recipe key or file that it is about, if it is about one.
    """

    rule: str
    received: object = None
    remedy: str = ""
    where: str = ""

    def __str__(self) -> str:
        """In brief, for a list of findings inside another error."""
        more = [] if self.received is None else [clean(f"received {self.received}")]
        more += [clean(self.remedy).rstrip(". ")] if self.remedy else []
        start = f"{clean(self.where)}: " if self.where else ""
        return start + clean(self.rule).rstrip(".") + (f" ({'; '.join(more)})" if more else "")


class EdgekitError(Exception):
    """A failure that the user can act on, made of one finding.

    Args:
        rule: What must hold, as one sentence.
        received: The value that broke it, if any.
        remedy: What to do about it, if known.
    """

    exit_code = 1

    def __init__(self, rule: str, *, received: object = None, remedy: str = "") -> None:
        self.finding = Finding(clean(rule), received, clean(remedy))
        parts = [rule.rstrip()]
        if received is not None:
            parts.append(f"Received: {received}.")
        if remedy:
            parts.append(remedy.rstrip())
        super().__init__(clean(" ".join(parts)))

    @property
    def rule(self) -> str:
        """What must hold."""
        return self.finding.rule

    @property
    def received(self) -> object:
        """The value that broke it; None where there is none to show."""
        return self.finding.received

    @property
    def remedy(self) -> str:
        """What to do about it; empty where that is not known."""
        return self.finding.remedy


class UsageError(EdgekitError):
    """The command, option or key asked for does not exist."""

    exit_code = 2


class DataError(EdgekitError):
    """The data set breaks a rule."""


class ModelError(EdgekitError):
    """The model file or its layers break a rule."""


class RecipeError(EdgekitError):
    """The recipe breaks a rule."""

    @classmethod
    def from_pydantic(cls, error: ValidationError, *, where: str, model: type[BaseModel]) -> RecipeError:
        """Say pydantic's first finding in the house's form: rule, received, remedy.

        Args:
            error: What pydantic raised.
            where: The key under which the validated value stands, or "".
            model: The type that was validated against, which knows the right keys.
        """
        found = error.errors()
        first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])  # a typo also makes a key missing
        place, known = [where] if where else [], model.model_fields
        unknown = first["type"] == "extra_forbidden"
        for number, part in enumerate(first["loc"], 1):
            key_itself = unknown and number == len(first["loc"])
            if not key_itself and (isinstance(part, str) and part in ("auto", "none") or _is_type_tag(part, known)):
                continue  # pydantic's tag of a union member is not a key
            place.append(str(part))
            inner = _model_of(known[part].annotation) if isinstance(part, str) and part in known else None
            known = inner.model_fields if inner else known
        key = ".".join(place)
        if unknown:
            return cls("Unknown recipe key.", received=repr(key), remedy=did_you_mean(place[-1], known))
        if first["type"] == "missing":
            return cls(f"A recipe needs the key {key}.", remedy="Write a starter recipe with: edgekit init")
        if first["type"] in ("tuple_type", "list_type"):
            remedy = f"Write it as [{first['input']!r}]." if isinstance(first["input"], str | int | float) else ""
            return cls(f"The recipe key {key} takes a list.", received=repr(first["input"]), remedy=remedy)
        if first["type"] == "model_type":
            remedy = f"Its keys are: {', '.join(known)}."
            return cls(f"The recipe key {key} takes a mapping of keys.", received=repr(first["input"]), remedy=remedy)
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        return cls(f"The recipe key {key} must fit: {message}.", received=repr(first["input"]))


class ConversionError(EdgekitError):
    """The converter failed, or the file that it made breaks its contract."""


class DoesNotFit(ConversionError):
    """The target has too little flash or RAM for what would be made of the model: only the budget is missed."""

    exit_code = 3


class RuntimeFailed(EdgekitError):
    """A runtime is missing, crashed, hung or refused the model."""


class ModelRefused(RuntimeFailed):
    """A runtime refused the model for what it is: the same file on the same runtime fails again."""


class BudgetMissed(EdgekitError):
    """Nothing that can be made fits the budget."""

    exit_code = 3


class MissingDependency(EdgekitError):
    """A package that the job needs is not installed."""


def clean(text: str) -> str:
    """A text that may be shown on a terminal: what would steer it, or hide or turn round other text, as escapes.

    Names in a foreign file may hold escape sequences that rewrite the screen, marks that turn the reading direction
    round, or halves of characters that cannot be printed. They come out as "\\x1b", "\\u202e" and the like. Line ends
    and tabs stay, and so do the joiners that some scripts need.
    """
    if text.isprintable():
        return text
    return "".join(c if c in _HARMLESS or unicodedata.category(c) not in _STEERING else _escaped(c) for c in text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The closing half of an unknown-name message: the nearest name, or all of them."""
    import difflib

    options = sorted(known)
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Known: {', '.join(options)}."


_HARMLESS = frozenset("\n\t\u200c\u200d")
# Categories of Unicode: control, format, half of a pair, line and paragraph separator.
_STEERING = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def _is_type_tag(part: object, known: Mapping[str, Any]) -> bool:
    return isinstance(part, str) and part not in known and part[:1].isupper()


def _model_of(annotation: Any) -> Any:
    """The pydantic model in an annotation such as `Train | None`, or None."""
    options = (annotation, *get_args(annotation))
    return next((o for o in options if hasattr(o, "model_fields")), None)
