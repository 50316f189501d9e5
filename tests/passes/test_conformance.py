"""What every pass must do: a file added to edgekit/passes is covered here without another line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit import passes, registry
from edgekit.data import Dataset
from edgekit.errors import RecipeError, UsageError
from edgekit.keras import load_model, save_model
from edgekit.passes import Context, Pass, load_pass, parse_pass
from edgekit.target import Budget, load_target
from edgekit.training import Train, Trainer

NAMES = registry.names(passes)


@pytest.mark.parametrize("name", NAMES)
def test_keys_have_defaults_and_descriptions(name: str) -> None:
    kind = load_pass(name)
    assert issubclass(kind, Pass) and kind().name == name
    assert kind.summary and "\n" not in kind.summary
    for key, field in kind.model_fields.items():
        assert field.description, f"{name}.{key}"
    assert parse_pass(name) == parse_pass({name: None}) == kind()
    assert parse_pass({name: kind().model_dump(mode="json")}) == kind()
    with pytest.raises(RecipeError, match=f"Unknown recipe key. Received: '{name}.finetun'. Did you mean 'finetune'"):
        parse_pass({name: {"finetun": "none"}})


@pytest.mark.parametrize("name", NAMES)
def test_apply_gives_a_new_model_that_can_be_saved(
    name: str, trained: Any, make_trainer: Callable[..., Trainer], few_digits: Dataset, tmp_path: Any
) -> None:
    trainer = make_trainer(few_digits)
    context = Context(trainer, Train(), load_target("generic"), Budget(), 1.0)
    before = [w.copy() for w in trained.model.get_weights()]
    item = parse_pass({name: {"finetune": "none"}})
    assert item.check(trained.model, context.target) == []
    result = item.apply(trained.model, context)
    assert result is not trained.model
    for old, new in zip(before, trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    save_model(result, tmp_path / "m.h5")
    x = trainer.dataset.features("test")[:8]
    again = load_model(tmp_path / "m.h5")
    np.testing.assert_allclose(again(x).numpy(), result(x).numpy(), atol=1e-5)


def test_unknown_passes_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'qat'"):
        load_pass("qatt")
