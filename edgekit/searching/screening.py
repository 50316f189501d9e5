"""Costs of a candidate before anything is built: what its plain description tells, and how far off that may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edgekit.keras.plain import Description
from edgekit.recipe import Recipe
from edgekit.searching.costs import Costs
from edgekit.searching.costs.coefficients import INSTRUCTIONS
from edgekit.searching.costs.estimate import Estimator
from edgekit.searching.costs.passes import after_passes
from edgekit.searching.described import description_of
from edgekit.searching.trial import Outcome

__all__ = ["Screen"]


@dataclass
class Screen:
    """Estimates costs, and learns from those that were measured.

    Attributes:
        input_shape: Of one sample, without batch.
        classes: Width of the output.
        estimator: What it knew first.
        learned: What it knows now.
    """

    input_shape: tuple[int, ...]
    classes: int
    estimator: Estimator
    learned: Estimator = field(init=False)
    _seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.learned = self.estimator

    def __call__(self, recipe: Recipe) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Costs by name, without those that cannot be told, and by how much an estimate of each may be off.

        Raises:
            ModelError: The network does not fit the data.
        """
        description = description_of(recipe, self.input_shape, self.classes)
        if description is None:
            return {}, {}
        costs = after_passes(description, recipe.passes, self.learned) if recipe.passes else self._plain(description)
        sure = {name: value for name, value in costs.figures.items() if name not in costs.hang_on_weights}
        return sure, {name: self.learned.margins.get(name, 0.0) for name in costs.estimated}

    def learn(self, measured: Iterable[tuple[Recipe, Outcome]]) -> None:
        """Fit the estimates anew on all costs that were measured with random weights."""
        pairs = []
        for recipe, outcome in measured:
            description = description_of(recipe, self.input_shape, self.classes) if outcome.costs else None
            if description is not None:
                pairs.append((description, Costs.known({name: int(v) for name, v in outcome.costs.items()})))
        if len(pairs) != self._seen:
            self.learned, self._seen = self.estimator.fit(pairs), len(pairs)

    def _plain(self, description: Description) -> Costs:
        return self.learned.estimate(description)

    @classmethod
    def of(cls, recipe: Recipe, input_shape: tuple[int, ...], classes: int) -> Screen:
        """For candidates of a recipe's kind: instructions are estimated for the runtime that it names."""
        known = [name for name in recipe.measure if name in INSTRUCTIONS]
        known += [name.partition(":")[0] for name in recipe.measure if name.partition(":")[0] in INSTRUCTIONS]
        return cls(input_shape, classes, Estimator.built_in(known[0] if known else None))
