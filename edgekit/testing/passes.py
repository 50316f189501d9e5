"""What every pass does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.data import Dataset
from edgekit.errors import Finding
from edgekit.keras import FOREIGN, Loading, load_model, save_model
from edgekit.keras.types import KerasModel
from edgekit.passes import Context, Pass, Stage
from edgekit.target import Budget, load_target
from edgekit.testing.samples import tiny_classifier, tiny_data
from edgekit.testing.saying import check_keys, expect, runs
from edgekit.training import Objective, Train, Trainer

__all__ = ["check_pass"]


def check_pass(
    item: Pass,
    *,
    model: KerasModel | None = None,
    dataset: Dataset | None = None,
    objective: Objective | None = None,
    target: str = "generic",
    loading: Loading = FOREIGN,
) -> None:
    """Hold a pass to what recipes and runs rely on.

    Args:
        item: The pass, with its options.
        model: A tf_keras model that it takes; default an untrained classifier of 8x8x1 samples with ten classes.
        dataset: What the model is trained and scored on; default a few random samples for that classifier.
        objective: The model's task; default classification.
        target: Name or `.yaml` of what the model is to fit.
        loading: How the result's file is opened: with `custom_objects` where the pass puts in layers of its own.

    Raises:
        AssertionError: The pass breaks a rule; the sentence names it.
    """
    name = type(item).__name__
    expect(isinstance(item, Pass), "A pass is a subclass of edgekit.passes.Pass.", name)
    check_keys(item, item.summary)
    expect(isinstance(item.stage, Stage), f"{name}.stage is one of edgekit.passes.Stage.", repr(item.stage))
    model = tiny_classifier() if model is None else model
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(dataset or tiny_data(), objective or Objective(), 0, Path(folder), quiet=True)
        context = Context(trainer, Train(), load_target(target), Budget(), 1.0, loading=loading)
        with runs(f"{name}.check"):
            findings = item.check(model, context.target, loading)
        expect(
            isinstance(findings, list) and all(isinstance(finding, Finding) for finding in findings),
            f"{name}.check gives a list of edgekit.errors.Finding.",
            repr(findings),
        )
        expect(not findings, f"{name} takes the model that it is tried on; give another one by `model`.", findings)
        _check_apply(item, model, context, Path(folder) / "result.h5", loading)


def _check_apply(item: Pass, model: KerasModel, context: Context, file: Path, loading: Loading) -> None:
    name = type(item).__name__
    before = [weight.copy() for weight in model.get_weights()]
    with runs(f"{name}.apply"):
        result = item.apply(model, context)
    expect(result is not model, f"{name}.apply gives a new model.", "the one that it was given")
    same = all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
    expect(same, f"{name}.apply leaves the model as it is that it is given.", "other weights in it")
    samples = context.trainer.dataset.features("test")[:8]
    with runs(f"The model that {name}.apply gives, on test samples,"):
        answers = np.asarray(result(samples))
    expect(np.isfinite(answers).all(), f"The model that {name}.apply gives answers with finite numbers.")
    wanted = np.asarray(model(samples)).shape
    expect(answers.shape == wanted, f"{name} keeps the shape of the output, {wanted}.", answers.shape)
    with runs(f"Saving and loading the model that {name}.apply gives"):
        save_model(result, file)
        again: Any = load_model(file, loading)
    close = np.allclose(np.asarray(again(samples)), answers, rtol=1e-7, atol=1e-5)
    expect(close, f"The model that {name}.apply gives answers the same when it was saved and loaded.")
    with runs(f"{name}.lost"):
        lost = item.lost(result, result)
    expect(lost == [], f"{name}.lost finds nothing lost in the very model that the pass gave.", lost)
