"""sparsify: magnitude pruning with TF-MOT; Zhu and Gupta 2017 (arXiv:1710.01878, section 3).

Zeros do not shrink a `.tflite` before it is zipped and do not speed up dense kernels. They pay on compressed
downloads and on hardware that encodes weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from edgekit import _tf
from edgekit.errors import Finding, ModelError
from edgekit.keras import FOREIGN, Loading
from edgekit.keras.kernels import named_kernels
from edgekit.keras.kinds import kind_of, unknown_kernels
from edgekit.keras.types import KerasLayer, KerasModel
from edgekit.methods.dropout import with_less_dropout
from edgekit.methods.sparsity import Importance, pooled, share_out
from edgekit.methods.tfmot import make_masks
from edgekit.observer import logger
from edgekit.passes import Context, Pass, Stage, is_quantized, matches, unmatched_patterns
from edgekit.target import Target
from edgekit.training import Train

__all__ = ["PASS", "Sparsify"]

_log = logger(__name__)

Fraction = Annotated[float, Field(gt=0, lt=1)]
LEAST_UPDATES = 10
"""Updates of the masks in however short a fine-tuning."""
NOTABLE = 0.01
"""Fewer zeros in a kernel than this fraction are chance, not pruning."""


class Sparsify(Pass):
    """Set the smallest weights to zero, gradually while fine-tuning or at once.

    With `scope: global` the trained weights decide once how sparse each layer becomes, by one threshold for all: on
    magnitudes as they are, or on LAMP scores (Lee et al. 2021, arXiv:2010.07611, section 3), which divide a weight's
    square by the sum of those of its layer that outlive it, so that layers of unlike scale can be compared. Within its
    layer TF-MOT then picks the weights.
    """

    stage = Stage.SPARSITY
    summary = "Magnitude pruning (TF-MOT): sets the smallest weights to zero; per layer, globally, in blocks or 2:4."

    sparsity: Fraction = Field(
        default=0.5, description="fraction of zeros in every pruned kernel, or in all of them together"
    )
    scope: Literal["layer", "global"] = Field(
        default="layer", description="layer: each kernel gets this sparsity; global: one threshold over all kernels"
    )
    importance: Importance = Field(
        default="magnitude", description="what scope global compares; lamp weighs a weight against its layer"
    )
    cap: Fraction = Field(
        default=0.99, description="largest sparsity that scope global gives one layer, so that no layer is lost"
    )
    schedule: Literal["polynomial", "constant"] = Field(
        default="polynomial", description="sparsity while training: growing, or in full from begin on"
    )
    initial_sparsity: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="sparsity at which polynomial starts"
    )
    begin: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="when pruning starts, as a fraction of the fine-tuning"
    )
    end: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.6, description="when full sparsity is reached and the masks stay, as a fraction"
    )
    frequency: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=100, description="steps between updates of the masks, fewer where fine-tuning is short"
    )
    layers: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(
        default_factory=dict,
        description="sparsity by layer name or pattern (conv*); 0 leaves a layer alone; embeddings, recurrent, "
        "attention and depthwise layers are pruned only if named here",
    )
    block: tuple[Annotated[int, Field(ge=1, le=4096)], Annotated[int, Field(ge=1, le=4096)]] = Field(
        default=(1, 1),
        description="prune blocks of [inputs, outputs] of the kernel as a matrix [height*width*inputs, outputs]; "
        "[4, 1] are 4 neighbours in the .tflite",
    )
    pattern: str | None = Field(default=None, description="N:M, such as 2:4: N zeros in every M consecutive weights")

    @model_validator(mode="after")
    def _consistent(self) -> Sparsify:
        if self.end <= self.begin:
            raise ValueError("end must come after begin")
        if self.initial_sparsity >= self.sparsity and self.pattern is None:
            raise ValueError("initial_sparsity must be below sparsity")
        if self.importance == "lamp" and self.scope == "layer":
            raise ValueError("importance lamp compares layers, so it needs scope: global")
        if self.scope == "global" and self.sparsity > self.cap:
            raise ValueError("sparsity must not be above cap")
        if self.pattern is not None:
            found = re.fullmatch(r"(\d+):(\d+)", self.pattern)
            if not found or not 0 < int(found[1]) < int(found[2]):
                raise ValueError("pattern is N:M with 0 < N < M, such as 2:4")
            if self.block != (1, 1):
                raise ValueError("pattern and block exclude each other")
            if self.scope == "global":
                raise ValueError("pattern fixes the sparsity of every layer, so it excludes scope: global")
        return self

    def check(self, model: KerasModel, target: Target, loading: Loading = FOREIGN) -> list[Finding]:
        """Findings for layers that cannot be pruned in the way that is asked for."""
        findings = unmatched_patterns("layers", self.layers, [layer.name for layer in model.layers])
        if is_quantized(model):
            findings.append(Finding("sparsify comes before qat", "a quantisation-aware model"))
        for pattern, wanted in self.layers.items():
            named = [layer for layer in model.layers if matches(layer.name, [pattern])]
            if not named:
                continue  # unmatched
            if not any(_paths(layer) for layer in named):
                findings.append(Finding("The layer has a kernel that can be pruned", repr(pattern), where="layers"))
            elif wanted and not any(_paths(layer) and self._fits(layer) for layer in named):
                form = f"pattern {self.pattern}" if self.pattern else f"blocks of {list(self.block)}"
                findings.append(Finding(f"The layer can be pruned with {form}", repr(pattern), where="layers"))
        if not self._chosen(model):
            findings.append(Finding("The model has a layer that can be pruned"))
        return findings

    def apply(self, model: KerasModel, context: Context) -> Any:
        """Return a pruned and, where it is asked for, fine-tuned model."""
        chosen = self._chosen(model)
        left = [n.name for n in model.layers if kind_of(n).pruning == "default" and n.name not in chosen]
        if left:
            _log.info(f"sparsify: left alone: {', '.join(left)}")
        if unknown := unknown_kernels(model):
            _log.info(f"sparsify: of unknown kinds, left alone: {', '.join(unknown)}")
        if self.scope == "global":
            _log.info(f"sparsify: sparsity by layer: {', '.join(f'{n} {s:.3f}' for n, s in chosen.items())}")
        model = with_less_dropout(model, {name: 1 - wanted for name, wanted in chosen.items()})
        at_once = self._prune_at_once(model, chosen)
        plan = self.decide(context, lambda: context.trainer.score(at_once))
        result = (
            at_once if plan is None else self._prune_gradually(model, chosen, context, plan.as_train(context.train))
        )
        self._assert_sparse(result, chosen)
        return result

    def lost(self, result: KerasModel, later: KerasModel) -> list[Finding]:
        """Zeros that a later model has lost, by kernel; one whose layer was renamed or split is known by its size."""
        after = {n: w.numpy() for n, w in named_kernels(later)}
        findings = []
        for name, weight in named_kernels(result):
            zeros = weight.numpy().ravel() == 0
            if zeros.mean() < NOTABLE:
                continue
            same = [after[name]] if name in after else list(after.values())
            lost = [int(np.sum(zeros & (v.ravel() != 0))) for v in same if v.size == zeros.size]
            if min(lost, default=1):
                lacking = f"{min(lost)} of {zeros.sum()} zeros lost" if lost else "no such kernel"
                findings.append(Finding("The kernel keeps its zeros", lacking, where=name))
        return findings

    def _chosen(self, model: KerasModel) -> dict[str, float]:
        """Sparsity per layer that is pruned."""
        chosen, shared = {}, []
        for layer in model.layers:
            pattern = matches(layer.name, self.layers)
            asked = ("default", "on_request") if pattern is not None else ("default",)
            if kind_of(layer).pruning not in asked or not self._fits(layer):
                continue
            chosen[layer.name] = self.layers[pattern] if pattern else self.sparsity
            if pattern is None:
                shared.append(layer)
        if self.scope == "global" and shared:
            kernels = [_weights(layer)[0].numpy() for layer in shared]
            shares = share_out(kernels, self.sparsity, importance=self.importance, block=self.block, cap=self.cap)
            chosen |= {layer.name: share for layer, share in zip(shared, shares, strict=True)}
        return {name: wanted for name, wanted in chosen.items() if wanted > 0}

    def _fits(self, layer: KerasLayer) -> bool:
        """TF-MOT prunes N:M only in ranks 2 and 4 with a multiple of M input channels.

        Blocks need output channels last: the matrix [all other axes, last axis] has the neighbours of the shipped one.
        """
        if self.block != (1, 1):
            return all(kernel.outputs == -1 for kernel in kind_of(layer).pruned_kernels)
        if self.pattern:
            of = int(self.pattern.partition(":")[2])
            return all(len(w.shape) in (2, 4) and int(w.shape[-2]) % of == 0 for w in _weights(layer))
        return True

    def _wrapped(self, model: KerasModel, schedule: Any, chosen: Mapping[str, float]) -> Any:
        from edgekit.methods.pruning import PruneLowMagnitude

        def wrap(layer: KerasLayer) -> Any:
            copy = layer.__class__.from_config(layer.get_config())
            if layer.name not in chosen:
                return copy
            if kind_of(layer).shape_keys:  # it makes its kernels when it is called, not when it is built
                shapes = layer.get_config()
                inputs = {
                    key.removesuffix("_shape"): _tf.tf_keras().Input(batch_shape=tuple(shapes[key]))
                    for key in kind_of(layer).shape_keys
                }
                copy(**inputs)
            copy.get_prunable_weights = lambda: _weights(copy)
            form = tuple(map(int, self.pattern.split(":"))) if self.pattern else None
            wrapper = PruneLowMagnitude(copy, pruning_schedule=schedule(chosen[layer.name]), sparsity_m_by_n=form)
            wrapper.block = self.block
            return wrapper

        wrapped = _tf.tf_keras().models.clone_model(model, clone_function=wrap)
        for layer in wrapped.layers:
            inner = _inner(layer)
            inner.set_weights(model.get_layer(inner.name).get_weights())
        return wrapped

    def _prune_at_once(self, model: KerasModel, chosen: Mapping[str, float]) -> Any:
        sparsity = _tf.tfmot().sparsity.keras
        pruned = self._wrapped(model, lambda final: sparsity.ConstantSparsity(final, 0, -1, 1), chosen)
        for layer in pruned.layers:
            if kind_of(layer).is_wrapper:
                make_masks(layer)
        return _stripped(model, pruned)

    def _prune_gradually(self, model: KerasModel, chosen: Mapping[str, float], context: Context, plan: Train) -> Any:
        sparsity = _tf.tfmot().sparsity.keras
        steps = plan.epochs * -(-len(context.trainer.dataset.raw("train")) // plan.batch_size)
        first, last = int(self.begin * steps), max(int(self.end * steps), int(self.begin * steps) + 1)
        frequency = max(1, min(self.frequency, (last - first) // LEAST_UPDATES))
        last = first + (last - first) // frequency * frequency  # the last update comes at full sparsity

        def schedule(final: float) -> Any:
            if self.schedule == "constant":
                return sparsity.ConstantSparsity(final, first, last, frequency)
            return sparsity.PolynomialDecay(min(self.initial_sparsity, final), final, first, last, 3, frequency)

        pruned = self._wrapped(model, schedule, chosen)
        context.trainer.fit(pruned, plan, name=self.name, callbacks=[sparsity.UpdatePruningStep()])
        return _stripped(model, pruned)

    def _assert_sparse(self, model: KerasModel, chosen: Mapping[str, float]) -> None:
        for name, wanted in chosen.items():
            if self.pattern:
                zeros, of = map(int, self.pattern.split(":"))
                wanted = zeros / of
            for weight in _weights(model.get_layer(name)):
                found = pooled(np.abs(weight.numpy()), self.block) == 0
                if found.mean() < wanted - 0.01 - 1 / found.size:
                    raise ModelError(
                        f"sparsify must give the layer {name!r} a sparsity of {wanted:.2f}.",
                        received=f"{found.mean():.3f}",
                        remedy="Fine-tune for more epochs, or lower `end`.",
                    )


def _paths(layer: KerasLayer) -> tuple[str, ...]:
    return tuple(kernel.path for kernel in kind_of(layer).pruned_kernels)


def _weights(layer: KerasLayer) -> list[Any]:
    return [attrgetter(path)(layer) for path in _paths(layer)]


def _inner(layer: KerasLayer) -> Any:
    return layer.layer if kind_of(layer).is_wrapper else layer


def _stripped(model: KerasModel, pruned: KerasModel) -> Any:
    """The pruned weights in a fresh copy of the model: TF-MOT's own stripping leaves its names on the weights."""
    clean = _tf.tf_keras().models.clone_model(model)
    for layer in map(_inner, pruned.layers):
        clean.get_layer(layer.name).set_weights(layer.get_weights())
    return clean


PASS = Sparsify
