"""Target: what a device accepts. Budget: what you allow."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from edgekit.errors import RecipeError, did_you_mean

__all__ = ["FIGURE_RUNTIMES", "Budget", "Format", "Target", "load_target", "target_names"]

Format = Literal["float32", "float16", "dynamic", "int8", "int16x8"]

FIGURE_RUNTIMES = {"arena_bytes": "tflm", "instructions": "arm64", "cycles": "ethos_u"}
"""Keys of a Budget that one runtime measures, with that runtime."""


class Target(BaseModel):
    """A device's contract, read from `targets/NAME.yaml`.

    Attributes:
        name: What recipes call it.
        description: One line.
        formats: `.tflite` formats that it runs.
        channel_multiple: Preferred multiple of channels: other widths cost as much as the next multiple.
        flash_bytes, ram_bytes: What the device has for a model and its arena; None where boards differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    formats: tuple[Format, ...]
    channel_multiple: Annotated[int, Field(ge=1, le=4096)] = 1
    flash_bytes: int | None = None
    ram_bytes: int | None = None


class Budget(BaseModel):
    """What the result may cost; `compress` exits with 3 where it is missed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy_drop: Annotated[float, Field(ge=0, le=1)] | None = Field(
        0.01, description="largest loss of accuracy against the baseline, as a fraction: 0.01 is one point"
    )
    model_bytes: Annotated[int, Field(gt=0, le=10**15)] | None = Field(None, description="largest .tflite, in bytes")
    latency_ms: Annotated[float, Field(gt=0, le=10**15)] | None = Field(
        None, description="largest median latency on this host, one thread, in ms; a proxy, not a phone's"
    )
    arena_bytes: Annotated[int, Field(gt=0, le=10**15)] | None = Field(
        None, description="largest tensor arena under TFLite Micro (measure: tflm), in bytes"
    )
    instructions: Annotated[int, Field(gt=0, le=10**15)] | None = Field(
        None, description="most arm64 instructions of one inference (measure: arm64)"
    )
    cycles: Annotated[int, Field(gt=0, le=10**15)] | None = Field(
        None, description="most Ethos-U cycles of one inference, estimated (measure: ethos_u)"
    )


def target_names() -> list[str]:
    """The targets that EdgeKit knows, sorted."""
    folder = resources.files("edgekit") / "targets"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def load_target(name: str) -> Target:
    """Read a target by name.

    Raises:
        RecipeError: No such target; the nearest one is suggested.
    """
    if name not in target_names():
        raise RecipeError("Unknown target.", received=repr(name), remedy=did_you_mean(name, target_names()))
    text = (resources.files("edgekit") / "targets" / f"{name}.yaml").read_text(encoding="utf-8")
    return Target.model_validate({"name": name, **yaml.safe_load(text)})
