"""low_rank: layers become chains of smaller ones; which forms there are says `edgekit.methods.low_rank.forms`.

The chains are plain Keras layers, so that later passes and the converter take them. The last one keeps the name, the
activation and the bias of the original; the others are called NAME_rank_in, NAME_rank_v, ...
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from edgekit.errors import Finding, ModelError
from edgekit.keras import FOREIGN, Loading
from edgekit.keras.macs import model_macs, uncounted
from edgekit.keras.types import KerasLayer, KerasModel
from edgekit.methods.dropout import with_less_dropout
from edgekit.methods.low_rank import (
    Decomposition,
    Geometry,
    Method,
    Problem,
    allocate,
    at_budget,
    choose,
    collect_moments,
    replace_layers,
)
from edgekit.methods.low_rank.choice import options
from edgekit.methods.low_rank.rebuild import calls, plain_layers
from edgekit.observer import logger
from edgekit.passes import Context, Pass, Stage, is_quantized, matches, unmatched_patterns
from edgekit.target import Target

__all__ = ["PASS", "LowRank"]

_log = logger(__name__)

ENERGY = 0.95
FACTOR = re.compile(r"(.+)_rank_(in|v|h|core|depthwise)(_\d+)?$")
"""Names of the factors before the last one."""

Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=1 << 20)]


class LowRank(Pass):
    """Replace dense layers and convolutions by chains of smaller ones where that saves MACs."""

    stage = Stage.STRUCTURE
    summary = "Low-rank layers (SVD, spatial, Tucker, CP, separable): fewer MACs, least error of each layer's output."

    method: Method = Field(
        default="auto",
        description="form of convolutions; auto takes the one with the least error per layer; matrices are always svd",
    )
    energy: Fraction | None = Field(
        default=None, description=f"energy of every layer's output to keep; {ENERGY} where no other rule is given"
    )
    fraction: Fraction | None = Field(default=None, description="rank as a fraction of each layer's full rank")
    rank: Count | Literal["evbmf"] | None = Field(
        default=None, description="rank of every layer, or evbmf: as many as stand out of the noise"
    )
    macs: Fraction | None = Field(
        default=None, description="fraction of the model's MACs to keep, shared out over its layers"
    )
    layers: dict[str, Annotated[int, Field(ge=0, le=1 << 20)] | tuple[Count, Count]] = Field(
        default_factory=dict,
        description="rank by layer name or pattern (conv*), for tucker also [in, out]; 0 or off leaves a layer alone",
    )
    data_aware: bool = Field(
        default=True, description="least error of the layers' outputs on calibration data, instead of their weights"
    )

    @field_validator("layers", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if any(v is True for v in value.values()):
            raise ValueError("layers gives a rank, or off")
        return {k: 0 if v is False or v == "off" else v for k, v in value.items()}

    @model_validator(mode="after")
    def _one_rule(self) -> LowRank:
        given = [k for k in ("energy", "fraction", "rank", "macs") if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"one of energy, fraction, rank and macs, not {' and '.join(given)}")
        return self

    def check(self, model: KerasModel, target: Target, loading: Loading = FOREIGN) -> list[Finding]:
        """Findings for layers without a form of the method, and for ranks and budgets that cannot be met."""
        if is_quantized(model):
            return [Finding("low_rank comes before qat", "a quantisation-aware model")]
        findings = unmatched_patterns("layers", self.layers, [layer.name for layer in model.layers])
        called = calls(model)
        replaceable = []
        for layer in model.layers:
            wanted = self._wanted(layer.name)
            if wanted == 0:
                continue
            if not _has_forms(layer):
                if layer.name in self.layers:
                    findings.append(Finding("The layer has a low-rank form", type(layer).__name__, where=layer.name))
                continue
            if called.get(layer.name, 0) > 1:
                remedy = f"Leave it alone with layers: {{{layer.name}: 0}}"
                findings.append(Finding("The layer is called once", f"{called[layer.name]} calls", remedy, layer.name))
                continue
            findings += self._rank_finding(layer, wanted)
            if _cheapest(layer, self._method(wanted), target.channel_multiple):
                replaceable.append(layer)
        if not findings and not replaceable:
            findings.append(Finding(f"The model has a layer whose MACs fall by the method {self.method}"))
        if not findings:
            findings += self._global_findings(model, replaceable, target)
        return findings

    def apply(self, model: KerasModel, context: Context) -> Any:
        """Return a model of factorised layers, fine-tuned where that is asked for."""
        found = self._decompositions(model, context)
        for name, made in found.items():
            _log.info(
                f"low_rank: {name}: {made.form} rank {'x'.join(map(str, made.rank))}, MACs "
                f"{Geometry.of(model.get_layer(name)).macs():,} -> {made.macs:,}, relative "
                f"{'output' if self.data_aware else 'weight'} error {made.error:.4f}"
            )
        result = replace_layers(model, {name: _chain(model.get_layer(name), made) for name, made in found.items()})
        self._assert_macs(model, result)
        result = with_less_dropout(result, {n: _weights_left(model.get_layer(n), made) for n, made in found.items()})
        plan = self.decide(context, lambda: context.trainer.score(result))
        if plan is not None:
            context.trainer.fit(result, plan.as_train(context.train), name=self.name)
        return result

    def lost(self, result: KerasModel, later: KerasModel) -> list[Finding]:
        """Inner widths that have grown, or factors that are gone."""
        inner = [getattr(layer, "layer", layer) for layer in later.layers]
        names = {layer.name: layer for layer in inner if hasattr(layer, "kernel") or hasattr(layer, "depthwise_kernel")}
        lost = []
        for layer in result.layers:
            factor = FACTOR.match(layer.name)
            if factor is None or not layer.weights:
                continue
            for name in (layer.name, factor[1]):
                if name not in names:
                    lost.append(Finding("The low-rank factor is still there", where=name))
                elif _inner(names[name]) > _inner(result.get_layer(name)):
                    grown = f"{_inner(names[name])} in place of {_inner(result.get_layer(name))}"
                    lost.append(Finding("The layer keeps its number of inner channels", grown, where=name))
        return list(dict.fromkeys(lost))

    def _wanted(self, name: str) -> int | tuple[int, int] | None:
        pattern = matches(name, self.layers)
        return self.layers[pattern] if pattern else None

    def _method(self, wanted: Any) -> str:
        return "tucker" if isinstance(wanted, tuple) else self.method

    def _rank_finding(self, layer: KerasLayer, wanted: int | tuple[int, int] | None) -> list[Finding]:
        """Whether a rank given for this layer is one of its form's."""
        geometry = Geometry.of(layer)
        forms = geometry.forms(self._method(wanted))
        if wanted is None or not forms:
            missing = Finding(f"The layer has a form for the method {self.method}", where=layer.name)
            return [] if forms or wanted is None else [missing]
        try:
            geometry.rank(forms[0], wanted)
        except ModelError as error:
            return [replace(error.finding, where=layer.name)]
        return []

    def _global_findings(self, model: KerasModel, replaceable: list[Any], target: Target) -> list[Finding]:
        if isinstance(self.rank, int):
            others = [layer for layer in replaceable if self._wanted(layer.name) is None]
            full = {layer.name: _full_rank(layer, self.method) for layer in others}
            if full and self.rank > max(full.values()):
                most = max(full, key=lambda n: full[n])
                rule = f"A rank is at most the full rank of some layer, here {full[most]} of {most!r}"
                return [Finding(rule, self.rank, where="rank")]
        if self.macs is not None:
            least = total = model_macs(model) or 0
            for layer in replaceable:
                cheapest = _cheapest(layer, self.method, target.channel_multiple)
                least -= Geometry.of(layer).macs() - (cheapest or Geometry.of(layer).macs())
            if total == 0:
                return [Finding("MACs are counted for a fixed input size", where="macs")]
            if least > self.macs * total:
                rule = f"Rank 1 leaves {least / total:.2f} of the MACs, and no rank leaves less"
                return [Finding(rule, self.macs, where="macs")]
        return []

    def _decompositions(self, model: KerasModel, context: Context) -> dict[str, Decomposition]:
        """What each layer becomes; the others are logged."""
        problems = self._problems(model, context)
        found = {n: self._chosen(p, self._wanted(n)) for n, p in problems.items() if not self._shared_out(n)}
        shared = {n: (p.geometry.macs(), options(p)) for n, p in problems.items() if self._shared_out(n)}
        if self.macs is not None:
            total = model_macs(model) or 0
            saved = sum(problems[n].geometry.macs() - d.macs for n, d in found.items() if d)
            save = total - int(self.macs * total) - saved
            if left_out := uncounted(model):
                _log.info(f"low_rank: not counted in MACs: {', '.join(left_out)}")
            taken = {n: option.found for n, option in allocate(shared, save).items()}
            spare = sum(shared[n][0] - made.macs for n, made in taken.items()) - save
            found |= dict.fromkeys(shared) | _refined(problems, taken, max(spare, 0))
        asked = [layer.name for layer in model.layers if _has_forms(layer) and self._wanted(layer.name) != 0]
        if left := [n for n in asked if found.get(n) is None]:
            _log.info(f"low_rank: left alone: {', '.join(left)}")
        return {n: d for n, d in found.items() if d is not None}

    def _problems(self, model: KerasModel, context: Context) -> dict[str, Problem]:
        multiple = context.target.channel_multiple
        chosen = {}
        for layer in model.layers:
            wanted = self._wanted(layer.name)
            if wanted != 0 and _has_forms(layer) and _cheapest(layer, self._method(wanted), multiple):
                chosen[layer.name] = self._method(wanted)
        moments = {}
        if self.data_aware and chosen:
            data = context.trainer.dataset.features("calibration")
            moments = dict(collect_moments(model, list(chosen), data))
            if missing := [n for n in chosen if n not in moments]:
                _log.info(f"low_rank: too wide for output errors, by weights alone: {', '.join(missing)}")
        return {n: Problem.of(model.get_layer(n), m, moments.get(n), multiple) for n, m in chosen.items()}

    def _shared_out(self, name: str) -> bool:
        return self.macs is not None and self._wanted(name) is None

    def _chosen(self, problem: Problem, wanted: int | tuple[int, int] | None) -> Decomposition | None:
        if wanted is not None:
            return choose(problem, rank=wanted)
        if self.fraction is not None:
            return choose(problem, fraction=self.fraction)
        if self.rank is None:
            return choose(problem, energy=self.energy or ENERGY)
        if isinstance(self.rank, int) and self.rank > max(problem.geometry.full_rank(problem.forms[0])):
            return None
        return choose(problem, rank=self.rank)

    def _assert_macs(self, model: KerasModel, result: KerasModel) -> None:
        before, after = model_macs(model), model_macs(result)
        if self.macs is not None and before and after is not None and after > self.macs * before + 1:
            raise ModelError(
                f"low_rank must leave {self.macs} of the MACs.",
                received=f"{after / before:.3f}",
                remedy="Raise macs, or leave fewer layers out.",
            )


