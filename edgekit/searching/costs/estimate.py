"""Estimates of a candidate's costs from its plain description: about a thousand candidates a second.

MACs are counted. A figure that is estimated is a sum of what its operators bring, each times a coefficient: bytes of
weights, channels and names for the file, the plan of activations and records of operators for the arena, products and
outputs by kind of operator for instructions. The coefficients are fitted on what was measured, and stay near those that
are built in where little was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from edgekit.errors import UsageError, did_you_mean
from edgekit.keras.plain import Description
from edgekit.searching.costs.coefficients import ARENA, BYTES, INSTRUCTIONS, MARGINS
from edgekit.searching.costs.features import FEATURES
from edgekit.searching.costs.figures import Costs
from edgekit.searching.costs.operators import Graph, operators_of
from edgekit.tensors import Array

__all__ = ["Estimator"]

_FEWEST = 3
"""Measurements from which on a figure is fitted."""
_RIDGE = 0.2
"""How strongly coefficients are held to what they were; divided by the number of measurements."""
_SWEEPS = 1000
_QUANTILE = 0.98
"""Share of measurements whose error a margin covers."""
_SURE = 30
"""Measurements from which on their own errors decide a margin alone."""


@dataclass(frozen=True)
class Estimator:
    """Coefficients by figure.

    Attributes:
        coefficients: By figure, by feature.
        margins: By figure, how far estimates were off: 0.05 where nearly all were within 5 %.
        measured: By figure, on how many measurements it was fitted.
    """

    coefficients: Mapping[str, Mapping[str, float]]
    margins: Mapping[str, float]
    measured: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @staticmethod
    def built_in(instructions: str | None = None) -> Estimator:
        """What EdgeKit knows before anything is measured.

        Args:
            instructions: The runtime whose instructions are estimated, such as "cortex_m"; None leaves them out, until
                they are fitted.

        Raises:
            UsageError: Nothing is known of that runtime's instructions.
        """
        known: dict[str, Mapping[str, float]] = {"model_bytes": BYTES, "arena_bytes": ARENA}
        if instructions is not None:
            if instructions not in INSTRUCTIONS:
                raise UsageError(
                    "Instructions are estimated for runtimes that were measured.",
                    received=instructions,
                    remedy=f"{did_you_mean(instructions, list(INSTRUCTIONS))} Fit an estimator on measurements of it.",
                )
            known["instructions"] = INSTRUCTIONS[instructions]
        return Estimator(known, {name: MARGINS[name] for name in known})

    def estimate(self, description: Description) -> Costs:
        """The costs of a candidate: macs exactly, the rest as estimates."""
        graph = operators_of(description)
        figures = {"macs": description.macs}
        for figure, coefficients in self.coefficients.items():
            figures[figure] = max(1, round(_sum(FEATURES[figure](graph), coefficients)))
        return Costs.known(figures, self.coefficients)

    def may_fit(self, costs: Costs, limits: Mapping[str, int | None]) -> bool:
        """Whether a candidate is not surely above a limit: each estimate has its own margin, MACs have none."""
        return not any(costs.broken({name: limits[name]}, self.margins.get(name, 0.0)) for name in limits)

    def fit(self, measured: Sequence[tuple[Description, Costs]]) -> Estimator:
        """An estimator that has learned from measurements; figures with fewer than three stay as they are.

        Least squares of relative errors, with a ridge that holds coefficients to what they were here.
        """
        graphs = [operators_of(description) for description, _ in measured]
        coefficients, margins, counts = dict(self.coefficients), dict(self.margins), dict(self.measured)
        for figure in FEATURES:
            pairs = [(graph, costs[figure]) for graph, (_, costs) in zip(graphs, measured, strict=True)]
            known = [(graph, float(value)) for graph, value in pairs if value]
            if len(known) >= _FEWEST:
                before = self.coefficients.get(figure, {})
                coefficients[figure], errors = _fitted(figure, known, before)
                own = float(np.quantile(errors, _QUANTILE))
                share = min(1.0, len(known) / _SURE)
                margins[figure] = share * own + (1 - share) * max(own, self.margins.get(figure, MARGINS[figure]))
                counts[figure] = len(known)
        return Estimator(coefficients, margins, counts)


def _sum(features: Mapping[str, float], coefficients: Mapping[str, float]) -> float:
    return sum(value * coefficients.get(name, 0.0) for name, value in features.items())


def _fitted(
    figure: str, known: Sequence[tuple[Graph, float]], before: Mapping[str, float]
) -> tuple[dict[str, float], Array]:
    """Coefficients, and the relative error of each measurement by an estimator that was fitted without it."""
    rows = [FEATURES[figure](graph) for graph, _ in known]
    names = sorted({name for row in rows for name in row} | before.keys())
    values = np.array([value for _, value in known])
    x = np.array([[row.get(name, 0.0) for name in names] for row in rows]) / values[:, None]
    old = np.array([before.get(name, 0.0) for name in names])
    scale = np.sqrt((x**2).sum(axis=0) + 1e-12)  # a feature weighs as much as it does in what was measured
    z = x / scale
    gram = z.T @ z + _RIDGE / len(known) * np.eye(len(names))
    missing = 1.0 - x @ old
    change = _bounded(gram, z.T @ missing, -old * scale)
    free = old + change / scale > 0
    leverage = np.einsum("ij,ji->i", z[:, free], np.linalg.solve(gram[np.ix_(free, free)], z[:, free].T))
    errors = np.abs((missing - z @ change) / np.maximum(1 - leverage, 1e-3))
    found = np.maximum(0.0, old + change / scale)
    return {name: float(value) for name, value in zip(names, found, strict=True)}, errors


def _bounded(gram: Array, product: Array, least: Array) -> Array:
    """The least squares of a Gram matrix with every value at its bound or above, one value after the other.

    No operator takes bytes or instructions away, so that no coefficient is below 0: without this, features that always
    come together would be told apart by large numbers of both signs.
    """
    found = np.maximum(0.0, least)
    for _ in range(_SWEEPS):
        before = found.copy()
        for i in range(len(found)):
            found[i] = max(least[i], found[i] + (product[i] - gram[i] @ found) / gram[i, i])
        if np.abs(found - before).max() < 1e-6:
            break
    return found
