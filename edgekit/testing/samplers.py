"""What every sampler of searches does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias

from pydantic import BaseModel

from edgekit.searching.engine import optuna as load_optuna
from edgekit.searching.genes import Gene, Genes, Value
from edgekit.searching.pareto import Objective
from edgekit.searching.samplers import open_sampler
from edgekit.searching.telling import parent_of, tell, tell_failed, tell_infeasible
from edgekit.testing.saying import check_keys, expect, runs

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler

__all__ = ["check_sampler"]

GENES = (
    Gene("model.kind", "choice", ("plain", "residual", "separable")),
    Gene("model.width", "int", low=4, high=64, log=True),
    Gene("model.depth", "int", low=1, high=9, step=2),
    Gene("train.learning_rate", "float", low=1e-4, high=1e-1, log=True),
    Gene("train.dropout", "float", low=0.0, high=0.5, step=0.1),
    Gene("passes.prune.macs", "float", low=0.2, high=1.0),
    Gene("model.bias", "choice", (True, False)),
    Gene("model.kernel", "choice", (3,)),
    Gene("model.stride", "int", low=2, high=2),
)
"""Of every kind that a space has; the last two have one value each."""
OBJECTIVES = (Objective("accuracy", "maximize"), Objective("model_bytes"))
TRIALS = 30
_Open: TypeAlias = "Callable[[Sequence[Gene], Sequence[Objective], int], BaseSampler]"


def check_sampler(sampler: str | ModuleType, *, settings: Mapping[str, Value] | None = None) -> None:
    """Hold a sampler to what searches rely on.

    Args:
        sampler: Its module, with `Settings` and `make(genes, objectives, seed, **settings)`; or what
            `search.sampler` takes: a name, or `module:name` of such a function or of a class of Optuna samplers.
        settings: Those that it is tried with; default its usual ones.

    Raises:
        AssertionError: It breaks a rule; the sentence names it.
    """
    name = sampler if isinstance(sampler, str) else sampler.__name__
    if not isinstance(sampler, str):
        _check_settings(sampler, name)
    open_it = _opener(sampler, dict(settings or {}))
    with _quietly():
        whole = _Trying(name, open_it).run(TRIALS)
        _check_draws(name, whole)
        _check_seeds(name, open_it, whole)
        _check_reopened(name, open_it, whole)
        _check_edges(name, open_it)


def _check_settings(module: ModuleType, name: str) -> None:
    """`Settings` and `make` of a module go together, and a search that names the sampler alone has usual settings."""
    kind, make = getattr(module, "Settings", None), getattr(module, "make", None)
    known = isinstance(kind, type) and issubclass(kind, BaseModel)
    expect(known, f"{name}.Settings is a pydantic model of what stands below search.sampler.", kind)
    expect(callable(make), f"{name}.make makes the sampler.", make)
    assert isinstance(kind, type) and issubclass(kind, BaseModel) and callable(make)
    with runs(f"{name}.Settings without anything set"):
        item = kind()
    check_keys(item, (module.__doc__ or "").partition("\n")[0])
    taken = list(inspect.signature(make).parameters)
    wanted = ["genes", "objectives", "seed", *kind.model_fields]
    expect(taken == wanted, f"{name}.make takes genes, objectives, seed and the fields of Settings.", taken)


def _opener(sampler: str | ModuleType, settings: dict[str, Value]) -> _Open:
    """Opens it as a search does, where every draw has a sampler and a seed of its own."""
    if isinstance(sampler, str):
        return lambda genes, objectives, seed: open_sampler(sampler, genes, objectives, seed, settings)
    from edgekit.searching.samplers._seeded import Seeded

    checked = sampler.Settings.model_validate(settings).model_dump()

    def opened(genes: Sequence[Gene], objectives: Sequence[Objective], seed: int) -> BaseSampler:
        own = tuple(genes), tuple(objectives)
        return Seeded(lambda number_seed: sampler.make(*own, number_seed, **checked), own[0], seed)

    return opened


class _Trying:
    """A study that is told made-up figures: some trials fail, some do not fit, and every fourth is still running."""

    def __init__(
        self,
        name: str,
        open_it: _Open,
        *,
        genes: Sequence[Gene] = GENES,
        objectives: Sequence[Objective] = OBJECTIVES,
        seed: int = 1,
        fits: bool = True,
    ) -> None:
        self.name, self.open_it, self.genes, self.objectives = name, open_it, tuple(genes), tuple(objectives)
        self.seed, self.fits = seed, fits
        optuna = load_optuna()
        self._storage = optuna.storages.InMemoryStorage()
        optuna.create_study(storage=self._storage, study_name="s", directions=[o.direction for o in objectives])

    def study(self) -> Study:
        """The study with a sampler that was opened anew."""
        with runs(f"Opening {self.name}"):
            sampler = self.open_it(self.genes, self.objectives, self.seed)
        found: Study = load_optuna().load_study(study_name="s", storage=self._storage, sampler=sampler)
        return found

    def run(self, trials: int) -> Study:
        """Go on until there are so many trials."""
        study, space = self.study(), {gene.path: gene.distribution() for gene in self.genes}
        for number in range(len(study.get_trials(deepcopy=False)), trials):
            with runs(f"Drawing trial {number} from {self.name}"):
                trial = study.ask(space)
            if number % 4 != 3:
                self._tell(study, number, trial.params)
            if number % 4 == 2 and number > 4:  # one that ran meanwhile ends
                self._tell(study, number - 3, study.get_trials(deepcopy=False)[number - 3].params)
        return study

    def _tell(self, study: Study, number: int, genes: Genes) -> None:
        cost = _cost(genes)
        over = cost / 800 - 1 if self.fits else cost
        if number == 5:
            tell_failed(study, number, "out of memory")
        elif over > 0:
            tell_infeasible(study, number, [over], [None, *(cost for _ in self.objectives[1:])])
        else:
            tell(study, number, [_worth(genes), *(cost for _ in self.objectives[1:])], [over])


def _cost(genes: Genes) -> float:
    return float(sum(float(value) for value in genes.values() if isinstance(value, int | float))) * 10


def _worth(genes: Genes) -> float:
    return 0.5 + sum(len(str(value)) for value in genes.values()) / 1000


def _drawn(study: Study) -> list[dict[str, Value]]:
    return [trial.params for trial in study.get_trials(deepcopy=False)]


def _check_draws(name: str, study: Study) -> None:
    for genes in _drawn(study):
        expect(genes.keys() == {g.path for g in GENES}, f"{name} draws every gene of the space.", sorted(genes))
        for gene in GENES:
            expect(_inside(gene, genes[gene.path]), f"{name} draws values of the space.", f"{gene}: {genes[gene.path]}")
    told = {str(sorted(genes.items())) for genes in _drawn(study)}
    expect(len(told) > TRIALS // 2, f"{name} draws candidates that differ.", f"{len(told)} of {TRIALS}")
    for trial in study.get_trials(deepcopy=False):
        parent = parent_of(trial)
        expect(
            parent is None or 0 <= parent < trial.number, f"The parent that {name} notes is an earlier trial.", parent
        )


def _inside(gene: Gene, value: Value) -> bool:
    if gene.kind == "choice":
        return any(value == one and type(value) is type(one) for one in gene.values)
    if isinstance(value, bool) or not isinstance(value, int if gene.kind == "int" else float):
        return False
    steps = (value - gene.low) / gene.step if gene.step else 0.0
    return gene.low <= value <= gene.high and abs(steps - round(steps)) < 1e-6


def _check_seeds(name: str, open_it: _Open, whole: Study) -> None:
    again, other = _Trying(name, open_it).run(TRIALS), _Trying(name, open_it, seed=2).run(TRIALS)
    expect(_drawn(again) == _drawn(whole), f"{name} draws the same candidates for the same seed.")
    expect(_drawn(other) != _drawn(whole), f"{name} draws other candidates for another seed.")


def _check_reopened(name: str, open_it: _Open, whole: Study) -> None:
    """What a killed search goes on with: nothing of a sampler lasts but what the study was told."""
    broken = _Trying(name, open_it)
    for stop in (7, 18, TRIALS):
        broken.run(stop)
    same = _drawn(broken.study()) == _drawn(whole)
    expect(same, f"{name} that is opened again goes on with what it would have drawn: its state is the study's alone.")


def _check_edges(name: str, open_it: _Open) -> None:
    more = (*OBJECTIVES, Objective("macs"), Objective("arena_bytes"))
    for what, trying in (
        ("where nothing fits", _Trying(name, open_it, fits=False)),
        ("with one objective", _Trying(name, open_it, objectives=OBJECTIVES[:1])),
        ("with four objectives", _Trying(name, open_it, objectives=more)),
        ("of one gene", _Trying(name, open_it, genes=GENES[1:2])),
        ("of one candidate", _Trying(name, open_it, genes=GENES[-2:])),
    ):
        trying.name = f"{name} in a search {what}"
        genes = trying.genes
        inside = all(_inside(gene, drawn[gene.path]) for drawn in _drawn(trying.run(12)) for gene in genes)
        expect(inside, f"{trying.name} draws values of the space.")


@contextmanager
def _quietly() -> Iterator[None]:
    """Optuna tells of every study otherwise."""
    logging = load_optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)
