"""clip_weights: kernels within a few standard deviations, so that one outlier does not widen the range of 8 bits."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from edgekit.errors import Finding
from edgekit.keras import FOREIGN, Loading
from edgekit.passes import Context, Pass, Stage, is_quantized
from edgekit.target import Target

__all__ = ["PASS", "ClipWeights"]


class ClipWeights(Pass):
    """Clips every kernel at a multiple of its standard deviation."""

    stage: ClassVar[Stage] = Stage.STRUCTURE
    summary: ClassVar[str] = "Clips kernels at a few standard deviations, which narrows the ranges of int8."

    deviations: Annotated[float, Field(ge=1, le=100)] = Field(
        default=4.0, description="standard deviations that are kept"
    )

    def check(self, model: Any, target: Target, loading: Loading = FOREIGN) -> list[Finding]:
        return [Finding("clip_weights comes before qat", "a quantisation-aware model")] if is_quantized(model) else []

    def apply(self, model: Any, context: Context) -> Any:
        clipped = type(model).from_config(model.get_config())
        clipped.set_weights([self._clipped(weight) for weight in model.get_weights()])
        plan = self.decide(context, lambda: context.trainer.score(clipped))
        if plan is not None:
            context.trainer.fit(clipped, plan.as_train(context.train), name=self.name)
        return clipped

    def _clipped(self, weight: Any) -> Any:
        limit = self.deviations * float(np.std(weight))
        return np.clip(weight, -limit, limit) if weight.ndim > 1 else weight


PASS = ClipWeights
