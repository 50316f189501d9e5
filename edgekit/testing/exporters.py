"""What every exporter does."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgekit import tflite
from edgekit.data.sidecar import read_sidecar
from edgekit.errors import Finding
from edgekit.figures import FIGURES
from edgekit.pipeline.exported import with_golden
from edgekit.runtimes import PROBE
from edgekit.target import load_target
from edgekit.testing.saying import check_keys, expect, runs
from edgekit_converters.exporters import Exporter, Source

__all__ = ["check_exporter"]


def check_exporter(exporter: Exporter, *, model: Path | None = None, target: str = "generic") -> None:
    """Hold an exporter to what `edgekit export` and recipes rely on.

    Args:
        exporter: The exporter with its options.
        model: A `.tflite` that it takes, with its sidecar beside it where it has one; default a ReLU of [1, 4].
        target: Name or `.yaml` of what the sources are for.

    Raises:
        AssertionError: The exporter breaks a rule; the sentence names it.
    """
    name = type(exporter).__name__
    expect(isinstance(exporter, Exporter), "An exporter is a subclass of edgekit_converters.exporters.Exporter.", name)
    check_keys(exporter, exporter.summary)
    unknown = [figure for figure in exporter.figures if figure not in FIGURES]
    expect(not unknown, f"{name}.figures names figures of runtimes.", ", ".join(unknown))
    path = model or PROBE
    source = Source(tflite.read(path), read_sidecar(path))
    with runs(f"{name}.check"):
        findings = exporter.check(source, load_target(target))
        findings = findings or exporter.too_large(source, load_target(target))
    expect(
        isinstance(findings, list) and all(isinstance(finding, Finding) for finding in findings),
        f"{name}.check and {name}.too_large give a list of edgekit.errors.Finding.",
        repr(findings),
    )
    expect(not findings, f"{name} takes the model that it is tried on; give another one by `model`.", findings)
    source = with_golden(exporter, source, path)
    first, second = _written(exporter, source), _written(exporter, source)
    expect(first, f"{name}.write writes a file at least.")
    links = [path for path, content in first.items() if content is None]
    expect(not links, f"{name}.write writes regular files only.", ", ".join(links))
    expect(first == second, f"{name}.write writes the same bytes each time.", ", ".join(_differing(first, second)))


def _written(exporter: Exporter, source: Source) -> dict[str, bytes | None]:
    """What lies in the folder afterwards: bytes by path; None for links and other things that are no regular files."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with runs(f"{type(exporter).__name__}.write"):
            exporter.write(source, folder)
        paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() and not path.is_symlink() else None
            for path in paths
        }


def _differing(first: dict[str, bytes | None], second: dict[str, bytes | None]) -> list[str]:
    return sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
