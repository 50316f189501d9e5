"""Every sampler and every proxy is held to what searches rely on, and what is broken in one is told in a sentence."""

from __future__ import annotations

from types import ModuleType

import pytest

from edgekit import registry
from edgekit.searching import proxies, samplers
from edgekit.testing import check_proxy, check_sampler

SAMPLER = '''"""others: a sampler of another package."""
from pydantic import Field
from edgekit.searching.samplers import SamplerSettings
from optuna.samplers import RandomSampler

class Settings(SamplerSettings):
    rate: float = Field(default=1.0, description="of nothing")

class Own(RandomSampler):
    pass

def make(genes, objectives, seed, rate=1.0):
    return Own(seed=seed)
'''
PROXY = """
def score(network):
    return network.model.count_params()
"""


def module(code: str, *changes: tuple[str, str]) -> ModuleType:
    for old, new in changes:
        assert old in code
        code = code.replace(old, new)
    made = ModuleType("others")
    exec(code, made.__dict__)
    return made


@pytest.mark.parametrize("name", registry.names(samplers))
def test_each_sampler_does_what_searches_rely_on(name: str) -> None:
    check_sampler(registry.load(samplers, name))
    check_sampler(name)


@pytest.mark.parametrize("name", registry.names(proxies))
def test_each_proxy_does_what_searches_rely_on(name: str) -> None:
    check_proxy(name)


def test_what_others_have_passes_too() -> None:
    check_sampler(module(SAMPLER), settings={"rate": 2.0})
    check_sampler("optuna.samplers:RandomSampler")
    check_proxy(module(PROXY))


OWN = "class Own(RandomSampler):\n    pass"


def drawing(body: str) -> tuple[str, str]:
    """A sampler that draws a gene in a way of its own."""
    lines = (
        "class Own(RandomSampler):",
        "    def sample_independent(self, study, trial, name, distribution):",
        "        value = super().sample_independent(study, trial, name, distribution)",
        f"        {body}",
    )
    return OWN, "\n".join(lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("def make(", "def made("), "others.make makes the sampler"),
        (("class Settings(SamplerSettings)", "class Options(SamplerSettings)"), "others.Settings is a pydantic model"),
        ((', description="of nothing"', ""), "Each field of Settings has a description"),
        (("seed, rate=1.0)", "seed)"), "others.make takes genes, objectives, seed and the fields"),
        (("seed=seed", "seed=None"), "the same candidates for the same seed"),
        (("seed=seed", "seed=7"), "candidates that differ"),
        (drawing("return 1000 if name == 'model.width' else value"), "draws values of the space"),
        (drawing("return value if len(study.get_trials()) < 9 else 1 / 0"), "Drawing trial 8 .* ZeroDivisionError"),
        (drawing("return value if len(study.directions) < 3 else 1 / 0"), "with four objectives raises"),
    ],
)
def test_a_broken_sampler_is_told_in_a_sentence(change: tuple[str, str], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_sampler(module(SAMPLER, change))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 'much'", "gives one number"),
        ("return 3.0", "tells networks of other widths apart"),
        ("return float('nan')", "gives numbers for classifiers"),
        ("import time; return time.perf_counter()", "the same number for the same weights"),
        ("network.model.set_weights([w + 1 for w in network.model.get_weights()]); return 1.0", "leaves the weights"),
        ("network.batches[0][0][:] = 0; return 1.0", "leaves the samples"),
        ("network.model.layers[0].trainable = False; return 1.0", "as trainable as they were"),
        ("return network.model.count_params() / (len(network.batches) - 1)", "raises ZeroDivisionError"),
    ],
)
def test_a_broken_proxy_is_told_in_a_sentence(body: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_proxy(module(f"def score(network):\n    {body}\n"))


def test_a_module_without_score_is_no_proxy() -> None:
    with pytest.raises(AssertionError, match=r"others has score\(network\)"):
        check_proxy(module("value = 1"))
