"""The C export of a model: what it is asked of, and what its header says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit import registry, tflite
from edgekit.errors import ConversionError, EdgekitError, ModelRefused, RuntimeFailed
from edgekit.runtimes._packed import Port

__all__ = ["NAME", "Export", "export_model", "read_export"]

NAME = "net"
"""What the export is called: the prefix of its files and symbols."""
_API_VERSION = 1
_DEFINE = re.compile(rf"^[ \t]*#[ \t]*define[ \t]+{NAME.upper()}_(\w+)[ \t]+(.+?)[ \t]*(?:/\*.*)?$", re.MULTILINE)
_MOST_PORTS = 256


@dataclass(frozen=True)
class Export:
    """A folder of C.

    Attributes:
        folder: Where `net.h` and `net.c` lie.
        arena_bytes, weights_bytes, state_bytes: What the header says of the model's memory.
        inputs, outputs: Dimensions and bytes of each, in the model's order.
        output_offsets: Where the outputs lie in the arena.
    """

    folder: Path
    arena_bytes: int
    weights_bytes: int
    state_bytes: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    output_offsets: tuple[int, ...]


def export_model(runtime: str, model: tflite.Model, folder: Path) -> Export:
    """Have the exporter `c` write a model into an empty folder.

    Runtimes stand below converters, so it is asked for by name.

    Args:
        runtime: The runtime's name, for messages.
        model: What was read of the `.tflite`.
        folder: Where to.

    Raises:
        ModelRefused: The exporter does not take the model.
        RuntimeFailed: There is no such exporter, or its header does not say what it must.
    """
    from edgekit.target import load_target  # which knows the runtimes' figures

    try:
        exporter = registry.ask("edgekit_converters.exporters:parse_exporter")({"c": {"name": NAME}})
        source = registry.ask("edgekit_converters.exporters:Source")(model)
    except EdgekitError as error:
        raise RuntimeFailed(
            f"The runtime {runtime} builds what the exporter c writes.", received=error, remedy="Install EdgeKit whole."
        ) from None
    try:
        findings = exporter.check(source, load_target("generic"))
        if findings:
            raise ConversionError("", received="; ".join(map(str, findings[:3])))
        exporter.write(source, folder)
    except ConversionError as error:
        raise ModelRefused(
            f"The runtime {runtime} runs what `edgekit export c` can export.",
            received=error.received or error.rule,
            remedy="See what the file holds with `edgekit inspect`, or try another runtime.",
        ) from None
    return read_export(runtime, folder)


def read_export(runtime: str, folder: Path) -> Export:
    """What the header of an export says.

    Raises:
        RuntimeFailed: Something is missing in it.
    """
    header = folder / f"{NAME}.h"
    try:
        told = dict(_DEFINE.findall(header.read_text(encoding="utf-8")))
        if _number(told, "API_VERSION") != _API_VERSION:
            raise ValueError(f"API_VERSION {told['API_VERSION']}")
        arena, weights, state = (_number(told, f"{name}_BYTES") for name in ("ARENA", "WEIGHTS", "STATE"))
        outputs = _ports(told, "OUTPUT")
        offsets = tuple(_number(told, f"OUTPUT_{i}_OFFSET") for i in range(len(outputs)))
        return Export(folder, arena, weights, state, _ports(told, "INPUT"), outputs, offsets)
    except (OSError, KeyError, ValueError) as error:
        what = f"no {NAME.upper()}_{error.args[0]}" if isinstance(error, KeyError) else error
        raise RuntimeFailed(
            f"The runtime {runtime} builds exports whose header tells their sizes, in the form {_API_VERSION}.",
            received=f"{header.name}: {what}",
            remedy="Bring EdgeKit, and packages that add exporters to it, to one version.",
        ) from None


def _ports(told: Mapping[str, str], side: str) -> tuple[Port, ...]:
    count = _number(told, f"{side}S")
    if count > _MOST_PORTS:
        raise ValueError(f"{side}S {count}")
    return tuple(Port(_shape(told, f"{side}_{i}"), _number(told, f"{side}_{i}_BYTES")) for i in range(count))


def _shape(told: Mapping[str, str], name: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in told[f"{name}_SHAPE"].strip("{} ").split(",") if part.strip())
    rank = _number(told, f"{name}_RANK")
    return sizes[:rank]  # of a scalar, C has a 1 where there is no dimension


def _number(told: Mapping[str, str], name: str) -> int:
    return int(told[name].strip("()").rstrip("uUlL"), 0)
