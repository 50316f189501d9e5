"""Estimates: MACs exactly, the rest by coefficients that are fitted on what was measured."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from edgekit.errors import UsageError
from edgekit.keras import describe_network
from edgekit.keras.macs import model_macs
from edgekit.keras.plain import Description, build_plain, narrowed
from edgekit.passes import Pass
from edgekit.passes.channel_prune import ChannelPrune
from edgekit.passes.distill import Distill
from edgekit.passes.low_rank import LowRank
from edgekit.passes.qat import Qat
from edgekit.passes.sparsify import Sparsify
from edgekit.searching.costs import Costs, Estimator, after_passes
from edgekit.searching.costs.arena import planned_bytes
from edgekit.searching.costs.features import FEATURES
from edgekit.searching.costs.operators import operators_of

SIZES = ("model_bytes", "arena_bytes")


def drawn(rng: random.Random, family: str) -> Description:
    values = {f"width{i}": rng.randint(4, 40) for i in (1, 2, 3)} | {f"depth{i}": rng.randint(1, 3) for i in (1, 2, 3)}
    return describe_network(family, (28, 28, 1), 10, values)


def truth(description: Description) -> Costs:
    """As a runtime would tell that follows the features, with coefficients other than the built-in ones."""
    graph, built_in = operators_of(description), Estimator.built_in("cortex_m").coefficients
    figures = {"macs": description.macs}
    for name in FEATURES:
        others = {key: built_in[name].get(key, 0.0) * (0.7 + 0.1 * (len(key) % 8)) for key in FEATURES[name](graph)}
        figures[name] = round(sum(value * others[key] for key, value in FEATURES[name](graph).items()))
    return Costs.known(figures)


@pytest.mark.parametrize("family", ["residual", "inverted_residual", "separable", "tcn"])
def test_a_fitted_estimator_tells_what_it_was_not_fitted_on(family: str) -> None:
    rng = random.Random(1)
    seen = [drawn(rng, family) for _ in range(60)]
    fitted = Estimator.built_in().fit([(d, truth(d)) for d in seen])  # knows nothing of instructions before
    assert fitted.measured == {name: 60 for name in FEATURES}
    for _ in range(20):
        description = drawn(rng, family)
        estimate, told = fitted.estimate(description), truth(description)
        assert estimate["macs"] == description.macs
        for name in FEATURES:
            assert estimate[name] == pytest.approx(told[name], rel=0.05 if name == "instructions" else 0.02), name
    assert all(margin < 0.06 for margin in fitted.margins.values())
    assert all(value >= 0 for coefficients in fitted.coefficients.values() for value in coefficients.values())


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_measurements_keep_an_estimate_sane(count: int) -> None:
    """With fewer points than coefficients it must not run away from what is built in."""
    rng = random.Random(2)
    before = Estimator.built_in()

    def measured(description: Description) -> Costs:
        estimate = before.estimate(description)
        return Costs.known({name: round(estimate.figures[name] * 1.1) for name in SIZES})

    after = before.fit([(d, measured(d)) for d in (drawn(rng, "residual") for _ in range(count))])
    for family in ("residual", "separable"):
        for _ in range(20):
            description = drawn(rng, family)
            for name in SIZES:
                ratio = after.estimate(description).figures[name] / before.estimate(description).figures[name]
                assert (ratio == 1) if count < 3 else 0.9 < ratio < 1.25
    if count >= 3:
        assert all(after.margins[name] >= before.margins[name] * (1 - count / 30) for name in SIZES)


def test_a_margin_covers_what_scatters() -> None:
    rng = random.Random(3)

    def scattered(description: Description) -> Costs:
        told = truth(description).figures
        return Costs.known({name: round(value * rng.uniform(0.8, 1.2)) for name, value in told.items()})

    fitted = Estimator.built_in().fit([(d, scattered(d)) for d in (drawn(rng, "separable") for _ in range(80))])
    assert all(0.15 < fitted.margins[name] < 0.4 for name in SIZES)


def test_a_margin_keeps_what_may_fit() -> None:
    description = describe_network("separable", (28, 28, 1), 10)
    estimator = Estimator({"model_bytes": {"file": 1000.0}}, {"model_bytes": 0.05})
    costs = estimator.estimate(description)
    assert costs["model_bytes"] == 1000 and "model_bytes" in costs.estimated and "macs" not in costs.estimated
    assert estimator.may_fit(costs, {"model_bytes": 960, "arena_bytes": 1, "macs": None})  # the arena is not known
    assert not estimator.may_fit(costs, {"model_bytes": 950})
    assert not estimator.may_fit(costs, {"macs": description.macs - 1})
    assert costs.broken({"model_bytes": 999, "macs": description.macs}) == ("model_bytes",)


def test_a_hundred_candidates_a_second() -> None:
    rng, estimator = random.Random(4), Estimator.built_in()
    began = time.process_time()
    for _ in range(100):
        estimator.estimate(drawn(rng, "residual"))
    assert time.process_time() - began < 1  # of this process's own time; it is a tenth of that


def test_instructions_of_an_unknown_runtime() -> None:
    with pytest.raises(UsageError, match="Instructions are estimated for runtimes that were measured.*abacus"):
        Estimator.built_in("abacus")


def test_operators_are_fused() -> None:
    graph = operators_of(describe_network("residual", (28, 28, 1), 10, {"depth2": 0, "depth3": 0, "dropout": 0.5}))
    kinds = [operator.kind for operator in graph.operators]
    assert kinds == ["CONV_2D", "CONV_2D", "CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED", "SOFTMAX"]
    assert graph.spans()[1] == (0, 3)  # the stem is read by the first block, and added to what that gives
    assert (
        sum(operator.macs for operator in graph.operators)
        == describe_network("residual", (28, 28, 1), 10, {"depth2": 0, "depth3": 0}).macs
    )


@pytest.mark.parametrize(
    ("sizes", "spans", "expected"),
    [
        ([16, 16, 16], [(0, 1), (1, 2), (2, 3)], 32),  # a chain needs two at a time
        ([1, 1], [(0, 1), (1, 2)], 32),  # each is aligned
        ([64, 32, 32], [(0, 0), (1, 1), (1, 1)], 64),  # those of another step lie on the first
        ([32, 16, 32, 16], [(0, 3), (0, 1), (2, 3), (1, 2)], 80),
        ([], [], 0),
    ],
)
def test_plans(sizes: list[int], spans: list[tuple[int, int]], expected: int) -> None:
    assert planned_bytes(sizes, spans) == expected


def test_the_last_of_equal_blocks_comes_first() -> None:
    """Placed in their order they would need 30 units in place of 26."""
    sizes = [16 * n for n in (12, 3, 3, 3, 5, 5)]
    spans = [(0, 3), (2, 4), (3, 4), (4, 7), (6, 8), (7, 8)]
    assert planned_bytes(sizes, spans) <= 16 * 20


@pytest.mark.parametrize("share", [0.25, 0.6, 1.0])
@pytest.mark.parametrize("family", ["residual", "inverted_residual", "separable", "tcn", "lenet5", "digits_cnn"])
def test_narrowed_networks_can_be_built(family: str, share: float) -> None:
    whole = describe_network(family, (28, 28, 1), 10)
    narrow = narrowed(whole, share)
    assert narrow.output_shape == (10,) and len(narrow.layers) == len(whole.layers)
    assert narrow.macs < whole.macs * (0.75 if share < 1 else 1.01)
    if share == 0.6:
        assert narrow.macs == model_macs(build_plain(narrow))


CASES: list[tuple[list[Pass], float | None, set[str]]] = [
    ([], 1.0, set()),
    ([Qat(), Sparsify(sparsity=0.5)], 1.0, set()),
    ([Distill()], 1.0, set()),
    ([ChannelPrune(macs=0.4)], 0.4, {"model_bytes", "arena_bytes"}),
    ([ChannelPrune()], 0.5, {"model_bytes", "arena_bytes"}),
    ([ChannelPrune(macs=0.5), LowRank(macs=0.5)], 0.25, {"model_bytes", "arena_bytes"}),
    ([LowRank(energy=0.9)], 1.0, {"macs", "model_bytes", "arena_bytes"}),
    ([ChannelPrune(ratios="sensitivity")], 1.0, {"macs", "model_bytes", "arena_bytes"}),
    ([Distill(width=0.5)], None, set()),
]


@pytest.mark.parametrize(("passes", "share", "marked"), CASES, ids=range(len(CASES)))
def test_what_passes_do(passes: list[Pass], share: float | None, marked: set[str]) -> None:
    description = describe_network("residual", (28, 28, 1), 10)
    before, after = Estimator.built_in().estimate(description), after_passes(description, passes, Estimator.built_in())
    assert after.hang_on_weights == marked
    if share is None:
        assert not after.figures
        return
    assert after["macs"] == pytest.approx(before.figures["macs"] * share, abs=1)
    pruned = any(isinstance(item, ChannelPrune) and not item.ratios for item in passes)
    for name in SIZES:
        assert (after.figures[name] < before.figures[name]) if pruned else after[name] == before[name]


@pytest.mark.parametrize("options", [{"ratio": 0.5}, {"params": 0.5}, {"bytes": 0.5}])
def test_other_budgets_of_pruning(options: dict[str, Any]) -> None:
    description = describe_network("residual", (28, 28, 1), 10)
    costs = after_passes(description, [ChannelPrune(**options)], Estimator.built_in())
    assert 0.2 * description.macs < costs.figures["macs"] < 0.7 * description.macs
    assert ("macs" in costs.hang_on_weights) == ("ratio" not in options)
