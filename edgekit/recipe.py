"""Recipe: what to do with a model, as YAML in and out. Always concrete; unknown keys are errors."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from edgekit import passes, registry
from edgekit.data import KNOWN_SOURCES, DataSpec
from edgekit.errors import EdgekitError, RecipeError, UsageError, did_you_mean
from edgekit.figures import FIGURES, givers, limited
from edgekit.keras import Network, is_network, network_names, network_options, parse_model
from edgekit.overrides import override
from edgekit.passes import Pass, Stage, load_pass, parse_pass
from edgekit.recipe_text import check_values, read_yaml
from edgekit.runtimes import load_runtime, runtime_names
from edgekit.target import Budget, is_file, load_target, target_names
from edgekit.training import Objective, Train
from edgekit_converters.exporters import Exporter, exporter_names, load_exporter, parse_exporter
from edgekit_converters.tflite import ConvertSpec, format_names

__all__ = [
    "HELD",
    "Recipe",
    "checked_recipe",
    "load_recipe",
    "parse_convert",
    "parse_recipe",
    "recipe_schema",
    "starter_recipe",
]

HELD = " (in memory)"
"""What follows the name of a model that no file holds."""

NAMES_FILES = ("source", "test_source", "teacher", "student")
"""Keys of a recipe's parts that may be paths, relative to the recipe."""


def parse_convert(item: object) -> ConvertSpec:
    """From recipe form: `int8` or `{int8: {input_dtype: uint8}}`.

    Raises:
        RecipeError: An unknown format or key.
        ConversionError: A dtype that the format does not have.
    """
    if isinstance(item, ConvertSpec):
        return item
    name, options = registry.entry(item, example="- int8: {input_dtype: uint8}")
    if name not in format_names():
        raise RecipeError("Unknown format.", received=repr(name), remedy=did_you_mean(name, format_names()))
    try:
        return ConvertSpec.model_validate({"format": name, **options}).resolved()
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where=f"convert.{name}", model=ConvertSpec) from None


