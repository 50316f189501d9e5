"""Samplers and proxies, EdgeKit's own and those of other packages: what every one of them is held to."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, registry
from edgekit.errors import RecipeError, UsageError
from edgekit.searching import proxies, samplers
from edgekit.searching.engine import optuna as load_optuna
from edgekit.searching.genes import Gene
from edgekit.searching.pareto import Objective
from edgekit.searching.proxies import Untrained, check_proxies, scores
from edgekit.searching.samplers import open_sampler
from edgekit.searching.telling import tell

THEIRS = {
    "theirs_even": """
from edgekit.searching.samplers import SamplerSettings
from optuna.samplers import RandomSampler

class Settings(SamplerSettings):
    pass

def make(genes, objectives, seed):
    return RandomSampler(seed=seed)
""",
    "theirs_size": """
def score(network):
    return -float(sum((weight ** 2).sum() for weight in network.model.get_weights()))
""",
    "theirs_empty": "",
}
POINTS = """[edgekit.samplers]
even = theirs_even
void = theirs_empty
[edgekit.proxies]
size = theirs_size
void = theirs_empty
"""
SAMPLERS = [*registry.names(samplers), "even"]
PROXIES = [*registry.names(proxies), "size"]
GENES = (
    Gene("model.width", "int", low=4, high=64, log=True),
    Gene("model.kind", "choice", ("plain", "residual")),
    Gene("train.learning_rate", "float", low=1e-4, high=1e-1, log=True),
)
OBJECTIVES = (Objective("accuracy", "maximize"), Objective("model_bytes"))


@pytest.fixture(scope="module", autouse=True)
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A package as pip leaves it."""
    folder = tmp_path_factory.mktemp("installed")
    for name, text in THEIRS.items():
        (folder / f"{name}.py").write_text(text)
    (about := folder / "theirs-1.0.dist-info").mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield
    for name in THEIRS:
        sys.modules.pop(name, None)
    forget()


def forget() -> None:
    registry._entry_points.cache_clear()
    registry._installed.cache_clear()


def test_what_other_packages_bring_is_named_beside_our_own() -> None:
    assert set(SAMPLERS) <= set(registry.names(samplers)) and set(PROXIES) <= set(registry.names(proxies))


def drawn(name: str, folder: Path, seed: int, stops: bool = False) -> list[dict[str, Any]]:
    """Genes of 8 trials of a study in a file, which is opened anew for every trial where it stops."""
    optuna = load_optuna()
    trials: list[dict[str, Any]] = []
    study = None
    while len(trials) < 8:
        if study is None or stops:
            study = optuna.create_study(
                storage=f"sqlite:///{folder}/{name}-{seed}-{stops}.db",
                study_name="s",
                directions=[objective.direction for objective in OBJECTIVES],
                sampler=open_sampler(name, GENES, OBJECTIVES, seed),
                load_if_exists=True,
            )
        trial = study.ask({gene.path: gene.distribution() for gene in GENES})
        width = trial.params["model.width"]
        tell(study, trial.number, [math.log(width), 10.0 * width], [width / 40 - 1])
        trials.append(trial.params)
    return trials


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_draws_all_genes_and_repeats_itself_after_a_stop(name: str, tmp_path: Path) -> None:
    found = drawn(name, tmp_path, seed=3)
    for genes in found:
        assert genes.keys() == {gene.path for gene in GENES} and genes["model.kind"] in ("plain", "residual")
        assert 4 <= genes["model.width"] <= 64 and isinstance(genes["model.width"], int)
        assert 1e-4 <= genes["train.learning_rate"] <= 1e-1
    assert len({tuple(genes.values()) for genes in found}) > 4
    assert drawn(name, tmp_path, seed=3, stops=True) == found != drawn(name, tmp_path, seed=4)


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_gives_a_number_that_repeats_and_leaves_the_network_as_it_was(name: str) -> None:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((6,)), layers.Dense(32, activation="relu"), layers.Dense(3, activation="softmax")]
    )
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(16, 6)).astype(np.float32), rng.integers(0, 3, 16)) for _ in range(3)]
    network = Untrained(model, batches, keras.losses.SparseCategoricalCrossentropy())
    before = [weight.copy() for weight in model.get_weights()]
    check_proxies([name])
    first = scores([name], network)
    assert first.keys() == {name, "parameters"} and scores([name], network) == first
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_package_that_brings_another_thing_is_refused_in_one_line() -> None:
    with pytest.raises(RecipeError, match="A proxy is a module with score.*void"):
        check_proxies(["void"])
    with pytest.raises(UsageError, match="A sampler is a module with Settings and make.*void"):
        open_sampler("void", GENES, OBJECTIVES, 1)
