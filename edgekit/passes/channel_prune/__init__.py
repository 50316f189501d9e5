"""channel_prune: whole channels are removed and layers become narrower; what must go together is found in the graph.

The shapes shrink, so that MACs, weights and arena fall on every runtime, unlike with `sparsify`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from edgekit.errors import Finding, ModelError
from edgekit.keras import FOREIGN, Loading, load_model, save_model
from edgekit.keras.kernels import connections_left, widths
from edgekit.keras.kinds import kind_of
from edgekit.keras.types import KerasModel, KerasTensor
from edgekit.methods.channels import (
    MAKES_OUTPUT,
    Channels,
    Cost,
    Criterion,
    Group,
    Limits,
    Unit,
    analyse,
    correct,
    cost_of,
    importance,
    least_kept,
    normalized,
    reconstruct,
    shrink,
    to_budget,
    to_fractions,
    to_measured,
)
from edgekit.methods.dropout import with_less_dropout
from edgekit.observer import logger
from edgekit.passes import Context, Pass, Stage, is_quantized, matches
from edgekit.passes.channel_prune.findings import wrong_names
from edgekit.passes.channel_prune.tolerance import tolerated_ratios
from edgekit.target import Target

__all__ = ["PASS", "ChannelPrune"]

_log = logger(__name__)

Fraction = Annotated[float, Field(gt=0, lt=1)]
DEFAULT_MACS = 0.5


class ChannelPrune(Pass):
    """Remove the least important channels, until a budget is met or a fraction of every group is gone."""

    stage = Stage.STRUCTURE
    summary = "Channel pruning: narrows layers over the whole graph to a budget of MACs, params or bytes, or by ratio."

    macs: Fraction | None = Field(
        default=None, description="fraction of the MACs to keep; 0.5 where no budget and no ratio is given"
    )
    params: Fraction | None = Field(default=None, description="fraction of the parameters to keep")
    bytes: Fraction | None = Field(
        default=None,
        description="fraction of the weights' bytes to keep, estimated: int8 if the target runs it, else float32",
    )
    instructions: Fraction | None = Field(
        default=None,
        description="fraction of the arm64 instructions to keep, counted on the converted file of a few choices in "
        "the last round of each step; needs the runtime arm64",
    )
    ratio: Fraction | None = Field(
        default=None, description="fraction of the channels to remove, the same in every group"
    )
    ratios: dict[str, Fraction] | Literal["sensitivity"] = Field(
        default_factory=dict,
        description="fraction of the channels to remove by layer name or pattern, others stay; sensitivity: what each "
        "group of layers tolerates alone on calibration data",
    )
    tolerance: Fraction = Field(
        default=0.05, description="for ratios: sensitivity: top-1 that a group may cost alone, before fine-tuning"
    )
    criterion: Criterion = Field(
        default="taylor",
        description="importance: l1 or l2 norms, batch_norm scales, taylor (first order, on calibration data) or "
        "hessian (second order, Gauss-Newton)",
    )
    scope: Literal["global", "uniform"] = Field(
        default="global",
        description="for a budget: rank all channels together, or take the same fraction from every group",
    )
    normalise: bool | None = Field(
        default=None,
        description="divide importance by its mean over the group before groups are ranked together; left out: for "
        "l1, l2 and batch_norm, whose scales differ by layer",
    )
    per_cost: bool | None = Field(
        default=None,
        description="rank by importance per MAC (parameter, byte) that a channel saves; left out: for taylor and "
        "hessian, which estimate the loss",
    )
    min_keep: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1, description="smallest fraction of a group's channels that stays"
    )
    multiple: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        default=None, description="widths become multiples of this; by default of what the target prefers"
    )
    skip: tuple[str, ...] = Field(default=(), description="layer names or patterns (conv*) whose channels stay")
    steps: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1,
        description="number of steps, of geometric size; each is scored and fine-tuned on its own, as `finetune` says",
    )
    rounds: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5,
        description="number of rounds in a step; each is scored and repaired on its own, without training",
    )
    correct: bool = Field(
        default=True, description="correct biases and batch-norm statistics for what was removed, on calibration data"
    )
    reconstruct: bool = Field(
        default=True, description="fit the kernels after removed channels to their old outputs by least squares"
    )

    @model_validator(mode="after")
    def _one_budget(self) -> ChannelPrune:
        given = [k for k in ("macs", "params", "bytes", "instructions", "ratio", "ratios") if getattr(self, k)]
        if len(given) > 1:
            raise ValueError(f"give one of macs, params, bytes, instructions, ratio, ratios, not {' and '.join(given)}")
        return self

    @property
    def runtimes(self) -> tuple[str, ...]:
        """arm64, where instructions are budgeted."""
        return ("arm64",) if self.instructions else ()

    def check(self, model: KerasModel, target: Target, loading: Loading = FOREIGN) -> list[Finding]:
        """Findings for layers that cannot be pruned, and for budgets that cannot be met."""
        if is_quantized(model):
            return [Finding("channel_prune comes before qat", "a quantisation-aware model")]
        try:
            channels = analyse(model)
        except ModelError as error:
            return [error.finding]
        findings = wrong_names(model, channels, self._named, self.skip)
        if findings:
            return findings
        if not self._open_groups(channels, self._limits(channels, target)):
            reasons = "; ".join(f"{name!r}: {why}" for name, why in list(channels.unsafe.items())[:5])
            return [Finding("The model has channels that can be pruned", reasons or None)]
        return self._unreachable(channels, target)

    def apply(self, model: KerasModel, context: Context) -> Any:
        """Return a narrower model, pruned and fine-tuned step by step."""
        if self.ratios == "sensitivity":
            tolerated = tolerated_ratios(self.name, model, context, tolerance=self.tolerance, skip=self.skip)
            return self.model_copy(update={"ratios": tolerated}).apply(model, context) if tolerated else _copied(model)
        channels = analyse(model)
        limits = self._limits(channels, context.target)
        cost = self._cost(channels, context.target)
        full = _Full(
            cost(channels.all_kept()) if cost else 0, self._counted(model, context) if self.instructions else 0
        )
        kept = {name: why for name, why in channels.unsafe.items() if why != MAKES_OUTPUT}
        for name, why in kept.items():
            _log.info(f"{self.name}: {name} left alone: {why}")
        current = model
        files = [context.trainer.workdir / f"{self.name}-{step}.h5" for step in range(1, self.steps)]
        for step in range(1, self.steps + 1):
            file = files[step - 1] if step < self.steps else None
            if file and file.is_file():
                _log.info(f"{self.name}: step {step} was done before")
                current = load_model(file, context.loading)
                continue
            current = self._step(current, step, full, limits, context)
            if file:
                save_model(current, file)
        for file in files:
            file.unlink()
        self._say(current, limits, full, context)
        return current

    def lost(self, result: KerasModel, later: KerasModel) -> list[Finding]:
        """Findings for layers whose number of channels a later pass has changed."""
        before = widths(result)
        return [
            Finding("The layer keeps its number of channels", f"{width} in place of {before[name]}", where=name)
            for name, width in widths(later).items()
            if name in before and width > before[name]
        ]

    @property
    def _named(self) -> dict[str, float]:
        """Ratios that the recipe gives by name."""
        return {} if self.ratios == "sensitivity" else dict(self.ratios)

    def _step(self, model: KerasModel, step: int, full: _Full, limits: Limits, context: Context) -> Any:
        """Prune to this step's share of the way round by round, then fine-tune."""
        narrow = model
        for done in range(1, self.rounds + 1):
            share = (step - 1 + done / self.rounds) / self.steps
            narrow = self._round(narrow, share, full, limits, context, last=done == self.rounds)
        narrow = with_less_dropout(narrow, connections_left(model, narrow))
        plan = self.decide(context, lambda: context.trainer.score(narrow))
        if plan is not None:
            name = self.name if self.steps == 1 else f"{self.name}-{step}"
            context.trainer.fit(narrow, plan.as_train(context.train), name=name)
        return narrow

    def _round(
        self, model: KerasModel, share: float, full: _Full, limits: Limits, context: Context, *, last: bool
    ) -> Any:
        """Remove what is least important now, up to this share of the way, and repair what reads it."""
        x = context.trainer.dataset.features("calibration")
        channels = analyse(model)
        keep = self._kept(model, channels, share, full, limits, context, last=last)
        narrow = shrink(model, channels, keep)
        done = frozenset[str]()
        if self.reconstruct:
            done = reconstruct(model, narrow, channels, keep, x, seed=context.trainer.seed)
        if self.correct:
            correct(model, narrow, channels, keep, x, done=done)
        return narrow

    def _kept(
        self,
        model: KerasModel,
        channels: Channels,
        share: float,
        full: _Full,
        limits: Limits,
        context: Context,
        *,
        last: bool,
    ) -> NDArray[np.bool_]:
        """Which channels stay after this share of the way; instructions are counted in the last round of a step."""
        scores, cost = self._scores(model, channels, context), self._cost(channels, context.target)
        if cost is None:
            removed = {name: 1 - (1 - r) ** share for name, r in self._removed(channels, limits).items()}
            return to_fractions(channels, scores, removed, limits)
        uniform, per_cost = self.scope == "uniform", self._estimates_loss if self.per_cost is None else self.per_cost
        choose = partial(to_budget, channels, scores, cost, limits=limits, uniform=uniform, per_cost=per_cost)
        left, narrowest, everything = self._fraction**share, least_kept(channels, limits), channels.all_kept()
        if not (self.instructions and last):
            found = choose(left * full.cost)
            if found is not None:
                return found
            if self.instructions:
                return everything  # MACs only stand for them
            raise self._unmet(cost(narrowest) / full.cost)

        def measure(keep: NDArray[np.bool_]) -> int:
            return self._counted(shrink(model, channels, keep), context)

        least, most = cost(narrowest), cost(everything)
        found = to_measured(choose, measure, left * full.instructions, least=least, most=most)
        if found is None:
            raise self._unmet(measure(narrowest) / full.instructions)
        return found

    def _unmet(self, least: float) -> ModelError:
        return ModelError(
            f"channel_prune must reach {self._figure}: {self._fraction:g}.",
            received=f"at least {least:.3f}",
            remedy="Lower min_keep or multiple, or ask for less.",
        )

    def _scores(self, model: KerasModel, channels: Channels, context: Context) -> NDArray[np.float64]:
        """Importance of every channel on calibration data."""
        data, objective = context.trainer.dataset, context.trainer.objective
        x, y = data.features("calibration"), objective.targets(data, "calibration")
        scores = importance(model, channels, self.criterion, x, y, objective.loss(model), seed=context.trainer.seed)
        if (not self._estimates_loss) if self.normalise is None else self.normalise:
            scores = normalized(channels, scores)
        return np.nan_to_num(scores, nan=np.inf)

    @property
    def _estimates_loss(self) -> bool:
        return self.criterion in ("taylor", "hessian")

    def _say(self, model: KerasModel, limits: Limits, full: _Full, context: Context) -> None:
        """One line for each group, and one for the sum; the sum is what the pass promises."""
        channels = analyse(model)
        for group in channels.groups:
            _log.info(f"{self.name}: {group.name}: {limits.original[group.name]} -> {len(group.channels)} channels")
        cost = self._cost(channels, context.target)
        if cost is None:
            return
        now = self._counted(model, context) if self.instructions else cost(channels.all_kept())
        whole = full.instructions or full.cost
        _log.info(f"{self.name}: {now:,} of {whole:,} {self._figure} ({now / whole:.3f})")
        if now > whole * self._fraction:
            raise ModelError(
                f"channel_prune must reach {self._figure}: {self._fraction:g}.", received=f"{now / whole:.3f}"
            )

    def _counted(self, model: KerasModel, context: Context) -> int:
        if context.instructions is None:
            raise ModelError(
                "channel_prune counts instructions of converted files.",
                received="no converter and no runtime",
                remedy="Run it by edgekit.compress, or budget macs.",
            )
        return context.instructions(model)

    @property
    def _unit(self) -> Unit | None:
        """The figure that is counted, or None where fractions of channels are given; MACs stand for instructions."""
        if self.ratio is not None or self.ratios:
            return None
        return "params" if self.params else "bytes" if self.bytes else "macs"

    @property
    def _figure(self) -> str:
        """The figure that is budgeted."""
        return "instructions" if self.instructions else str(self._unit)

    @property
    def _fraction(self) -> float:
        return self.macs or self.params or self.bytes or self.instructions or DEFAULT_MACS

    def _cost(self, channels: Channels, target: Target) -> Cost | None:
        return cost_of(channels, self._unit, integer="int8" in target.formats) if self._unit else None

    def _limits(self, channels: Channels, target: Target) -> Limits:
        original = {g.name: len(g.channels) for g in channels.groups}
        silent = {g.name for g in channels.groups if self.criterion == "batch_norm" and not _normalized(channels, g)}
        skipped = {g.name for g in channels.groups if any(matches(layer, self.skip) for layer in g.layers)}
        return Limits(self.multiple or target.channel_multiple, self.min_keep, original, frozenset(silent | skipped))

    def _removed(self, channels: Channels, limits: Limits) -> dict[str, float]:
        """By name of the group, the fraction of its channels that goes."""
        found = {}
        for group in channels.groups:
            patterns = [p for p in (matches(layer, self._named) for layer in group.layers) if p]
            ratio = self.ratio if self.ratio is not None else self._named[patterns[0]] if patterns else None
            if ratio is not None and group.name not in limits.skip:
                found[group.name] = ratio
        return found

    def _open_groups(self, channels: Channels, limits: Limits) -> list[Group]:
        chosen = self.ratio is not None or self._named
        asked = self._removed(channels, limits) if chosen else {g.name: 0.0 for g in channels.groups}
        return [g for g in channels.groups if g.name in asked and limits.kept(g, 1) < len(g.channels)]

    def _unreachable(self, channels: Channels, target: Target) -> list[Finding]:
        if self._unit is None:
            return []
        cost, limits = self._cost(channels, target), self._limits(channels, target)
        if cost is None:
            return [Finding("MACs need fixed input shapes", _shape(channels), "Budget params instead.", "macs")]
        least = cost(least_kept(channels, limits)) / max(1, cost(channels.all_kept()))
        if least <= self._fraction or self.instructions:  # only converted files tell instructions
            return []
        rule = (
            f"With min_keep {self.min_keep:g} and multiples of {limits.multiple}, {self._unit} can go down to "
            f"{least:.3f}"
        )
        return [Finding(rule, f"{self._fraction:g}", where=str(self._unit))]


@dataclass(frozen=True)
class _Full:
    """What the model costs before the pass: counted (MACs stand for instructions), and instructions if asked for."""

    cost: int
    instructions: int


def _normalized(channels: Channels, group: Group) -> bool:
    """Whether batch normalisation scales every channel of a group."""
    scaled = [
        cut.weights[0][0] for cut in channels.cuts.values() if kind_of(cut.layer).is_batch_norm and cut.layer.scale
    ]
    return bool(scaled) and bool(np.isin(group.channels, np.concatenate(scaled)).all())


def _copied(model: KerasModel) -> Any:
    channels = analyse(model)
    return shrink(model, channels, channels.all_kept())


def _shape(channels: Channels) -> list[int | None]:
    tensor: KerasTensor = channels.steps[0].args[0]
    return list(tensor.shape)


PASS = ChannelPrune
