"""The report as text: rows and sentences that Markdown, HTML and the terminal share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from edgekit.figures import Figure, told_by
from edgekit.pipeline.manifest import Manifest
from edgekit.pipeline.step import Step

__all__ = [
    "budget_sentence",
    "caveats",
    "figure",
    "headline",
    "markdown",
    "model_rows",
    "recipe_yaml",
    "step_rows",
    "warning",
]

_STATES = {
    "kept": "A stateful model goes on from call to call: accuracy is that of the test samples in their order.",
    "reset before each call": "The file keeps a fused LSTM's state from call to call: an app resets the variable "
    "tensors before each sample, as was done here, or its second answer is wrong.",
}
"""What an app must know, by a model's state."""

Rows = list[list[str | None]]


def figure(value: float | None, metric: str) -> str | None:
    """A score for people: top-1 in percent, an error as it is."""
    if value is None:
        return None
    return f"{value:.2%}" if metric == "top1" else f"{value:.4g}"


def decibels(parity: Mapping[str, Any]) -> str | None:
    """How near a file is to its Keras model (SQNR), for a table."""
    if parity["sqnr_db"] is None:
        return f"constant, {parity['steps']:.2f} steps" if parity["steps"] is not None else None
    accepted = f" ({parity['accepted_db']:g} accepted)" if parity["accepted_db"] is not None else ""
    return f"{parity['sqnr_db']:.1f} dB{accepted}"


def headline(manifest: Manifest) -> str:
    """The run in one sentence: the chosen model against the baseline's float32 file."""
    baseline, chosen = manifest.steps[0], manifest.chosen
    times = baseline.model_bytes / chosen.bytes
    size = f"{times:.2f} times smaller" if times >= 1 else f"{1 / times:.2f} times larger"
    return (
        f"{chosen.path}: {chosen.bytes:,} bytes, {size} than the float32 baseline "
        f"({baseline.model_bytes:,}), {manifest.metric} {figure(chosen.accuracy, manifest.metric)} against "
        f"{figure(baseline.accuracy, manifest.metric)} on {manifest.samples:,} test samples."
    )


def warning(manifest: Manifest) -> str | None:
    """That the baseline has learned nothing, so that a drop against it says nothing; None where it has."""
    trivial, baseline, metric = manifest.trivial, manifest.steps[0], manifest.metric
    if trivial.beaten is not False:
        return None
    low, high = figure(baseline.accuracy_low, metric), figure(baseline.accuracy_high, metric)
    worth = f"{metric} {figure(baseline.accuracy, metric)} [{low}, {high}]"
    other = f"{figure(trivial.score, metric)} for always answering the {trivial.answer}"
    than = "chance" if metric == "top1" else "the mean"
    return (
        f"The baseline is no better than {than}: {worth} on {manifest.samples:,} test samples, against {other}. "
        "What is gained or lost against it means nothing. Train it for longer, or check labels and preprocessing."
    )


def device_sentences(manifest: Manifest) -> list[str]:
    """What the chosen model costs on device-side runtimes, against the baseline's float32 file."""
    baseline, chosen = manifest.steps[0], manifest.chosen
    found = []
    for counted in _told(manifest):
        before, after = baseline.figures.get(counted.name), chosen.figures.get(counted.name)
        if after is None:
            continue
        gain = f", {before / after:.2f} times fewer than the float32 baseline ({before:,})" if before and after else ""
        found.append(f"{counted.report_title}: {after:,}{gain}.")
    return found


def budget_sentence(manifest: Manifest) -> str:
    """The verdict on the chosen model."""
    if manifest.budget["met"]:
        return f"Budget met by {manifest.selected}."
    return f"Budget missed: {manifest.selected} comes nearest, but {'; '.join(manifest.budget['violations'])}."


def step_rows(manifest: Manifest) -> tuple[list[str], Rows]:
    """Columns and rows of what each step did, measured on the step's own `.tflite`."""
    columns = ["step", "file", manifest.metric, "against Keras", "bytes", "gzip", "non-zero", "MACs", "host ms"]
    told = _told(manifest)
    rows = [[*_step_row(s, manifest.metric), *_device_cells(s, told), _seconds(s)] for s in manifest.steps]
    return [*columns, *(counted.report_title for counted in told), "seconds"], rows


