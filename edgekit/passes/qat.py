"""qat: quantisation-aware training; Jacob et al. 2018 (arXiv:1712.05877, section 3).

Rounding stands exactly where the integer file rounds (edgekit/methods/quantize), so that the file is the model that was
trained. After `sparsify` the zeros are kept, and the result is checked.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from edgekit.errors import Finding, ModelError
from edgekit.keras import FOREIGN, Loading
from edgekit.keras.lowering.pooling import with_free_pooling_scale
from edgekit.keras.types import KerasModel
from edgekit.methods.quantize import Quantized, calibrate, freezing, keeping_zeros, quantize, settled
from edgekit.observer import logger
from edgekit.passes import Context, Pass, Stage, is_quantized, matches, unmatched_patterns, zero_masks
from edgekit.target import Target

__all__ = ["PASS", "Qat"]

_log = logger(__name__)


class Qat(Pass):
    """Train with 8-bit rounding in the loop, so that the converted model loses less."""

    stage = Stage.QUANTIZATION
    summary = "Quantisation-aware training (TF-MOT): 8-bit rounding in the loop; keeps the zeros of sparsify."

    skip: tuple[str, ...] = Field(
        default=(), description="layer names or patterns (conv*) that the converter calibrates instead"
    )
    ranges: Literal["moving_average", "learned"] = Field(
        default="moving_average",
        description="ranges of activations while fine-tuning: TF-MOT's averages, or trained (LSQ)",
    )
    freeze_batch_norm: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=0.5,
        description="fraction of the fine-tuning's epochs after which batch-norm statistics and ranges are frozen; "
        "null never freezes them",
    )

    def check(self, model: KerasModel, target: Target, loading: Loading = FOREIGN) -> list[Finding]:
        """Findings for a second qat, targets without int8 and patterns that fit no layer."""
        findings = unmatched_patterns("skip", self.skip, [layer.name for layer in model.layers])
        if is_quantized(model):
            findings.append(Finding("qat comes once, and last", "a quantisation-aware model"))
        if "int8" not in target.formats:
            findings.append(Finding("The target runs int8 models", target.name, where="target"))
        return findings

    def apply(self, model: KerasModel, context: Context) -> Any:
        """Return a model with 8-bit rounding in the loop, fine-tuned."""
        model = with_free_pooling_scale(model)
        made = quantize(model, skip=lambda name: matches(name, self.skip) is not None, ranges=self.ranges)
        _say(made, context)
        masks = {made.parts.get(name, name): mask for name, mask in zero_masks(model).items()}
        calibrate(made.model, context.trainer.dataset.features("calibration"))
        plan = self.decide(context, lambda: context.trainer.score(made.model))
        if plan is not None:
            # Rounding to 8 bits is what is learned here: bfloat16's own 8 bits would blur it.
            plan = plan.model_copy(update={"precision": plan.precision or "float32"})
            callbacks = []
            if self.freeze_batch_norm is not None:
                callbacks.append(freezing(made.model, self.freeze_batch_norm, plan.epochs))
            with keeping_zeros(made.model, masks):
                context.trainer.fit(made.model, plan.as_train(context.train), name=self.name, callbacks=callbacks)
        result = settled(made.model)
        _assert_zeros_kept(masks, result)
        return result


def _say(made: Quantized, context: Context) -> None:
    if made.left:
        _log.info(f"qat: left to the converter's calibration: {', '.join(made.left)}")
    if made.inside:
        _log.info(f"qat: only the output is rounded, the inside is left to calibration: {', '.join(made.inside)}")


def _assert_zeros_kept(before: dict[str, Any], model: KerasModel) -> None:
    after = zero_masks(model, least=0.0)
    for name, mask in before.items():
        lost = int(np.sum(mask & ~after[name].reshape(mask.shape))) if name in after else mask.size
        if lost:
            raise ModelError(
                f"qat must keep the zeros of {name.partition('/')[0]!r}.",
                received=f"{lost} of {int(mask.sum())} zeros lost",
                remedy="Give that layer's pattern under qat: {skip: [...]}, or sparsify other layers.",
            )


PASS = Qat
