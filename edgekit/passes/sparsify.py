"""sparsify: magnitude pruning with TF-MOT; Zhu and Gupta 2017 (arXiv:1710.01878, section 3).

Zeros do not shrink a `.tflite` before it is zipped and do not speed up dense kernels. They pay on compressed
downloads and on hardware that encodes weights.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.passes import Context, Pass, Stage, matches, zero_masks
from edgekit.target import Target

__all__ = ["PASS", "Sparsify"]

PRUNABLE = {
    "Dense": "kernel",
    "Conv1D": "kernel",
    "Conv2D": "kernel",
    "Conv2DTranspose": "kernel",
    "SeparableConv2D": "pointwise_kernel",
}
"""Layers pruned unless named otherwise, and their weight that is."""

ON_REQUEST = {"DepthwiseConv2D": "depthwise_kernel"}
"""Depthwise kernels hold few weights and cost much accuracy: pruned only where `layers` names them."""

Fraction = Annotated[float, Field(gt=0, lt=1)]


class Sparsify(Pass):
    """Set the smallest weights to zero, gradually while fine-tuning or at once."""

    stage = Stage.SPARSITY
    summary = "Magnitude pruning (TF-MOT): sets the smallest weights to zero; per layer, in blocks or 2:4."

    sparsity: Fraction = Field(0.5, description="fraction of zeros in every pruned kernel")
    schedule: Literal["polynomial", "constant"] = Field("polynomial", description="how sparsity grows while training")
    initial_sparsity: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="where polynomial starts")
    begin: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="start, as a fraction of the fine-tuning")
    end: Annotated[float, Field(gt=0, le=1)] = Field(0.6, description="when full sparsity is reached, as a fraction")
    frequency: Annotated[int, Field(ge=1)] = Field(20, description="steps between updates of the masks")
    layers: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(
        default_factory=dict, description="sparsity by layer name or pattern (conv*); 0 leaves a layer alone"
    )
    block: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = Field(
        (1, 1), description="prune blocks of [rows, columns]; only dense layers can be"
    )
    pattern: str | None = Field(None, description="N:M, such as 2:4: N zeros in every M consecutive weights")

    @model_validator(mode="after")
    def _consistent(self) -> Sparsify:
        if self.end <= self.begin:
            raise ValueError("end must come after begin")
        if self.pattern is not None:
            found = re.fullmatch(r"(\d+):(\d+)", self.pattern)
            if not found or not 0 < int(found[1]) < int(found[2]):
                raise ValueError("pattern is N:M with 0 < N < M, such as 2:4")
            if self.block != (1, 1):
                raise ValueError("pattern and block exclude each other")
        return self

    def check(self, model: Any, target: Target) -> list[str]:
        names = [layer.name for layer in model.layers]
        findings = [
            f"layers names {p!r}, which no layer of the model fits"
            for p in self.layers
            if not any(matches(n, [p]) for n in names)
        ]
        if not self._chosen(model):
            findings.append("the model has no layer that can be pruned")
        return findings

    def apply(self, model: Any, context: Context) -> Any:
        chosen = self._chosen(model)
        left = [n for n in self._prunable(model) if n not in chosen]
        if left:
            context.log(f"sparsify: left alone: {', '.join(left)}")
        at_once = self._prune_at_once(model, chosen)
        plan = self.decide(context, lambda: context.trainer.score(at_once))
        result = (
            at_once if plan is None else self._prune_gradually(model, chosen, context, plan.as_train(context.train))
        )
        self._assert_sparse(result, chosen)
        return result

    def _prunable(self, model: Any) -> list[str]:
        return [layer.name for layer in model.layers if type(layer).__name__ in PRUNABLE]

    def _chosen(self, model: Any) -> dict[str, float]:
        """Sparsity per layer that is pruned."""
        chosen = {}
        for layer in model.layers:
            kind = type(layer).__name__
            pattern = matches(layer.name, self.layers)
            wanted = self.layers[pattern] if pattern else self.sparsity
            named = pattern is not None and kind in ON_REQUEST
            if wanted > 0 and (kind in PRUNABLE or named) and self._fits(layer):
                chosen[layer.name] = wanted
        return chosen

    def _fits(self, layer: Any) -> bool:
        """TF-MOT prunes in blocks only matrices, and N:M only ranks 2 and 4 with a multiple of M input channels."""
        shape = getattr(layer, _kernel_name(layer)).shape
        if self.block != (1, 1):
            return len(shape) == 2
        if self.pattern:
            return len(shape) in (2, 4) and int(shape[-2]) % int(self.pattern.partition(":")[2]) == 0
        return True

    def _wrapped(self, model: Any, schedule: Any, chosen: dict[str, float]) -> Any:
        keras, sparsity = _tf.tf_keras(), _tf.tfmot().sparsity.keras

        def wrap(layer: Any) -> Any:
            copy = layer.__class__.from_config(layer.get_config())
            if layer.name not in chosen:
                return copy
            if type(layer).__name__ in ON_REQUEST:  # TF-MOT knows the layer, but no weight of it to prune
                copy.get_prunable_weights = lambda: [getattr(copy, _kernel_name(copy))]
            options: dict[str, Any] = {"pruning_schedule": schedule(chosen[layer.name])}
            if self.pattern:
                zeros, of = map(int, self.pattern.split(":"))
                options["sparsity_m_by_n"] = (zeros, of)
            else:
                options |= {"block_size": self.block, "block_pooling_type": "AVG"}
            return sparsity.prune_low_magnitude(copy, **options)

        wrapped = keras.models.clone_model(model, clone_function=wrap)
        _copy_weights(model, wrapped)
        return wrapped

    def _prune_at_once(self, model: Any, chosen: dict[str, float]) -> Any:
        sparsity = _tf.tfmot().sparsity.keras
        pruned = self._wrapped(model, lambda final: sparsity.ConstantSparsity(final, 0, -1, 1), chosen)
        for layer in pruned.layers:
            if hasattr(layer, "pruning_obj"):
                layer.pruning_step.assign(1)  # TF-MOT makes N:M masks at step 1 and no other
                layer.pruning_obj.conditional_mask_update()
                layer.pruning_obj.weight_mask_op()
        return _stripped(model, pruned)

    def _prune_gradually(self, model: Any, chosen: dict[str, float], context: Context, plan: Any) -> Any:
        sparsity = _tf.tfmot().sparsity.keras
        steps = plan.epochs * -(-len(context.trainer.dataset.raw("train")) // plan.batch_size)
        first, last = int(self.begin * steps), max(int(self.end * steps), int(self.begin * steps) + 1)
        frequency = max(1, min(self.frequency, (last - first) // 4))

        def schedule(final: float) -> Any:
            if self.schedule == "constant":
                return sparsity.ConstantSparsity(final, first, -1, frequency)
            return sparsity.PolynomialDecay(min(self.initial_sparsity, final), final, first, last, 3, frequency)

        pruned = self._wrapped(model, schedule, chosen)
        context.trainer.fit(pruned, plan, name=self.name, callbacks=[sparsity.UpdatePruningStep()])
        return _stripped(model, pruned)

    def _assert_sparse(self, model: Any, chosen: dict[str, float]) -> None:
        masks = zero_masks(model, least=0.0)
        for name, wanted in chosen.items():
            mask = masks[f"{name}/{_kernel_name(model.get_layer(name))}"]
            if self.pattern:
                zeros, of = map(int, self.pattern.split(":"))
                wanted = zeros / of
            slack = np.prod(self.block) / mask.size
            if mask.mean() < wanted - 0.01 - slack:
                raise ModelError(
                    f"sparsify must give the layer {name!r} a sparsity of {wanted:.2f}.",
                    received=f"{mask.mean():.3f}",
                    remedy="Fine-tune for more epochs, or lower `end`.",
                )


def _kernel_name(layer: Any) -> str:
    return (PRUNABLE | ON_REQUEST)[type(layer).__name__]


def _stripped(model: Any, pruned: Any) -> Any:
    """The pruned weights in a fresh copy of the model: TF-MOT's own stripping leaves its names on the weights."""
    stripped = _tf.tfmot().sparsity.keras.strip_pruning(pruned)
    clean = _tf.tf_keras().models.clone_model(model)
    for layer in clean.layers:
        layer.set_weights(stripped.get_layer(layer.name).get_weights())
    return clean


def _copy_weights(source: Any, wrapped: Any) -> None:
    for layer in wrapped.layers:
        inner = getattr(layer, "layer", layer)
        inner.set_weights(source.get_layer(inner.name).get_weights())


PASS = Sparsify