def _named_schema(kinds: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """JSON schema of a list entry: a name, or one name with its options."""
    forms = [
        {"type": "object", "properties": {n: s}, "required": [n], "additionalProperties": False}
        for n, s in kinds.items()
    ]
    return {"anyOf": [{"enum": sorted(kinds)}, *forms]}


def _inlined(kind: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON schema without references, so that it can stand inside another."""
    schema = kind.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(definitions[node["$ref"].rpartition("/")[2]])
            return {k: resolve(v) for k, v in node.items()}
        return [resolve(v) for v in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved


AnyPass = Annotated[
    Pass,
    PlainValidator(lambda item: item if isinstance(item, Pass) else parse_pass(item)),
    PlainSerializer(lambda p: {p.reference: p.model_dump(mode="json")}),
    WithJsonSchema(_named_schema({})),
]
AnyFormat = Annotated[
    ConvertSpec,
    PlainValidator(parse_convert),
    PlainSerializer(lambda s: {s.format: s.model_dump(mode="json", exclude={"format"})}),
    WithJsonSchema(
        _named_schema(
            {
                n: {
                    "type": "object",
                    "properties": {k: {"type": "string"} for k in ("input_dtype", "output_dtype")},
                    "additionalProperties": False,
                }
                for n in format_names()
            }
        )
    ),
]


AnyModel = Annotated[
    str | Network,
    PlainValidator(parse_model),
    PlainSerializer(lambda m: m if isinstance(m, str) else {m.name: m.parameters}),
    WithJsonSchema({"type": "string"}),
]
AnyExporter = Annotated[
    Exporter,
    PlainValidator(parse_exporter),
    PlainSerializer(lambda e: {e.kind: e.model_dump(mode="json")}),
    WithJsonSchema(_named_schema({})),
]


FORM = 1
"""Version of the form that recipes have."""


class Recipe(BaseModel):
    """What to do: model, data, passes, formats, budget and seed. It holds its rules however it is built."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="EdgeKit recipe")

    edgekit: Annotated[int, Field(ge=1, le=1000)] = Field(default=FORM, description="version of the recipe's form")
    model: AnyModel = Field(
        description="a reference network or module:function, also with parameters ({resnet8: {width: 0.5}}), a .keras "
        "or .h5 file, or a SavedModel"
    )
    data: DataSpec = Field(description="where samples come from and how they are split")
    target: str = Field(
        default="generic", description="the device that the result is for, or a .yaml that describes one"
    )
    train: Train | None = Field(default=None, description="how to train; left out where the model comes trained")
    objective: Objective = Field(default=Objective(), description="the task, and whom fine-tuning learns from")
    passes: tuple[AnyPass, ...] = Field(default=(), description="Keras -> Keras steps, in order")
    convert: tuple[AnyFormat, ...] = Field(
        default=(ConvertSpec(format="int8").resolved(),), description="files to make"
    )
    measure: tuple[str, ...] = Field(default=("litert",), description="runtimes; the first one gives the accuracy")
    accept_parity: Annotated[float, Field(ge=-200, le=200)] | None = Field(
        default=None,
        description="SQNR in dB that files must reach against their Keras model, instead of each format's own bound",
    )
    export: tuple[AnyExporter, ...] = Field(default=(), description="exporters of the chosen file, such as tflm")
    budget: Budget = Field(default=Budget.model_validate({}), description="what the chosen file may cost")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        default=0, description="seed of the split, the weights and the training"
    )

    @model_validator(mode="after")
    def _holds(self) -> Recipe:
        """What must hold between its parts, however it is built.

        Raises:
            RecipeError: It does not.
        """
        _check_form(self)
        _check_passes(self)
        _check_measure(self)
        _check_formats(self)
        _check_exports(self)
        return self

    @property
    def stem(self) -> str:
        """What files are called that are made of its model."""
        return Path(self.source.removesuffix(HELD)).stem.replace(":", "_")

    @property
    def source(self) -> str:
        """Its model without parameters: a name, a path or a reference."""
        return self.model if isinstance(self.model, str) else self.model.name

    def dump(self) -> dict[str, Any]:
        """JSON-ready; `parse_recipe` reads it back."""
        return self.model_dump(mode="json")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from YAML; relative paths in it are taken from its folder.

    Args:
        path: The file.
        overrides: `KEY.PATH=VALUE` settings, such as `passes.0.sparsity=0.8`; values are YAML.

    Raises:
        RecipeError: The file is missing, is no YAML mapping or breaks a rule.
    """
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise RecipeError(
            "A recipe is a mapping of keys.",
            received=f"{path}, {'an empty file' if values is None else type(values).__name__}",
            remedy="Write a starter recipe with: edgekit init",
        )
    return parse_recipe(values, folder=path.parent, overrides=overrides)


def parse_recipe(values: Mapping[str, Any], *, folder: Path = Path(), overrides: Sequence[str] = ()) -> Recipe:
    """Check a recipe.

    Args:
        values: Its keys.
        folder: Folder from which relative paths of model and data are taken.
        overrides: As for `load_recipe`.

    Raises:
        RecipeError: An unknown key, pass, format, runtime or target, or a value that breaks a rule.
    """
    check_values(values)
    changed = copy.deepcopy(dict(values))
    for text in overrides:
        override(changed, text)
    check_values(changed)
    if is_file(changed.get("target")):  # which is read when the recipe is checked
        changed["target"] = _beside(str(changed["target"]), folder)
    recipe = checked_recipe(changed)
    return recipe.model_copy(
        update={
            "model": _beside(recipe.model, folder) if isinstance(recipe.model, str) else recipe.model,
            "data": _with_paths(recipe.data, folder),
            "objective": recipe.objective.model_copy(update={"distill": _with_paths(recipe.objective.distill, folder)}),
            "passes": tuple(_with_paths(p, folder) for p in recipe.passes),
        }
    )


def checked_recipe(values: Mapping[str, Any]) -> Recipe:
    """A recipe of keys whose values are plain, or are the parts themselves, such as passes.

    Raises:
        RecipeError: An unknown key, pass, format, runtime or target, or a value that breaks a rule.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RecipeError.from_pydantic(error, where="", model=Recipe) from None
    except RecipeError:
        raise
    except EdgekitError as error:
        raise RecipeError(error.rule, received=error.received, remedy=error.remedy) from None


def recipe_schema() -> dict[str, Any]:
    """JSON schema of recipes, so that editors complete them."""
    schema = Recipe.model_json_schema()
    kinds = {name: _inlined(load_pass(name)) for name in registry.names(passes)}
    schema["properties"]["passes"]["items"] = _named_schema(kinds)
    exporters = {name: _inlined(load_exporter(name)) for name in exporter_names()}
    schema["properties"]["export"]["items"] = _named_schema(exporters)
    families = {name: _inlined(network_options(name)) for name in network_names()}
    del schema["properties"]["model"]["type"]
    schema["properties"]["model"] |= {"anyOf": [{"type": "string"}, *_named_schema(families)["anyOf"][1:]]}
    schema["properties"]["data"] = {"anyOf": [{"type": "string"}, schema["properties"]["data"]]}
    schema["properties"]["target"] |= {"anyOf": [{"enum": target_names()}, {"pattern": r"\.ya?ml$"}]}
    schema["properties"]["measure"]["items"] = {"type": "string", "examples": runtime_names()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@contextmanager
def starter_recipe() -> Iterator[Path]:
    """The recipe that `edgekit init` writes and `edgekit demo` runs, as a file."""
    with resources.as_file(resources.files("edgekit") / "recipes" / "starter.yaml") as path:
        yield path


def _check_form(recipe: Recipe) -> None:
    if recipe.edgekit != FORM:
        raise RecipeError(
            f"This EdgeKit reads recipes of the form {FORM}.",
            received=f"edgekit: {recipe.edgekit}",
            remedy="Update EdgeKit, or leave the key out.",
        )


def _check_formats(recipe: Recipe) -> None:
    """The target runs every format, and there is something to convert to and to measure on."""
    target = load_target(recipe.target)
    for what, chosen, default in (("format", recipe.convert, "int8"), ("runtime", recipe.measure, "litert")):
        if not chosen:
            raise RecipeError(
                f"A recipe names at least one {what}.", received="an empty list", remedy=f"Leave it out for {default}."
            )
    refused = [c.format for c in recipe.convert if c.format not in target.formats]
    if refused:
        raise RecipeError(
            f"Files are made in formats that the target {target.name} runs ({', '.join(target.formats)}).",
            received=", ".join(refused),
            remedy="Leave these formats out, or name another target.",
        )


def _check_exports(recipe: Recipe) -> None:
    """Two exports of one kind have names of their own, or one would take the other's place."""
    names = [f"{exporter.kind} {exporter.name}" for exporter in recipe.export]
    if len(set(names)) < len(names):
        raise RecipeError(
            "Exports of one kind have different names.", received=", ".join(names), remedy="Name each differently."
        )


def _check_passes(recipe: Recipe) -> None:
    """An id names one pass. Each pass's `stage` says what it changes: a pass must not undo an earlier one."""
    ids = [item.id for item in recipe.passes if item.id]
    if len(set(ids)) < len(ids):
        raise RecipeError("An id names one pass.", received=", ".join(ids), remedy="Give each pass an id of its own.")
    received = f"passes: {', '.join(p.name for p in recipe.passes)}"
    for earlier, later in pairwise(recipe.passes):
        if earlier.stage == later.stage == Stage.QUANTIZATION:
            raise RecipeError("qat comes once, and last.", received=received, remedy="Leave out the first.")
        if later.stage < earlier.stage:
            raise RecipeError(
                f"{later.name} comes before {earlier.name}, which it would undo.",
                received=received,
                remedy=f"The order is: {', '.join(s.name.lower() for s in Stage)}.",
            )


def _check_measure(recipe: Recipe) -> None:
    """Runtimes exist, the first one can run models for accuracy, and every budget has the runtime that measures it."""
    for number, name in enumerate(recipe.measure):
        try:
            runtime = load_runtime(name)
        except UsageError as error:
            raise RecipeError("Unknown runtime in measure.", received=repr(name), remedy=error.remedy) from None
        clocked = runtime.timer is not None or (runtime.executor is not None and runtime.executor.clocked)
        if number == 0 and recipe.budget.latency_ms is not None and not clocked:
            raise RecipeError(
                "budget.latency_ms needs a first runtime with a clock.", received=name, remedy="Measure litert first."
            )
        if number == 0 and runtime.executor is None:
            raise RecipeError(
                "The first runtime in measure gives the accuracy, so it must run models.",
                received=name,
                remedy=f"Write: measure: [litert, {name}]",
            )
    for name in FIGURES:
        _check_figure(recipe, name)


def _check_figure(recipe: Recipe, name: str) -> None:
    """One runtime of `measure` at most gives a figure, and one does where the budget limits it."""
    needed = [figure.runtime for figure in givers(name)]
    measured = [runtime for runtime in recipe.measure if runtime.partition(":")[0] in needed]
    if len(measured) > 1:
        bases = dict.fromkeys(runtime.partition(":")[0] for runtime in measured)
        one = f"one variant of {measured[0].partition(':')[0]}" if len(bases) == 1 else f"one runtime that gives {name}"
        raise RecipeError(
            f"measure names {one}.",
            received=", ".join(measured),
            remedy="Compare them with: edgekit benchmark MODEL --runtime A --runtime B",
        )
    limits = {figure.name for figure in limited()}
    if name in limits and recipe.budget.limit(name) is not None and not measured:
        raise RecipeError(
            f"budget.{name} needs the runtime that measures it.",
            received=f"measure: [{', '.join(recipe.measure)}]",
            remedy=f"Add {' or '.join(needed)} to measure.",
        )


def _with_paths(part: Any, folder: Path) -> Any:
    """A part of a recipe with the files that it names made whole."""
    if part is None:
        return None
    found = {key: _beside(path, folder) for key in NAMES_FILES if (path := getattr(part, key, None))}
    return part.model_copy(update=found) if found else part


def _beside(source: str, folder: Path) -> str:
    """A path that exists beside the recipe, made whole; names, references and absolute paths as they are."""
    known = is_network(source) or source in KNOWN_SOURCES or registry.is_reference(source)
    if known or not os.path.exists(folder / source):  # False for names that no system takes
        return source
    return str(folder / source)
