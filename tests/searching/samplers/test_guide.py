"""The guide of evolution: what it foretells, and that it saves trials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgekit.searching.genes import Gene
from edgekit.searching.samplers._drawn import draw
from edgekit.searching.samplers._guide import worth
from edgekit.searching.telling import Told

GENES = (Gene("width", "int", low=4, high=64, log=True), Gene("kind", "choice", ("plain", "residual")))


def known(count: int, trained: float = 1.0) -> tuple[Told, list[dict[str, object]]]:
    """Cost grows with width, accuracy with its logarithm and with one kind; wide ones break the limit of 30."""
    random = np.random.default_rng(0)
    genes = [{gene.path: draw(gene, random) for gene in GENES} for _ in range(count)]
    wide = np.array([float(g["width"]) for g in genes])
    good = np.array([0.05 * (g["kind"] == "residual") for g in genes])
    limits = wide[:, None] / 30 - 1
    losses = np.stack([np.where(limits[:, 0] > 0, np.inf, -0.1 * np.log(wide) - good), wide], axis=1)
    broken = np.maximum(limits[:, 0], 0)
    return Told(tuple(range(count)), tuple(genes), losses, broken, limits, np.full(count, trained)), genes  # type: ignore[arg-type]


def order_of(told: Told, candidates: list[dict[str, object]]) -> list[int]:
    worths = worth(GENES, told, candidates, np.random.default_rng(1), 0.0)  # type: ignore[arg-type]
    assert np.isfinite(worths).all()
    return [int(i) for i in np.argsort(-worths)]


def test_what_would_not_fit_is_worth_little_and_the_better_kind_more() -> None:
    told, _ = known(16)
    candidates: list[dict[str, object]] = [
        {"width": 60, "kind": "residual"},
        {"width": 12, "kind": "plain"},
        {"width": 12, "kind": "residual"},
    ]
    assert order_of(told, candidates) == [2, 1, 0]


def test_where_nothing_fits_yet_what_may_fit_goes_first() -> None:
    told, _ = known(40)
    wide = [i for i in range(40) if told.violations[i] > 0]
    unfit = Told(
        tuple(wide),
        tuple(told.genes[i] for i in wide),
        told.losses[wide],
        told.violations[wide],
        told.constraints[wide],
        told.fidelities[wide],
    )
    assert order_of(unfit, [{"width": 64, "kind": "plain"}, {"width": 8, "kind": "plain"}]) == [1, 0]


@pytest.mark.parametrize("strange", [math.nan, math.inf])
def test_values_that_are_no_numbers_do_not_lead_it_astray(strange: float) -> None:
    told, _ = known(40)
    told.losses[3, 0] = math.inf
    told.constraints[5, 0] = strange
    assert order_of(told, [{"width": 60, "kind": "plain"}, {"width": 20, "kind": "residual"}]) == [1, 0]
