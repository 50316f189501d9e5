"""Ratios by sensitivity: what each group of layers tolerates alone, measured before anything is pruned."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.errors import ModelError
from edgekit.keras.types import KerasModel
from edgekit.methods.channels import analyse
from edgekit.methods.sensitivity import sensitivity, tolerable
from edgekit.observer import logger
from edgekit.passes import Context, matches

__all__ = ["tolerated_ratios"]

_log = logger(__name__)

RATIOS = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
"""Fractions of a group's channels that are tried."""


def tolerated_ratios(
    name: str, model: KerasModel, context: Context, *, tolerance: float, skip: Sequence[str]
) -> dict[str, float]:
    """By the first layer of each group, the fraction of its channels that it can lose.

    Args:
        name: Name of the pass, for messages.
        model: A tf_keras model.
        context: Where calibration data and the task come from.
        tolerance: Top-1 that a group may cost alone, before fine-tuning.
        skip: Names or patterns of layers whose channels stay.

    Raises:
        ModelError: The model is no classifier.
    """
    data, objective = context.trainer.dataset, context.trainer.objective
    if objective.metric != "top1":
        raise ModelError(
            "ratios: sensitivity judges by top-1, so it takes classifiers.",
            received=f"the task {objective.task}",
            remedy="Give ratios by layer, or a budget such as macs.",
        )
    x, y = data.features("calibration"), data.labels("calibration")
    effects = sensitivity(model, x, y, kinds=["channels"], ratios=RATIOS)
    ratios = tolerable(effects, "channels", score_drop=tolerance)
    for group, ratio in ratios.items():
        _log.info(f"{name}: {group} tolerates the loss of {ratio:.1%} of its channels")
    first = {group.name: group.layers[0] for group in analyse(model).groups}
    named = {first[group]: ratio for group, ratio in ratios.items() if ratio}
    return {layer: ratio for layer, ratio in named.items() if not matches(layer, skip)}
