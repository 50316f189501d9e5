"""Zero-cost proxies on real networks, what they tell against worked examples, and how well they rank."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import yaml

import edgekit
from edgekit import _tf
from edgekit.errors import RecipeError
from edgekit.searching.proxies import Untrained, check_proxies, ensemble, ranks, scores, spearman
from edgekit.searching.results import read_search

NAMES = ("naswot", "synflow", "zico")


def network(width: int, *, softmax: bool = True, relu: str | None = "relu") -> Untrained:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.layers.Input((6,)),
            keras.layers.Dense(width, activation=relu),
            keras.layers.Dense(3, activation="softmax" if softmax else None),
        ]
    )
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(16, 6)).astype(np.float32), rng.integers(0, 3, 16)) for _ in range(3)]
    return Untrained(model, batches, keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax))


def test_synflow_is_the_sum_over_all_paths_of_absolute_weights() -> None:
    for softmax in (True, False):
        found = network(8, softmax=softmax)
        first, second = (np.abs(found.model.get_weights()[place]) for place in (0, 2))
        flow = (np.ones(6) @ first @ second).sum()
        before = found.model.get_weights()
        assert scores(["synflow"], found)["synflow"] == pytest.approx(math.log(2 * flow), rel=1e-4)
        assert all(np.array_equal(a, b) for a, b in zip(before, found.model.get_weights(), strict=True))


def test_naswot_counts_the_relus_in_which_two_samples_agree() -> None:
    found = network(32)
    x = found.batches[0][0]
    kernel, bias = found.model.get_weights()[:2]
    code = x @ kernel + bias > 0
    agree = (code[:, None, :] == code[None, :, :]).sum(axis=2)
    assert scores(["naswot"], found)["naswot"] == pytest.approx(np.linalg.slogdet(agree)[1], rel=1e-6)
    assert "naswot" not in scores(["naswot"], network(8, relu=None)), "no ReLU, no number"


def test_zico_is_the_mean_of_gradients_over_their_spread() -> None:
    found = network(8)
    tf = _tf.tensorflow()
    kernels = [found.model.trainable_weights[place] for place in (0, 2)]
    gradients: list[list[Any]] = [[], []]
    for x, y in found.batches:
        with tf.GradientTape() as tape:
            loss = found.loss(y, found.model(x))
        for kept, gradient in zip(gradients, tape.gradient(loss, kernels), strict=True):
            kept.append(np.abs(gradient.numpy()))
    expected = 0.0
    for each in gradients:
        mean, spread = np.mean(each, axis=0), np.std(each, axis=0)
        expected += math.log((mean[spread > 0] / spread[spread > 0]).sum())
    assert scores(["zico"], found)["zico"] == pytest.approx(expected, rel=1e-3)
    assert "zico" not in scores(["zico"], Untrained(found.model, found.batches[:1], found.loss))


def test_wider_networks_score_higher_by_all_of_them() -> None:
    told = [scores(NAMES, network(width)) for width in (4, 16, 64)]
    assert ensemble(NAMES, told).tolist() == [1.0, 2.0, 3.0]
    assert told[0]["parameters"] == 6 * 4 + 4 + 4 * 3 + 3


def test_ranks_and_their_correlation() -> None:
    assert ranks([3.0, 1.0, 3.0, -math.inf]).tolist() == [3.5, 2.0, 3.5, 1.0]
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 6, 40).tolist(), rng.normal(size=40).tolist()
    assert spearman(first, second) == pytest.approx(scipy.stats.spearmanr(first, second).statistic)
    assert spearman([1, 2], [1, 2]) is None and spearman([1, 1, 1], [1, 2, 3]) is None
    assert ensemble(["a", "b"], [{"a": 1.0}, {"a": 0.0, "b": 5.0}]).tolist() == [1.5, 1.5]


def test_an_unknown_proxy_is_refused() -> None:
    with pytest.raises(RecipeError, match="Unknown proxy.*naswat.*Did you mean 'naswot'"):
        check_proxies(["naswat"])


SEARCH: dict[str, Any] = {
    "model": "ds_cnn",
    "data": {"source": "digits", "calibration": 16},
    "train": {"epochs": 1, "batch_size": 128},
    "search": {
        "trials": 4,
        "first": 3,
        "proxies": list(NAMES),
        "front": 1,
        "space": {"model.width": [0.1, 0.15, 0.2, 0.25, 0.3]},
    },
}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"proxies": ["naswot", "naswot"]}, "each proxy stands once"),
        ({"proxies": ["snip"]}, "Unknown proxy"),
        ({"first": 1}, "search.first"),
    ],
)
def test_what_a_search_refuses(keys: dict[str, Any], said: str, tmp_path: Any) -> None:
    with pytest.raises(RecipeError, match=said):
        edgekit.search({**SEARCH, "search": {**SEARCH["search"], **keys}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[int]]:
    """A whole search, and its trials in the order in which they ended."""
    started: list[int] = []

    def watch(progress: Any, result: Any) -> None:
        started.extend(t["number"] for t in result.trials if t["number"] not in started)

    return edgekit.search(SEARCH, tmp_path_factory.mktemp("unbroken") / "out", watch=watch), started


@pytest.mark.slow
def test_the_first_population_is_trained_in_the_order_of_the_proxies(unbroken: tuple[Any, list[int]]) -> None:
    found, started = unbroken
    told = found.proxies
    assert told["names"] == list(NAMES) and told["trials"] == 3 == len(told["scores"])
    numbers = sorted(int(number) for number in told["scores"])
    worth = ensemble(NAMES, [told["scores"][str(number)] for number in numbers])
    best_first = sorted(numbers, key=lambda n: (-worth[numbers.index(n)], n))
    assert started[:3] == best_first and len(found.trials) == 4
    assert set(told["correlation"]) == {*NAMES, "ensemble", "parameters", "macs"} and told["said"] in found.summary()
    assert "3 trials are few" in told["said"] or "too few" in told["said"]
    assert read_search(Path(found.output)).proxies == told
    assert "Zero-cost proxies" in (Path(found.output) / "search.html").read_text()


def kept_scores(folder: Path) -> int:
    """How many candidates' scores a search has kept so far."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{folder}/study.db?mode=ro", uri=True)) as database:
        return len(database.execute("select 1 from study_user_attributes where key like 'scores:%'").fetchall())
    return 0


@pytest.mark.slow
def test_a_search_that_was_killed_while_it_scored_finds_the_same(
    unbroken: tuple[Any, list[int]], tmp_path: Path
) -> None:
    (tmp_path / "search.yaml").write_text(yaml.safe_dump(SEARCH))
    program = [sys.executable, "-c", "from edgekit.cli import main; main()", "search", str(tmp_path / "search.yaml")]
    program += ["-o", str(tmp_path / "out"), "--quiet"]
    killed = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while killed.poll() is None and not kept_scores(tmp_path / "out"):
        time.sleep(0.1)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -9
    again = subprocess.run([*program, "--resume"], capture_output=True, text=True, timeout=900)
    assert again.returncode == 0, again.stderr
    whole, resumed = unbroken[0], read_search(tmp_path / "out")
    assert resumed.proxies == whole.proxies
    assert [(t["number"], t["genes"]) for t in resumed.trials] == [(t["number"], t["genes"]) for t in whole.trials]
    assert [(m.trial, m.sha256) for m in resumed.front] == [(m.trial, m.sha256) for m in whole.front]
