"""What a search's table may say, and which recipes its genes make."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import EdgekitError, RecipeError
from edgekit.searching.genes import Gene
from edgekit.searching.space import key_of, load_space, parse_space

RECIPE: dict[str, Any] = {
    "model": "ds_cnn",
    "data": "digits",
    "train": {"epochs": 1},
    "passes": [
        {"low_rank": {"energy": 0.9}},
        {"channel_prune": {"id": "prune", "macs": 0.6}},
        "sparsify",
        "qat",
    ],
}


def space(said: dict[str, Any], **more: Any) -> Any:
    return parse_space({**RECIPE, **more, "search": {"space": said}})


def test_a_candidate_is_a_concrete_recipe() -> None:
    found = space(
        {
            "model.width": [0.25, 0.5],
            "train.learning_rate": {"log_range": [0.001, 0.1]},
            "train.batch_size": {"range": [16, 64], "step": 16},
            "passes.prune.macs": {"range": [0.4, 0.9], "step": 0.1},
            "passes.sparsify": "optional",
            "data.calibration": [16, 32],
        }
    )
    assert [gene.path for gene in found.genes][0] == "passes.sparsify" and found.size is None
    genes = {
        "model.width": 0.25,
        "train.learning_rate": 0.01,
        "train.batch_size": 32,
        "passes.prune.macs": 0.5,
        "passes.sparsify": False,
        "data.calibration": 16,
    }
    recipe = found.recipe(genes)
    assert recipe.dump()["model"] == {"ds_cnn": {"width": 0.25}} and recipe.train.learning_rate == 0.01
    assert recipe.train.batch_size == 32 and recipe.data.calibration == 16
    assert [item.label for item in recipe.passes] == ["low_rank", "prune", "qat"] and recipe.passes[1].macs == 0.5
    assert recipe.budget.accuracy_drop is None, "accuracy is sought, not held against each network's own"
    assert key_of(recipe) == key_of(found.recipe(dict(reversed(genes.items()))))
    assert RECIPE["passes"][1] == {"channel_prune": {"id": "prune", "macs": 0.6}}, "the recipe itself is left as it is"


def test_genes_without_effect_make_equal_candidates() -> None:
    found = space({"passes.prune": "optional", "passes.prune.macs": [0.5, 0.6]})
    assert found.size == 4
    drawn = [{"passes.prune": used, "passes.prune.macs": macs} for used in (True, False) for macs in (0.5, 0.6)]
    assert len({key_of(found.recipe(genes)) for genes in drawn}) == 3


def test_networks_are_a_choice_and_each_has_parameters_of_its_own() -> None:
    found = space({"model": ["resnet8", "ds_cnn", "lenet5"], "model.width": [0.5, 1.0], "model.ds_cnn.width": [0.1]})
    genes = {"model.width": 0.5, "model.ds_cnn.width": 0.1}
    assert found.recipe({"model": "resnet8", **genes}).dump()["model"] == {"resnet8": {"width": 0.5}}
    assert found.recipe({"model": "ds_cnn", **genes}).dump()["model"] == {"ds_cnn": {"width": 0.1}}


def test_only_orders_that_a_recipe_takes_are_drawn() -> None:
    found = space({"passes": {"order": ["low_rank", "prune", "sparsify"]}})
    (order,) = found.genes
    assert set(order.values) == {"low_rank > prune > sparsify", "prune > low_rank > sparsify"}
    recipe = found.recipe({"passes": "prune > low_rank > sparsify"})
    assert [item.label for item in recipe.passes] == ["prune", "low_rank", "sparsify", "qat"]


@pytest.mark.parametrize(
    ("gene", "size"),
    [
        (Gene("a", "choice", (1, 2, 3)), 3),
        (Gene("a", "int", low=2, high=9), 8),
        (Gene("a", "int", low=2, high=9, step=3), 3),
        (Gene("a", "float", low=0.4, high=0.9, step=0.1), 6),
        (Gene("a", "float", low=0.4, high=0.9), None),
    ],
)
def test_the_size_of_a_gene_is_what_optuna_draws(gene: Gene, size: int | None) -> None:
    assert gene.size == size
    distribution = gene.distribution()
    if size is not None and gene.kind != "choice":
        assert math.isclose(round((distribution.high - distribution.low) / distribution.step) + 1, size)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "names at least one value that may vary.*search.space: {}.*Write for example"),
        ({"model.width": []}, "search.space.model.width must fit: a list of choices has at least one value"),
        ({"model.width": {"range": ["a", "b"]}}, "model.width.range must fit: a range goes from a number to a larger"),
        ({"model.width": {"range": [1, 2, 3]}}, "model.width.range must fit: a range goes from a number to a larger"),
        ({"model.width": {"log_range": 3}}, "model.width.log_range must fit: a range goes from a number to a larger"),
        ({"model.width": [0.5]}, "at least two candidates.*space of 1"),
        ({"model.wdith": [0.5, 1.0]}, "model.wdith.*Did you mean 'width'"),
        ({"train.learning_rat": [0.5, 1.0]}, "must name a key.*Did you mean 'learning_rate'"),
        ({"passes.pruen.macs": [0.5, 0.6]}, "passes.pruen.macs"),
        ({"passes.prune.macs": [0.5, 7]}, "passes.prune.macs.*values that it takes.*7"),
        ({"train.epochs": {"range": [1, 2.5]}}, "train.epochs.*2.5"),
        ({"train.epochs": {"range": [3, 1]}}, "a range goes from a number to a larger one"),
        ({"train.epochs": {"range": [1, 3], "step": 9}}, "a step fits into its range"),
        ({"train.learning_rate": {"log_range": [0, 1]}}, "above 0"),
        ({"model.width": {"range": [0.5, 1], "choice": [1]}}, "A gene is a list of choices"),
        ({"model.width": 0.5}, "A gene is a list of choices"),
        ({"model.width": [0.5, 0.5]}, "each choice stands once"),
        ({"model.width": [0.5, None]}, "a choice is a text, a number, true or false"),
        ({"model": ["resnet8", "resnet9"]}, "resnet9.*Did you mean 'resnet8'"),
        ({"passes.prun": "optional"}, "names a pass.*Did you mean 'prune'"),
        ({"train": "optional"}, "Only a pass is optional"),
        ({"passes": {"order": ["prune"]}}, "two to six"),
        ({"passes": {"order": ["prune", "qat_"]}}, "Did you mean 'qat'"),
    ],
)
def test_what_a_space_cannot_say(said: dict[str, Any], message: str) -> None:
    with pytest.raises(EdgekitError, match=message):
        space(said)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "A search is a recipe with a table search"),
        ([], "A search is a recipe with a table search"),
        ({"trials": 5}, "names at least one value that may vary.*no search.space"),
        ({"space": {"model.width": [0.5, 1]}, "trails": 5}, "Did you mean 'trials'"),
        ({"space": {"model.width": [0.5, 1]}, "trials": 0}, "search.trials"),
        ({"space": {"model.width": [0.5, 1]}, "objectives": ["accuracy", "accuracy"]}, "each objective stands once"),
        ({"space": {"model.width": [0.5, 1]}, "fidelity": {"epochs": [3, 1]}}, "rungs of search.fidelity rise"),
        ({"space": {"model.width": [0.5, 1]}, "fidelity": {"epochs": [1, 3], "data": [1, 0.2]}}, "rungs .* rise"),
        ({"space": {"model.width": [0.5, 1]}, "fidelity": {"epochs": [1, 3], "data": [1]}}, "a share for each rung"),
    ],
)
def test_what_a_table_cannot_say(table: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_space({**RECIPE, "search": table})


def test_what_is_wrong_with_the_recipe_itself_is_no_genes_fault() -> None:
    with pytest.raises(RecipeError, match=r"^Unknown recipe key.*'budget.flash'.*Did you mean 'flash_bytes'"):
        space({"model.width": [0.5, 1]}, budget={"flash": 9})
    with pytest.raises(RecipeError, match=r"^The gene train.epoch must name.*Did you mean 'epochs'"):
        space({"train.epoch": [1, 2]}, passes=[])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="A search is a YAML file"):
        load_space(tmp_path / "none.yaml")


def test_a_thousand_candidates_are_made_of_one_model_of_their_networks_parameters() -> None:
    """It is asked for with every gene of every candidate, and is the slow part of drawing one."""
    from edgekit.keras import network_options

    assert network_options("separable") is network_options("separable")
