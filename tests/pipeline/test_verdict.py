"""A baseline is held against an answer that looks at no sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit.data import Dataset, Preprocessing
from edgekit.data.dataset import Raw, split
from edgekit.measure.accuracy import mse, top1
from edgekit.pipeline.figures import Figures
from edgekit.pipeline.manifest import Trivial, Violation, read_manifest
from edgekit.pipeline.verdict import select, trivial, violations
from edgekit.target import Budget, Target
from edgekit.training import Objective

X = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
RARE = (np.arange(200) % 20 == 0).astype(int)
"""19 of 20 samples are of class 0."""


def cut(y: Any, y_test: Any, task: Any) -> Dataset:
    raw = Raw(X, y, X[:200], y_test)
    return split(raw, Preprocessing(), calibration=9, validation=0.1, test=0.2, seed=0, task=task)


@pytest.mark.parametrize(
    ("wrong", "beaten"),
    [(0, True), (1, True), (5, False), (10, False), (30, False)],
    ids=["perfect", "nearly", "within the interval", "the majority", "worse than it"],
)
def test_the_most_frequent_class_of_the_test_split(wrong: int, beaten: bool) -> None:
    dataset = cut(np.arange(400) % 2, RARE, "classification")
    answers = np.where(np.arange(200) < wrong, 1 - RARE, RARE)
    score = top1(np.eye(2)[answers], RARE)
    found = trivial(dataset, Objective(task="classification"), accuracy=score.value, low=score.low)
    assert found == Trivial("most frequent class", pytest.approx(0.95), beaten)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "beaten"),
    [(lambda y: y, True), (lambda y: y + 1, True), (lambda y: 0 * y + 5, False), (lambda y: 3 * y, False)],
)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_the_mean_of_the_training_targets(answer: Any, beaten: bool, shape: tuple[int, ...]) -> None:
    targets = 5 + 3 * np.random.default_rng(1).normal(size=(400, *shape))
    dataset = cut(targets, targets[:200], "regression")
    score = mse(answer(targets[:200]), targets[:200])
    found = trivial(dataset, Objective(task="regression"), accuracy=score.value, low=score.low)
    mean = dataset.labels("train").mean(axis=0)
    wanted = np.mean((targets[:200] - mean) ** 2)
    assert found.answer == "mean of the training targets" and found.score == pytest.approx(wanted, rel=1e-4)
    assert found.beaten is beaten


def test_the_mean_sample_of_a_reconstruction() -> None:
    dataset = cut(np.arange(400) % 2, RARE, "reconstruction")
    found = trivial(dataset, Objective(task="reconstruction"), accuracy=0.01, low=0.0)
    assert found.score == pytest.approx(X[:200].var(axis=0).mean(), rel=0.05) and found.beaten is True


def test_without_training_samples_the_mean_is_unknown() -> None:
    raw = Raw(None, None, X, X[:, 0])
    dataset = split(raw, Preprocessing(), calibration=9, validation=0.1, test=0.2, seed=0, task="regression")
    found = trivial(dataset, Objective(task="regression"), accuracy=1.0, low=0.5)
    assert found.score is None and found.beaten is None


SMALL = {"arena_bytes": 1}
GENERIC = Target(name="any", description="anything", formats=("int8",))
BOARD = Target(name="board", description="a board", formats=("int8",), flash_bytes=500, ram_bytes=50)


@pytest.mark.parametrize(
    ("budget", "figures", "found"),
    [
        (Budget(accuracy_drop=0.01), Figures(counts=SMALL), Violation("accuracy_drop", 0.02, 0.01, "")),
        (
            Budget(accuracy_drop=None, model_bytes=99),
            Figures(counts=SMALL),
            Violation("model_bytes", 100, 99, ""),
        ),
        (Budget(accuracy_drop=None, macs=10), Figures(counts=SMALL), Violation("macs", 11, 10, "")),
        (
            Budget(accuracy_drop=None),
            Figures(counts={"arena_bytes": 51}),
            Violation("arena_bytes", 51, 50, "the RAM of board"),
        ),
        (Budget(accuracy_drop=None), Figures(), Violation("arena_bytes", None, 50, "tflm")),
        (
            Budget(accuracy_drop=None, latency_ms=1),
            Figures(counts=SMALL, latency_ms=1.5),
            Violation("latency_ms", 1.5, 1, "host proxy"),
        ),
        (
            Budget.model_validate({"accuracy_drop": None, "instructions": 7}),
            Figures(counts=SMALL),
            Violation("instructions", None, 7, "arm64"),
        ),
    ],
)
def test_every_limit_can_be_missed_or_unknown(budget: Budget, figures: Figures, found: Violation) -> None:
    assert violations(budget, BOARD, drop=0.02, size=100, figures=figures, macs=11)[0] == found
    said = str(found)
    assert said.startswith(found.figure) and ("is unknown" in said) is (found.value is None)


BARE = {"flash_bytes": 300, "weights_bytes": 150, "ram_bytes": 30, "stack_bytes": 15, "instructions": 9}


@pytest.mark.parametrize(
    ("budget", "counts", "found"),
    [
        ({}, {}, None),
        ({}, {"flash_bytes": 351}, Violation("flash_bytes", 501, 500, "the flash of board, with weights")),
        ({}, {"stack_bytes": 21}, Violation("ram_bytes", 51, 50, "the RAM of board, with the stack")),
        ({"instructions": 8}, {}, Violation("instructions", 9, 8, "")),
        ({"stack_bytes": 14}, {}, Violation("stack_bytes", 15, 14, "")),
    ],
)
def test_a_firmware_that_was_built_is_held_against_the_target(
    budget: dict[str, int], counts: dict[str, int], found: Violation | None
) -> None:
    """Not the .tflite, of 9,999 bytes here, and not the arena of an interpreter."""
    allowed, measured = Budget.model_validate({"accuracy_drop": None, **budget}), Figures(counts={**BARE, **counts})
    missed = violations(allowed, BOARD, drop=0, size=9_999, figures=measured)
    assert missed == ((found,) if found else ())


def test_the_runtime_that_did_not_tell_is_the_recipes() -> None:
    allowed = Budget.model_validate({"accuracy_drop": None, "instructions": 7})
    asked = ["litert", "cortex_m:cortex-m4"]
    (missed, *_) = violations(allowed, GENERIC, drop=0, size=1, figures=Figures(), measured=asked)
    assert missed == Violation("instructions", None, 7, "cortex_m:cortex-m4")


def test_what_is_unknown_is_worse_than_what_is_measured(finished: Any) -> None:
    model = read_manifest(finished.output).chosen
    known = replace(model, path="known", violations=(Violation("cycles", 9, 8, ""),), bytes=9)
    unknown = replace(model, path="unknown", violations=(Violation("cycles", None, 8, "ethos_u"),), bytes=1)
    assert select([unknown, known]).path == "known"
