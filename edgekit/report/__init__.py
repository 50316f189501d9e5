"""The report of a run: Markdown for reviews, JSON for programs, one HTML page for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from edgekit.ownership import check_writable, writing
from edgekit.pipeline.manifest import REPORTS, Manifest
from edgekit.report.text import markdown

__all__ = ["write_report"]


def write_report(manifest: Manifest, output: Path, *, overwrite: bool = False) -> list[Path]:
    """Write report.md, report.json and report.html.

    Args:
        manifest: Manifest of the run.
        output: Folder to write to.
        overwrite: Replace reports that EdgeKit did not write, or that were changed since.

    Raises:
        EdgekitError: There are such, and `overwrite` is not set; nothing is then written.
        MissingDependency: jinja2 is not installed; the other two files are written all the same.
    """
    from edgekit.report.page import html  # last, so that the light forms do not need its packages

    check_writable(output, REPORTS, overwrite=overwrite)
    contents: dict[str, Callable[[], str]] = {
        "report.md": lambda: markdown(manifest),
        "report.json": lambda: json.dumps(manifest.as_dict(), indent=2) + "\n",
        "report.html": lambda: html(manifest),
    }
    paths = []
    for name, content in contents.items():
        with writing(output / name, overwrite=overwrite) as temporary:
            temporary.write_text(content(), encoding="utf-8")
        paths.append(output / name)
    return paths
