"""What every pass must do: a file added to edgekit/passes is covered here without another line."""

from __future__ import annotations

from typing import Any

import pytest

from edgekit import passes, registry
from edgekit.data import Dataset
from edgekit.errors import RecipeError, UsageError
from edgekit.passes import load_pass, parse_pass
from edgekit.testing import check_pass

NAMES = registry.names(passes)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_names_it(name: str) -> None:
    kind = load_pass(name)
    assert kind().name == name
    assert parse_pass(name) == parse_pass({name: None}) == kind()
    assert parse_pass({name: kind().model_dump(mode="json")}) == kind()
    with pytest.raises(RecipeError, match=f"Unknown recipe key. Received: '{name}.finetun'. Did you mean 'finetune'"):
        parse_pass({name: {"finetun": "none"}})


@pytest.mark.parametrize("name", NAMES)
def test_made_in_python_it_speaks_as_a_recipe_does(name: str) -> None:
    kind: Any = load_pass(name)
    with pytest.raises(RecipeError, match=f"Unknown recipe key. Received: '{name}.finetun'. Did you mean 'finetune'"):
        kind(finetun="none")
    with pytest.raises(RecipeError, match=f"The recipe key {name}.finetune.*Received: 5"):
        kind(finetune=5)


@pytest.mark.parametrize("name", NAMES)
def test_it_conforms(name: str, trained: Any, few_digits: Dataset) -> None:
    check_pass(parse_pass({name: {"finetune": "none"}}), model=trained.model, dataset=few_digits)


def test_unknown_passes_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'qat'"):
        load_pass("qatt")
