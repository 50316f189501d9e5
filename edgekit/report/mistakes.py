"""Where the chosen file is wrong: classes that it takes for each other, or how large its errors are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edgekit.data.sidecar import read_sidecar
from edgekit.errors import EdgekitError
from edgekit.measure.answers import MOST_CLASSES, MOST_PAIRS, PER_DECADE
from edgekit.pipeline.manifest import Manifest
from edgekit.pipeline.step import Step
from edgekit.report._svg import axis, clean, line, number, svg, text

__all__ = ["Mistakes", "errors", "matrix", "mistakes"]

_MOST_ROWS = 20
_MOST_BINS = 40
_WIDER = 10 ** (1 / PER_DECADE)
_LONGEST = 14
"""Signs of a class's name."""
_SIGN = 7.5
"""Pixels of a sign."""


@dataclass(frozen=True)
class Mistakes:
    """A section of the page.

    Attributes:
        title, note: What it shows, and how to read it.
        drawings: Caption and drawing of each file, the chosen one first.
        columns, rows: A table in their place; empty where there is none.
    """

    title: str
    note: str
    drawings: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: list[list[str | None]] = field(default_factory=list)


def mistakes(manifest: Manifest) -> Mistakes:
    """Those of the chosen file on the test split, beside the baseline's where they are others."""
    baseline = manifest.steps[0]
    chosen = next((s for s in manifest.steps if s.sha256 == manifest.chosen.sha256), manifest.steps[-1])
    other = baseline if baseline.answers != chosen.answers else None
    if manifest.metric != "top1":
        return _of_errors(chosen, other)
    if chosen.answers["classes"] <= MOST_CLASSES:
        return _of_few_classes(chosen, other, _names(manifest))
    return _of_many_classes(chosen, other, _names(manifest))


def matrix(answers: dict[str, Any], names: Sequence[str], *, title: str) -> str:
    """True classes by row, answers by column; a cell's colour is its share of the row.

    Args:
        answers: As `edgekit.measure.answers.confusion` gives them, of at most 20 classes.
        names: Names of the classes, by index; those that are missing have their index.
        title: What the drawing shows, for screen readers.
    """
    classes, cells = answers["classes"], answers["cells"]
    told = [name if len(name := _name(names, k)) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for k in range(classes)]
    longest = max(len(name) for name in told)
    upright = longest > 3
    left, top = int(longest * _SIGN) + 14, int(longest * _SIGN * 0.8) + 34 if upright else 42
    size = 32
    parts = [text(left, 14, "answer →", "soft")]
    for k, name in enumerate(told):
        middle = (k + 0.5) * size
        parts.append(text(left - 6, top + middle + 4, name, "soft", "end"))
        place = f'x="{left + middle:.1f}" y="{top - 6}"'
        turned = f'text-anchor="start" transform="rotate(-55 {left + middle + 4:.1f} {top - 6})"'
        way = turned if upright else 'text-anchor="middle"'
        parts.append(f'<text class="soft" {place} {way}>{clean(name)}</text>')
    sums = [sum(n for true, _, n in cells if true == k) for k in range(classes)]
    for true, answer, count in cells:
        x, y, kind = left + answer * size, top + true * size, "right" if true == answer else "wrong"
        shade = 0.12 + 0.45 * count / sums[true] if kind == "right" else min(0.2 + 1.5 * count / sums[true], 0.65)
        about = f"{_name(names, true)} answered as {_name(names, answer)}: {count:,}"
        parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{size}" height="{size}" fill-opacity="{shade:.2f}">'
            f"<title>{clean(about)}</title></rect>"
        )
        parts.append(text(x + size / 2, y + size / 2 + 4, _short(count), "", "middle"))
    end = classes * size
    for k in range(classes + 1):
        parts.append(line(left, top + k * size, left + end, top + k * size, "axis"))
        parts.append(line(left + k * size, top, left + k * size, top + end, "axis"))
    room = int(longest * _SIGN * 0.6) if upright else 2
    about = f"{classes} classes; rows are true classes, columns answers."
    return svg(parts, max(left + end + room, 200), top + end + 4, title, about, small=True)


