"""Target: what a device accepts. Budget: what you allow."""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from edgekit import registry
from edgekit.errors import RecipeError, did_you_mean
from edgekit.figures import limited
from edgekit.recipe_text import read_yaml

__all__ = ["Budget", "Format", "Target", "is_file", "load_target", "target_names"]

_FOLDER = resources.files("edgekit") / "targets"
Format = Literal["float32", "float16", "dynamic", "int8", "int16x8"]


class Target(BaseModel):
    """A device's contract, read from `targets/NAME.yaml`.

    Attributes:
        name: What recipes call it.
        description: One line.
        formats: `.tflite` formats that it runs.
        channel_multiple: Preferred multiple of channels: other widths cost as much as the next multiple.
        flash_bytes, ram_bytes: What the device has for a model and its arena; None where boards differ. RAM is what
            lies in one piece, as an arena does.
        runtime: What runs or emulates its processor, such as "cortex_m:cortex-m4"; None where nothing does.
        source: Source of the figures for flash and RAM.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    formats: Annotated[tuple[Format, ...], Field(min_length=1)]
    channel_multiple: Annotated[int, Field(ge=1, le=4096)] = 1
    flash_bytes: Annotated[int, Field(gt=0, le=10**15)] | None = None
    ram_bytes: Annotated[int, Field(gt=0, le=10**15)] | None = None
    runtime: str | None = None
    source: str = ""


Limit = Annotated[int, Field(gt=0, le=10**15)]


class Allowed(BaseModel):
    """What the result may cost; `compress` exits with 3 where it is missed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy_drop: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=0.01, description="largest loss of accuracy against the baseline, as a fraction: 0.01 is one point"
    )
    model_bytes: Limit | None = Field(default=None, description="largest .tflite, in bytes")
    macs: Limit | None = Field(default=None, description="most multiply-accumulates of one inference")
    latency_ms: Annotated[float, Field(gt=0, le=10**15)] | None = Field(
        default=None, description="largest median latency on this host, one thread, in ms; a proxy, not a phone's"
    )

    def limit(self, figure: str) -> int | None:
        """The most that is allowed of a figure of `edgekit.figures`; None where it is not limited."""
        found: int | None = getattr(self, figure)
        return found


if TYPE_CHECKING:

    class Budget(Allowed):
        """Limits by the names of figures, too."""

else:

    def __getattr__(name: str) -> object:
        """Make `Budget` when it is first asked for: its keys come from all runtimes, which an export does without."""
        if name != "Budget":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _budget()

    @cache
    def _budget() -> type[Allowed]:
        return create_model(
            "Budget",
            __base__=Allowed,
            __doc__=Allowed.__doc__,
            __module__=__name__,
            **{figure.name: (Limit | None, Field(default=None, description=figure.limit)) for figure in limited()},
        )


def target_names() -> list[str]:
    """The targets that EdgeKit knows, sorted, with those that other packages add."""
    return sorted({*_own_names(), *registry.outside("targets")})


def load_target(name: str) -> Target:
    """Read a target by name, or a `.yaml` of the user's by its path.

    Raises:
        RecipeError: No such target; the nearest one is suggested. A file that describes none.
    """
    if is_file(name):
        return _own(Path(name))
    if name not in _own_names() and name not in registry.outside("targets"):
        raise RecipeError("Unknown target.", received=repr(name), remedy=did_you_mean(name, target_names()))
    file = _FOLDER / f"{name}.yaml"
    if not file.is_file():  # of another package, whose entry point names the package that holds NAME.yaml
        file = resources.files(registry.outside("targets")[name].module) / f"{name}.yaml"
    try:
        return Target.model_validate({"name": name, **yaml.safe_load(file.read_text(encoding="utf-8"))})
    except (OSError, TypeError, ValueError, yaml.YAMLError) as error:  # of another package
        raise RecipeError(
            "A target of another package is a whole NAME.yaml in it.",
            received=f"{file} ({type(error).__name__})",
            remedy="Report it to the author of the package.",
        ) from error


def _own_names() -> set[str]:
    return {f.name.removesuffix(".yaml") for f in _FOLDER.iterdir() if f.name.endswith(".yaml")}


def is_file(name: object) -> bool:
    """Whether a target is named by the path of a file, not by its name."""
    return isinstance(name, str) and name.endswith((".yaml", ".yml"))


def _own(path: Path) -> Target:
    if not os.path.isfile(path):  # False for names that no system takes
        raise RecipeError(
            "A target is one of EdgeKit's, or a .yaml file.",
            received=repr(str(path)),
            remedy=f"Check the path. {did_you_mean(path.stem, target_names())}",
        )
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise RecipeError(
            "A target is a mapping of keys.",
            received=str(path),
            remedy="It needs description and formats.",
        )
    try:
        return Target.model_validate({"name": path.stem, **values})
    except ValidationError as error:
        finding = RecipeError.from_pydantic(error, where=path.name, model=Target)
        missing = next((e["loc"][0] for e in error.errors() if e["type"] == "missing"), None)
        if missing is not None and "needs the key" in finding.rule:
            finding = RecipeError(f"A target needs the key {missing}.", received=str(path))
        raise finding from None
