"""Samplers, one file each: how the next candidate is drawn from what a study was told.

A module here has `Settings`, a frozen pydantic model whose fields are the keys below `search.sampler`, and
`make(genes, objectives, seed, **settings)`, which gives an Optuna sampler. Other packages add theirs by entry points
of the group `edgekit.samplers`, which name such a module; `module:name` names a function of that form, or a class of
Optuna samplers. One whose candidates descend from others says so by `edgekit.searching.telling.note_parent`, and they
may start from their parents' weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from edgekit import registry, user_code
from edgekit.errors import RecipeError, UsageError
from edgekit.searching import samplers
from edgekit.searching.genes import Gene, Genes
from edgekit.searching.pareto import Objective

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = ["DEFAULT", "SamplerSettings", "open_sampler"]

DEFAULT = "evolution"
"""The sampler of a search that names none."""


class SamplerSettings(BaseModel):
    """What every sampler's settings have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def open_sampler(
    name: str,
    genes: Sequence[Gene],
    objectives: Sequence[Objective],
    seed: int,
    settings: Mapping[str, object] | None = None,
    first: Sequence[Genes] = (),
) -> BaseSampler:
    """A sampler by name, whose every draw hangs on the seed, the trial's number and what the study was told alone.

    Args:
        name: One of `registry.names(samplers)`, or `module:name`.
        genes: What it draws; all of them in every trial.
        objectives: What the trials' values are, in their order.
        seed: Of the search.
        settings: What the sampler's `Settings` take.
        first: Candidates that the first trials are, whatever the sampler.

    Raises:
        UsageError: No such sampler.
        RecipeError: Settings that it does not take.
    """
    from edgekit.searching.samplers._seeded import Seeded

    kept = dict(settings or {})
    make = _own(name, kept) if registry.is_reference(name) else _known(name, kept)
    return Seeded(lambda number_seed: make(tuple(genes), tuple(objectives), number_seed), tuple(genes), seed, first)


_Make = Callable[[tuple[Gene, ...], tuple[Objective, ...], int], "BaseSampler"]


def _known(name: str, settings: dict[str, Any]) -> _Make:
    try:
        module = registry.load(samplers, name)
    except UsageError as error:
        raise UsageError("Unknown sampler.", received=repr(name), remedy=error.remedy) from None
    if not (hasattr(module, "Settings") and callable(getattr(module, "make", None))):
        raise UsageError(
            "A sampler is a module with Settings and make(genes, objectives, seed, **settings).",
            received=f"{name}, which is {module.__name__} without them",
            remedy="Report it to the author of the package, or name another sampler.",
        )
    try:
        checked = module.Settings.model_validate(settings)
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where=f"search.sampler.{name}", model=module.Settings) from None
    return lambda genes, objectives, seed: module.make(genes, objectives, seed, **checked.model_dump())


def _own(name: str, settings: dict[str, Any]) -> _Make:
    """A function of the form of `make`, or a class of Optuna samplers, which is given the seed if it takes one."""
    from optuna.samplers import BaseSampler

    called: Callable[..., Any] = user_code.member(name)
    parameters = inspect.signature(called).parameters
    whole = "genes" in parameters
    takes_seed = "seed" in parameters

    def make(genes: tuple[Gene, ...], objectives: tuple[Objective, ...], seed: int) -> BaseSampler:
        seeded = {"seed": seed, **settings} if takes_seed else settings
        try:
            made = called(genes, objectives, **seeded) if whole else called(**seeded)
        except TypeError as error:
            raise UsageError(
                "The sampler that module:name names takes (genes, objectives, seed) and its settings, or is a class of "
                "Optuna samplers.",
                received=f"{name}: {error}",
                remedy="Correct it, or the settings below search.sampler.",
            ) from error
        if not isinstance(made, BaseSampler):
            raise UsageError(
                "The sampler that module:name names gives an optuna.samplers.BaseSampler.",
                received=f"{name}, which gives {type(made).__name__}",
                remedy="Return one, or name one of EdgeKit's samplers.",
            )
        return made

    return make
