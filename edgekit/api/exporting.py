"""`edgekit.export`: from a `.tflite` to sources for a build."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.api.inputs import tflite_path
from edgekit.api.traces import leaves_no_trace

if TYPE_CHECKING:
    from edgekit.pipeline import Exported
    from edgekit_converters.exporters import Exporter

__all__ = ["export"]


@leaves_no_trace
def export(
    model: str | Path,
    to: str | Mapping[str, Mapping[str, Any]] | Exporter,
    output: str | Path,
    *,
    target: str | Path = "generic",
    overwrite: bool = False,
) -> Exported:
    """Make sources for a build of a `.tflite`: firmware, for example.

    Args:
        model: The file; its sidecar, where one lies beside it, gives labels and preprocessing.
        to: An exporter: its name, `{name: {option: value}}` or an object such as `Tflm(name="digits")`.
        output: Folder for the sources.
        target: The device that they are for.
        overwrite: Replace files that EdgeKit did not write, or that were changed since.

    Raises:
        EdgekitError: The exporter or the target cannot take the model, or a file would be overwritten.

    Example:
        result = edgekit.export("digits.tflite", {"tflm": {"name": "digits"}}, "firmware/digits")
        print(result.summary())
    """
    from edgekit.pipeline import export_file
    from edgekit.target import load_target
    from edgekit_converters.exporters import parse_exporter

    exporter = parse_exporter(to)
    return export_file(exporter, tflite_path(model), Path(output), load_target(str(target)), overwrite=overwrite)