def errors(answers: dict[str, Any], other: dict[str, Any] | None, *, title: str) -> str:
    """How many samples have errors of which size, as bars; another file's as a line.

    Args:
        answers, other: As `edgekit.measure.answers.error_bins` gives them.
        title: What the drawing shows, for screen readers.
    """
    highest = max(k for k, _ in [*answers["bins"], *(other or answers)["bins"]])
    lowest = max(min(k for k, _ in [*answers["bins"], *(other or answers)["bins"]]), highest - _MOST_BINS + 1)
    own, others = (_counts(told, lowest, highest) for told in (answers, other or answers))
    width, left, top, height = 760, 90, 40, 340
    room_x, room_y, y_axis = width - left - 30, height - top - 60, axis([0.0, *own, *others])
    step = room_x / len(own)

    def up(count: float) -> float:
        return top + room_y * (1 - count / y_axis[-1])

    parts = [text(left, 18, "test samples", "soft")]
    for value in y_axis:
        parts += [line(left, up(value), left + room_x, up(value), "axis")]
        parts += [text(left - 8, up(value) + 4, number(value), "soft", "end")]
    for n, count in enumerate(own):
        about = f"{_edge(lowest + n)} to {_edge(lowest + n + 1)}: {count:,}"
        parts.append(
            f'<rect class="bar" x="{left + n * step + 1:.1f}" y="{up(count):.1f}" width="{step - 2:.1f}" '
            f'height="{top + room_y - up(count):.1f}"><title>{about}</title></rect>'
        )
    if other is not None:
        ends = [(left + (n + side) * step, up(count)) for n, count in enumerate(others) for side in (0, 1)]
        parts.append(f'<polyline class="other" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in ends)}"/>')
    every = max(1, -(-len(own) // 5))
    for n in range(0, len(own) + 1, every):
        parts.append(text(left + n * step, top + room_y + 22, _edge(lowest + n), "soft", "middle"))
    parts.append(text(left + room_x / 2, height - 8, "error of a sample (root mean square)", "soft", "middle"))
    return svg(parts, width, height, title, "Bars: the chosen file. The line: the baseline.")


def _of_few_classes(chosen: Step, other: Step | None, names: Sequence[str]) -> Mistakes:
    files = [("the chosen file", chosen), *([("the baseline", other)] if other else [])]
    drawn = tuple((said, matrix(step.answers, names, title=f"Answers of {said} by true class")) for said, step in files)
    return Mistakes(
        "Which classes are taken for which",
        f"{chosen.answers['samples']:,} test samples: true classes by row, answers by column.",
        drawings=drawn,
    )


def _of_many_classes(chosen: Step, other: Step | None, names: Sequence[str]) -> Mistakes:
    columns = ("true class", "answer", "samples", *(("of the baseline",) if other else ()))
    rows: list[list[str | None]] = []
    for true, answer, count in chosen.answers["cells"][:_MOST_ROWS]:
        cells = [_name(names, true), _name(names, answer), f"{count:,}"]
        rows.append([*cells, *([_count_of(other.answers["cells"], true, answer)] if other else [])])
    return Mistakes(
        "Which classes are taken for which",
        f"The pairs of {chosen.answers['classes']:,} classes that the chosen file confuses most often, on "
        f"{chosen.answers['samples']:,} test samples.",
        columns=columns,
        rows=rows,
    )


def _count_of(cells: list[list[int]], true: int, answer: int) -> str | None:
    """How often another file confuses the two; None where it is not among the pairs that were kept."""
    found = next((n for t, a, n in cells if (t, a) == (true, answer)), None)
    return f"{found:,}" if found is not None else "0" if len(cells) < MOST_PAIRS else None


def _of_errors(chosen: Step, other: Step | None) -> Mistakes:
    drawn = errors(chosen.answers, other.answers if other else None, title="Test samples by the size of their error")
    return Mistakes(
        "How large the errors are",
        f"{chosen.answers['samples']:,} test samples; from one bar to the next, errors are {_WIDER:.2f} times as large."
        + (" Bars are the chosen file, the line is the baseline." if other else ""),
        drawings=(("", drawn),),
    )


def _counts(answers: dict[str, Any], lowest: int, highest: int) -> list[int]:
    """Of each bin; what lies below the lowest counts there."""
    found = [0] * (highest - lowest + 1)
    for k, count in answers["bins"]:
        found[max(k - lowest, 0)] += count
    return found


def _names(manifest: Manifest) -> tuple[str, ...]:
    """Of the classes, as far as the sidecar of the chosen file is still there."""
    try:
        sidecar = read_sidecar(manifest.path)
    except (EdgekitError, OSError):
        return ()
    return sidecar.label_names if sidecar else ()


def _name(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else str(index)


def _short(count: int) -> str:
    """At most four signs."""
    for size, unit in ((10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.1f}{unit}" if count < 10 * size else f"{count // size}{unit}"
    return str(count)


def _edge(k: int) -> str:
    return f"{10 ** (k / PER_DECADE):.2g}"
