"""Jaderberg et al. 2014: several times faster at under a point, here vgg_small on CIFAR-10 under LiteRT.

    python benchmarks/headlines/low_rank.py [--short]

The bar: the median latency of the float32 file (LiteRT, one thread, in turns with the baseline's file) falls at least
4.5 times at a loss below 1 point, by `channel_prune` with `low_rank`; `low_rank` alone is reported. A committee teaches
both, as it did not teach the baseline. Times are of this host: a proxy, but one in which all ran the same kernels.
"""

from __future__ import annotations

from _committee import committee
from _headline import Headline, Session, drop, faster, figures, main, minutes, vgg_small

import edgekit

FINETUNE = {"learning_rate": 0.001, "precision": "float32", "augment": {"flip": True, "crop": 4, "views": 12}}
ALONE = [{"low_rank": {"method": "spatial", "macs": 0.4, "finetune": FINETUNE | {"epochs": 10}}}]
BOTH = [
    {"channel_prune": {"macs": 0.5, "scope": "uniform", "finetune": "none"}},
    {"low_rank": {"method": "auto", "macs": 0.338, "finetune": FINETUNE | {"epochs": 85}}},
]


def find(session: Session) -> Headline:
    runs, files = {}, []
    teacher = {"alpha": 0.9, "temperature": 4.0, "teacher": str(committee(session, white=1))}
    for name, passes in (("channel_prune and low_rank", BOTH), ("low_rank", ALONE)):
        recipe = vgg_small() | {"passes": passes, "objective": {"distill": teacher}, "convert": ["float32"]}
        run = runs[name] = session.compress("vgg_small", recipe)
        files.append(session.file("vgg_small", run.models[0].sha256))
    first = next(iter(runs.values()))
    files.insert(0, session.file("vgg_small", first.steps[0].sha256))
    report = edgekit.benchmark(files, launches=3 if session.short else 9)
    speed = {name: faster(c) for name, c in zip(runs, report.comparisons, strict=True)}
    losses = {name: drop(run.models[0]) for name, run in runs.items()}
    times = {name: r.latency_ms.p50 for name, r in zip(("baseline", *runs), report.results, strict=True)}
    best = "channel_prune and low_rank"
    return Headline(
        claim="2.5x faster without loss, 4.5x within 1 % (Jaderberg et al. 2014, arXiv:1405.3866, abstract)",
        baseline=figures(first.steps[0]) | {"latency_ms": times["baseline"]},
        result={
            name: figures(run.models[0]) | {"macs": run.steps[-1].macs, "latency_ms": times[name]}
            for name, run in runs.items()
        },
        ratios={"latency_baseline_by_result": speed},
        loss_points=losses,
        met=speed[best]["ratio"] >= 4.5 and losses[best]["value"] < 1,
        minutes=minutes(*runs.values()),
    )


if __name__ == "__main__":
    main("low_rank", __doc__.splitlines()[0], find)
