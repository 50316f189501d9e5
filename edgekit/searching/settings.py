"""The `search:` table of a search's file: what may vary, what is sought and how long."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from edgekit.errors import RecipeError
from edgekit.searching.genes import Gene, Value
from edgekit.searching.rungs import Ladder

__all__ = ["Fidelity", "Settings", "parse_settings"]

Scalar = Annotated[Value, BeforeValidator(lambda value: _scalar(value))]
Pair = Annotated[tuple[int | float, int | float], BeforeValidator(lambda value: _pair(value))]
OPTIONAL = "optional"


def _scalar(value: object) -> object:
    if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("a choice is a text, a number, true or false")
    return value


def _pair(value: object) -> object:
    numbers = value if isinstance(value, list | tuple) else ()
    if len(numbers) != 2 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise ValueError(_UPWARDS)
    return value


_UPWARDS = "a range goes from a number to a larger one"


class _Choice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    choice: Annotated[tuple[Scalar, ...], Field(max_length=1000)]

    @model_validator(mode="after")
    def _each_once(self) -> _Choice:
        if not self.choice:
            raise ValueError("a list of choices has at least one value")
        kinds = [(type(value), value) for value in self.choice]
        if len(set(kinds)) < len(kinds):
            raise ValueError("each choice stands once")
        return self

    def gene(self, path: str) -> Gene:
        return Gene(path, "choice", tuple(self.choice))


class _Range(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    range: Pair
    step: Annotated[int | float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _upwards(self) -> _Range:
        _check_upwards(self.range)
        if self.step is not None and self.step > self.range[1] - self.range[0]:
            raise ValueError("a step fits into its range")
        return self

    def gene(self, path: str) -> Gene:
        low, high = self.range
        whole = all(isinstance(value, int) for value in (low, high, self.step or 1))
        return Gene(path, "int" if whole else "float", low=low, high=high, step=self.step)


class _LogRange(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    log_range: Pair

    @model_validator(mode="after")
    def _upwards(self) -> _LogRange:
        _check_upwards(self.log_range)
        if self.log_range[0] <= 0:
            raise ValueError("a log_range is above 0")
        return self

    def gene(self, path: str) -> Gene:
        low, high = self.log_range
        whole = isinstance(low, int) and isinstance(high, int)
        return Gene(path, "int" if whole else "float", low=low, high=high, log=True)


class _ByLayer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    by_layer: Annotated[tuple[Annotated[float, Field(ge=0, lt=1)], ...], Field(min_length=2, max_length=20)]

    @model_validator(mode="after")
    def _rising(self) -> _ByLayer:
        if list(self.by_layer) != sorted(set(self.by_layer)):
            raise ValueError("shares by layer rise, such as [0, 0.25, 0.5]")
        return self


def _check_upwards(pair: tuple[float, float]) -> None:
    if not (math.isfinite(pair[0]) and math.isfinite(pair[1]) and pair[0] < pair[1]):
        raise ValueError(_UPWARDS)


_FORMS: dict[str, type[_Choice] | type[_Range] | type[_LogRange]] = {
    "choice": _Choice,
    "range": _Range,
    "log_range": _LogRange,
}


class Fidelity(BaseModel):
    """Rungs: how long and on how much a candidate is trained before it is known to be good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(
        default=(), description="of train, rung by rung, such as [1, 3, 9]; left out, every trial has its recipe's"
    )
    data: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        default=(), description="shares of the training samples, rung by rung; default all of them"
    )
    keep: Annotated[float, Field(gt=0, lt=1)] = Field(default=1 / 3, description="share that goes up to the next rung")

    @model_validator(mode="after")
    def _rungs(self) -> Fidelity:
        if self.data and len(self.data) != len(self.epochs):
            raise ValueError("data has a share for each rung of epochs")
        _ = self.ladder  # which holds the rungs' own rules
        return self

    @property
    def ladder(self) -> Ladder | None:
        """The rungs; None where every trial is trained as its recipe says.

        Raises:
            RecipeError: They do not rise.
        """
        return Ladder.of(self.epochs, self.data or None, self.keep) if self.epochs else None


