"""A table of trained nets: their genes, their costs and their validation accuracy after every epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.searching.genes import Gene, Value
from edgekit.searching.samplers._drawn import draw, share_of

COSTS = ("model_bytes", "arena_bytes", "macs")


@dataclass(frozen=True)
class Row:
    """One net."""

    genes: Mapping[str, Value]
    costs: Mapping[str, float]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """All nets, and what they are measured against.

    Attributes:
        genes: Of the space that the nets were drawn from.
        rows: The nets.
        limits: Of the costs: the budget, and their part of the reference point.
        reference: The accuracy of the reference point, a logistic regression's.
    """

    genes: tuple[Gene, ...]
    rows: tuple[Row, ...]
    limits: Mapping[str, float]
    reference: float

    @property
    def epochs(self) -> int:
        return min(len(row.accuracy) for row in self.rows)

    def constraints(self, row: int) -> list[float]:
        """How far each limit is broken, as a share of it."""
        return [self.rows[row].costs[name] / limit - 1 for name, limit in self.limits.items()]

    def fits(self, row: int) -> bool:
        return max(self.constraints(row)) <= 0

    def values(self, row: int, epochs: int) -> list[float]:
        """Accuracy after so many epochs, and the logarithm of each cost over its limit."""
        found = self.rows[row]
        return [found.accuracy[epochs - 1], *(math.log(found.costs[n] / limit) for n, limit in self.limits.items())]

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Each net (row) by its genes (columns), from 0 to 1, and which of the genes have an order."""
        return self.encoded([row.genes for row in self.rows]), np.array([_ordered(gene) for gene in self.genes])

    def encoded(self, candidates: Sequence[Mapping[str, Value]]) -> np.ndarray:
        return np.array([[share_of(gene, genes[gene.path]) for gene in self.genes] for genes in candidates])


def read_table(path: Path, genes: Sequence[Gene], limits: Mapping[str, float], reference: float) -> Table:
    """From the lines that `search.py table` writes."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [Row(line["genes"], {n: float(line["costs"][n]) for n in limits}, tuple(line["accuracy"])) for line in lines]
    return Table(tuple(genes), tuple(rows), dict(limits), reference)


def synthetic(seed: int, nets: int = 300, epochs: int = 5) -> Table:
    """Nets that nobody trained: costs by the arithmetic of separable convolutions, accuracy a smooth function of the
    genes with saturating capacity, tastes of its own for single genes and pairs, and noise of single trainings."""
    random = np.random.default_rng([seed, 77])
    genes = _GENES
    taste = random.normal(0, 0.012, len(genes))
    pairs = [(*random.choice(len(genes), 2, replace=False), random.normal(0, 0.02)) for _ in range(6)]
    rows = []
    for _ in range(nets):
        drawn = {gene.path: draw(gene, random) for gene in genes}
        shares = [share_of(gene, drawn[gene.path]) for gene in genes]
        costs, weights = _costs(drawn)
        best = 0.925 - 0.75 * (weights + 500) ** -0.28
        best += sum(t * math.sin(3 * s) for t, s in zip(taste, shares, strict=True))
        best += sum(w * (shares[int(a)] - 0.5) * (shares[int(b)] - 0.5) * 4 for a, b, w in pairs)
        slow = 1.0 + 1.2 * float(random.random()) * shares[1]
        curve = [best - 0.12 * math.exp(-e / slow) + float(random.normal(0, 0.004)) for e in range(1, epochs + 1)]
        rows.append(Row(drawn, costs, tuple(curve)))
    limits = {name: float(np.quantile([row.costs[name] for row in rows], 0.42)) for name in COSTS}
    middle = float(np.quantile([row.accuracy[-1] for row in rows], 0.2))
    return Table(genes, tuple(rows), limits, middle)


_GENES = (
    Gene("model.stem_width", "int", low=4, high=32, log=True),
    Gene("model.stem_stride", "choice", (1, 2)),
    *(Gene(f"model.width{s}", "int", low=4, high=high, log=True) for s, high in ((1, 32), (2, 48), (3, 64))),
    *(Gene(f"model.depth{s}", "int", low=int(s == 1), high=2) for s in (1, 2, 3)),
    *(Gene(f"model.kernel{s}", "choice", (3, 5)) for s in (1, 2, 3)),
    *(Gene(f"model.stride{s}", "choice", (1, 2)) for s in (1, 2, 3)),
    Gene("model.activation", "choice", ("relu", "relu6")),
)


def _costs(genes: Mapping[str, Value]) -> tuple[dict[str, float], float]:
    def number(name: str) -> int:
        return int(genes[f"model.{name}"])

    side, width = 28 // number("stem_stride"), number("stem_width")
    macs, weights, arena, layers = side * side * width * 9, width * 9, 784 + side * side * width, 2
    for stage in (1, 2, 3):
        for block in range(number(f"depth{stage}")):
            side = max(1, -(-side // (number(f"stride{stage}") if block == 0 else 1)))
            wide, area = number(f"width{stage}"), number(f"kernel{stage}") ** 2
            macs += side * side * width * (area + wide)
            weights += width * (area + wide)
            arena, width, layers = max(arena, side * side * (width + wide)), wide, layers + 2
    return {"model_bytes": 2500 + 700 * layers + weights, "arena_bytes": arena + 2000, "macs": macs}, weights


def _ordered(gene: Gene) -> bool:
    return gene.kind != "choice" or all(isinstance(v, int | float) and not isinstance(v, bool) for v in gene.values)