def model_rows(manifest: Manifest) -> tuple[list[str], Rows]:
    """Columns and rows of the files that ship."""
    metric = manifest.metric
    columns = [
        "model",
        "bytes",
        "gzip",
        metric,
        "95 % interval",
        "drop (paired)",
        "as Keras",
        "against Keras",
        "made from",
        "budget",
    ]
    rows: Rows = []
    for m in manifest.models:
        drop = f"{m.accuracy_drop:+.2%}"
        if m.drop_low is not None and m.drop_high is not None:
            drop += f" [{m.drop_low:+.2%}, {m.drop_high:+.2%}]"
        interval = f"{figure(m.accuracy_low, metric)} to {figure(m.accuracy_high, metric)}"
        verdict = "; ".join(map(str, m.violations)) or "met"
        rows.append(
            [m.path, f"{m.bytes:,}", f"{m.gzip_bytes:,}", figure(m.accuracy, metric), interval, drop,
             figure(m.agreement, "top1"), decibels(m.parity), m.made_from, verdict]
        )  # fmt: skip
    return columns, rows


def caveats(manifest: Manifest) -> list[str]:
    """What these figures do not say."""
    found = ["Latency is measured on this host, one thread: a proxy, not a phone's or a microcontroller's."]
    found += [_STATES[state] for state in sorted({m.state for m in manifest.models}) if state in _STATES]
    found += [counted.caveat for counted in _told(manifest) if counted.caveat]
    if any(s.nonzero_params < 0.9 * s.params for s in manifest.steps):
        found.append(
            "Zeros make a file smaller only where it is compressed (gzip) or its weights are encoded (some NPUs); "
            "dense kernels do not run them faster."
        )
    if any(s.format == "int8" for s in manifest.steps):
        found.append("On x86, int8 is often no faster than float32; on Arm cores it usually is.")
    return found


def recipe_yaml(manifest: Manifest) -> str:
    """The recipe as it ran, every default spelled out."""
    text: str = yaml.safe_dump(manifest.recipe, sort_keys=False)
    return text


def markdown(manifest: Manifest) -> str:
    """The report in Markdown."""
    packages = manifest.environment.get("packages", {})
    versions = ", ".join(f"{k} {v}" for k, v in packages.items() if v)
    parts = [
        "# EdgeKit report",
        *([f"**{said}**"] if (said := warning(manifest)) else []),
        headline(manifest),
        *device_sentences(manifest),
        budget_sentence(manifest),
        "## What each step did",
        "Each figure is measured on the `.tflite` of its step.",
        _table(*step_rows(manifest)),
        "## Models",
        _table(*model_rows(manifest)),
        "## What these figures do not say",
        "\n".join(f"- {line}" for line in caveats(manifest)),
        "## Lineage",
        _table(
            ["file", "sha256", "made by", "from"],
            [
                [str(a["path"]), str(a["sha256"])[:12], str(a["made_by"]), str(a["parent"] or "–")[:12]]
                for a in manifest.artifacts
            ],
        ),
        "## Recipe and environment",
        f"```yaml\n{recipe_yaml(manifest)}```",
        f"{manifest.environment.get('cpu')}, {manifest.environment.get('cores')} cores; {versions}; "
        f"data {str(manifest.environment.get('data'))[:12]}.",
    ]
    return "\n\n".join(parts) + "\n"


def _step_row(step: Step, metric: str) -> list[str | None]:
    return [
        step.name,
        step.format,
        figure(step.accuracy, metric),
        decibels(step.parity),
        f"{step.model_bytes:,}",
        f"{step.gzip_bytes:,}",
        f"{step.nonzero_params / max(step.params, 1):.0%}",
        f"{step.macs / 1e6:.2f} M" if step.macs is not None else None,
        f"{step.latency_ms:.3f}" if step.latency_ms is not None else None,
    ]


def _told(manifest: Manifest) -> list[Figure]:
    """The figures of reports that some step has."""
    known = told_by(manifest.recipe.get("measure", ())).values()
    return [f for f in known if f.report_title and any(f.name in step.figures for step in manifest.steps)]


def _device_cells(step: Step, figures: Iterable[Figure]) -> list[str | None]:
    values = (step.figures.get(counted.name) for counted in figures)
    return [f"{v:,}" if v is not None else None for v in values]


def _seconds(step: Step) -> str:
    return "cached" if step.cached else f"{step.seconds:.1f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join("–" if c is None else str(c) for c in line) + " |" for line in lines)