class Settings(BaseModel):
    """The table as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    space: dict[str, Any] = Field(
        description="by recipe path: a list of choices, {range: [a, b], step: c}, {log_range: [a, b]}; of a pass: "
        "optional; of passes: {order: [ids]}; of channel_prune's ratios and low_rank's layers: {by_layer: [0, 0.5]}"
    )
    objectives: Annotated[tuple[str, ...], Field(min_length=1, max_length=4)] = Field(
        default=("accuracy", "model_bytes"), description="what is sought: accuracy, model_bytes, macs or a figure"
    )
    sampler: Any = Field(default="evolution", description="random, evolution, nsga2, tpe, reinforce or another's")
    fidelity: Fidelity = Field(default=Fidelity(), description="rungs of epochs and data")
    proxies: tuple[str, ...] = Field(
        default=(),
        description="zero-cost proxies that order the first population: naswot, synflow, zico "
        "or another package's; default none",
    )
    first: Annotated[int, Field(ge=2, le=10_000)] = Field(
        default=16, description="candidates of the first population, drawn before anything is trained"
    )
    inherit: bool | None = Field(
        default=None,
        description="whether children of evolution start their first rung from their parent's weights; default where "
        "there are several rungs. Higher rungs and the front never do",
    )
    front: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=8, description="members of the front that are trained anew and proven, chosen by hypervolume"
    )
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = Field(default=50, description="candidates that are trained")
    hours: Annotated[float, Field(gt=0, le=100_000)] | None = Field(default=None, description="the longest search")

    @model_validator(mode="after")
    def _objectives_once(self) -> Settings:
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError("each objective stands once")
        if len(set(self.proxies)) < len(self.proxies):
            raise ValueError("each proxy stands once")
        return self

    @property
    def inherits(self) -> bool:
        """Whether a child's first rung starts from its parent's weights."""
        return len(self.fidelity.epochs) > 1 if self.inherit is None else self.inherit

    def optional(self) -> list[str]:
        """Ids of the passes that may be left out."""
        return [path.removeprefix("passes.") for path, said in self.space.items() if said == OPTIONAL]

    def order(self) -> list[str] | None:
        """Ids of the passes whose order may vary; None where it is fixed."""
        said = self.space.get("passes")
        return None if said is None else list(said["order"])

    def by_layer(self) -> dict[str, tuple[float, ...]]:
        """By path, shares that each layer of a trained model may give up.

        Raises:
            RecipeError: They are none, or do not rise.
        """
        said = {path: one for path, one in self.space.items() if isinstance(one, dict) and "by_layer" in one}
        try:
            return {path: _ByLayer.model_validate(one).by_layer for path, one in said.items()}
        except ValidationError as error:
            raise RecipeError.from_pydantic(error, where="search.space", model=_ByLayer) from None

    def own_genes(self) -> list[Gene]:
        """Those that the table names one by one: all but order, optional passes and shares by layer."""
        others = {"passes", *self.by_layer()}
        return [_gene(path, said) for path, said in self.space.items() if path not in others and said != OPTIONAL]


def parse_settings(values: object) -> Settings:
    """Check a `search:` table.

    Raises:
        RecipeError: An unknown key, or a value that breaks a rule.
    """
    if not isinstance(values, dict):
        raise RecipeError(
            "A search is a recipe with a table search, whose space says what may vary.",
            received="no such table" if values is None else repr(values),
            remedy="Write for example: search: {space: {model.width: [0.25, 0.5, 1.0]}, trials: 20}",
        )
    if not values.get("space"):
        raise RecipeError(
            "The space of a search names at least one value that may vary.",
            received=f"search.space: {values['space']!r}" if "space" in values else "no search.space",
            remedy="Write for example: space: {model.width: [0.25, 0.5, 1.0]}",
        )
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where="search", model=Settings) from None
    _check_passes(settings)
    settings.own_genes()
    return settings


def _check_passes(settings: Settings) -> None:
    for path, said in settings.space.items():
        if said == OPTIONAL and (not path.startswith("passes.") or path.count(".") != 1):
            raise RecipeError(
                "Only a pass is optional.", received=f"{path}: {said}", remedy="Name it: passes.ID: optional"
            )
    said = settings.space.get("passes")
    if said is None:
        return
    names = said.get("order") if isinstance(said, dict) and set(said) == {"order"} else None
    if not isinstance(names, list) or not 2 <= len(names) <= 6 or not all(isinstance(name, str) for name in names):
        raise RecipeError(
            "The order of passes varies among two to six of them.",
            received=f"search.space.passes: {said!r}",
            remedy="Write for example: passes: {order: [low_rank, channel_prune]}",
        )


def _gene(path: str, said: object) -> Gene:
    if isinstance(said, list):
        said = {"choice": said}
    kinds = [name for name in _FORMS if isinstance(said, dict) and name in said]
    if len(kinds) != 1:
        raise RecipeError(
            "A gene is a list of choices, a range or a log_range.",
            received=f"search.space.{path}: {said!r}",
            remedy=f"Write for example: {path}: [1, 2, 4] or {path}: {{range: [1, 4]}}",
        )
    kind = _FORMS[kinds[0]]
    try:
        return kind.model_validate(said).gene(path)
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where=f"search.space.{path}", model=kind) from None