def _has_forms(layer: KerasLayer) -> bool:
    try:
        return bool(Geometry.of(layer).forms())
    except ModelError:
        return False


def _full_rank(layer: KerasLayer, method: str) -> int:
    geometry = Geometry.of(layer)
    return max(geometry.full_rank(geometry.forms(method)[0]))


def _cheapest(layer: KerasLayer, method: str, multiple: int) -> int | None:
    """MACs at the least rank of the cheapest form, or None where no form of the method saves any."""
    geometry = Geometry.of(layer)
    found = []
    for form in geometry.forms(method):
        rank = geometry.rounded(form, (1,) * len(geometry.full_rank(form)), multiple)
        if geometry.saves(form, rank, multiple):
            found.append(sum(f.macs() for f in geometry.factors(form, rank)))
    return min(found, default=None)


def _refined(
    problems: Mapping[str, Problem], taken: Mapping[str, Decomposition], spare: int
) -> dict[str, Decomposition]:
    """The form with the least error at the MACs that the allocation gave, costly forms included.

    Spare MACs go to the layer with the greatest error, and on to the next what it cannot use.
    """
    found = {}
    for name, made in sorted(taken.items(), key=lambda item: -item[1].error):
        found[name] = min([made, *at_budget(problems[name], made.macs + spare)], key=lambda d: d.error)
        spare -= found[name].macs - made.macs
    return found


def _weights_left(layer: KerasLayer, made: Decomposition) -> float:
    before = sum(weight.size for weight in layer.get_weights() if weight.ndim > 1)
    return float(sum(kernel.size for kernel in made.kernels) / before)


def _chain(layer: KerasLayer, made: Decomposition) -> tuple[list[Any], list[Any]]:
    bias = [] if made.bias is None else [made.bias]
    return plain_layers(made.factors, layer.name, layer.get_config()), [*made.kernels, *bias]


def _inner(layer: KerasLayer) -> int:
    """The width of a factor towards the inside of its chain: what it makes, but what the last factor takes."""
    kernel = getattr(layer, "depthwise_kernel", None)
    if kernel is not None:
        return int(kernel.shape[2] * kernel.shape[3])
    return int(layer.kernel.shape[-1 if FACTOR.match(layer.name) else -2])


PASS = LowRank
