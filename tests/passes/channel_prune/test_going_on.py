"""A pruned model goes on: after a kill, to a file, to more pruning, under quantisation wrappers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.keras import load_model, save_model
from edgekit.keras.macs import model_macs
from edgekit.passes import Context, parse_pass
from edgekit.training import Train, Trainer


def test_a_killed_pruning_goes_on_after_its_last_step(
    trained: Any, context: Context, monkeypatch: pytest.MonkeyPatch, prune: Callable[..., Any]
) -> None:
    options = {"macs": 0.3, "steps": 2, "finetune": {"epochs": 1, "learning_rate": 0.01}}
    whole = prune(trained.model, context, **options)
    fit, fitted = Trainer.fit, list[str]()

    def killed(trainer: Trainer, model: Any, plan: Train, *, name: str, callbacks: Any = ()) -> Any:
        fitted.append(name)
        if fitted == ["channel_prune-1", "channel_prune-2"]:
            raise KeyboardInterrupt
        return fit(trainer, model, plan, name=name, callbacks=callbacks)

    monkeypatch.setattr(Trainer, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        prune(trained.model, context, **options)
    resumed = prune(trained.model, context, **options)
    assert fitted == ["channel_prune-1", "channel_prune-2", "channel_prune-2"]
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    left = {path.name for path in context.trainer.workdir.iterdir()}
    assert left <= {"training.json"}, "the figures of its trainings, which the step takes over"


def test_what_it_gives_can_be_saved_and_pruned_on(
    residual: Any, context: Context, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    found = prune(residual, context, macs=0.7, criterion="l1")
    save_model(found, tmp_path / "m.h5")
    again = load_model(tmp_path / "m.h5")
    x = context.trainer.dataset.features("test")[:4]
    np.testing.assert_allclose(again(x).numpy(), found(x).numpy(), atol=1e-6)
    item = parse_pass("channel_prune")
    further = prune(again, context, macs=0.7, criterion="l1")
    assert model_macs(further) <= 0.7 * model_macs(found)
    assert item.lost(found, further) == [], "narrower keeps the promise"
    (first, *_) = item.lost(found, residual)
    assert first.rule == "The layer keeps its number of channels"


def test_quantisation_wrappers_are_looked_through(trained: Any, context: Context, prune: Callable[..., Any]) -> None:
    item = parse_pass("channel_prune")
    found = prune(trained.model, context, ratio=0.5, criterion="l1")
    scope = _tf.tfmot().quantization.keras
    assert item.lost(found, scope.quantize_model(found)) == []
    wrapped = scope.quantize_model(trained.model)
    (back,) = [said for said in item.lost(found, wrapped) if said.where == "conv"]
    assert str(back) == "conv: The layer keeps its number of channels (received 8 in place of 4)"
    assert [found.rule for found in item.check(wrapped, context.target)] == ["channel_prune comes before qat"]
