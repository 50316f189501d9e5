"""Writes docs/reference/ from the code: `make docs`. A test holds the pages to what this gives."""

from __future__ import annotations

import ast
import inspect
import re
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

import edgekit
from edgekit import errors, figures, passes, registry, testing
from edgekit.api.android import Locked
from edgekit.cli import cli
from edgekit.data import DataSpec, preprocessing
from edgekit.keras import network_names, network_options
from edgekit.keras.kinds import KINDS, LayerKind
from edgekit.measure.evaluation import Evaluation
from edgekit.measure.latency import BenchmarkReport
from edgekit.passes import load_pass
from edgekit.pipeline import Exported, Manifest
from edgekit.recipe import Recipe
from edgekit.runtimes import load_runtime, runtime_names
from edgekit.target import Budget, load_target, target_names
from edgekit.tflite import Inspection
from edgekit.training import Distillation, Finetune, Objective, Train
from edgekit.training.augment import Augment
from edgekit_converters.android.verify import Verification
from edgekit_converters.c.oracles import ORACLES
from edgekit_converters.exporters import exporter_names, load_exporter
from edgekit_converters.tflite import Conversion, ConvertSpec

__all__ = ["PAGES", "main", "text_of"]

FOLDER = Path(__file__).parent / "reference"
HEADING = "<!-- Made by `make docs` from the code: change it there. -->\n"
VARIABLES = {
    "ANDROID_ADB_SERVER_PORT": "Where the adb server listens; device tests start one of their own.",
    "ANDROID_HOME": "Where the Android SDK lies, for adb.",
    "ANDROID_SDK_ROOT": "As ANDROID_HOME, of older installations.",
    "ANDROID_SERIAL": "The phone that `adb` uses, where EDGEKIT_ADB_SERIAL says nothing.",
    "EDGEKIT_ADB_SERIAL": "The phone that the runtime `adb` uses.",
    "EDGEKIT_BENCHMARK_MODEL": "TFLite's `benchmark_model` for phones, for the runtime `adb`; EdgeKit brings none.",
    "EDGEKIT_CACHE": "Where lies what `edgekit doctor --install` brings; default `~/.cache/edgekit`.",
    "EDGEKIT_DATA": "Folder of real models and data sets, for slow tests and benchmarks.",
    "EDGEKIT_RECORD_BASELINE": "For device tests: record their figures as the new baseline.",
    "EDGEKIT_SCREENSHOT": "`write` lets the device test of the Android example renew the picture in its README.",
    "EDGEKIT_TFLM": "A tree of TensorFlow Lite Micro's sources with its downloads: device tests run exports in it, and "
    "benchmarks/mcu.py measures it.",
    "KERAS_BACKEND": "Of Keras 3; any is taken. Where it is unset and EdgeKit loads Keras first, `tensorflow`.",
    "TF_NUM_INTRAOP_THREADS": "Threads of one TensorFlow operation; default 2: the same recipe gives the same file.",
    "TF_USE_LEGACY_KERAS": "Whichever Keras `tf.keras` is, EdgeKit works.",
}


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(_cell(part) for part in line)} |" for line in lines) + "\n"


def keys(kind: type[BaseModel], title: str, about: str = "") -> str:
    """The keys of a part of a recipe."""
    rows = [
        (f"`{name}`", _type(field.annotation), _default(field), field.description or "")
        for name, field in kind.model_fields.items()
    ]
    return f"## {title}\n\n{about}{table(['key', 'type', 'default', 'what it says'], rows)}"


def recipes() -> str:
    """Every key of a recipe."""
    parts = [
        "# Recipes\n\n`edgekit schema` prints the same as a JSON schema, for editors.\n",
        keys(Recipe, "A recipe"),
        keys(DataSpec, "`data`", "A text is short for `source`; [data.md](../data.md) describes the sources.\n\n"),
        keys(Train, "`train`"),
        keys(Augment, "`train.augment`"),
        keys(Finetune, "`finetune` of a pass", "Or `auto`, or `none`.\n\n"),
        keys(Objective, "`objective`"),
        keys(Distillation, "`objective.distill`"),
        keys(ConvertSpec, "A format under `convert`", "`int8` is short for `{int8: {}}`.\n\n"),
        keys(Budget, "`budget`"),
    ]
    parts += [keys(kind, f"The operation `{kind.__name__.lower()}` of `preprocessing`") for kind in operations()]
    for name in registry.names(passes):
        kind = load_pass(name)
        parts.append(keys(kind, f"The pass `{name}`", f"{kind.summary}\n\n"))
    for name in exporter_names():
        parts.append(keys(load_exporter(name), f"The exporter `{name}`", f"{load_exporter(name).summary}\n\n"))
    rows = [
        (f"`{name}`", ", ".join(f"`{n}` ({_default(f)})" for n, f in network_options(name).model_fields.items()))
        for name in network_names()
    ]
    parts.append(f"## Networks under `model`\n\n{table(['network', 'parameters (default)'], rows)}")
    return "\n".join(parts)


def operations() -> list[type[BaseModel]]:
    """What `preprocessing` may name."""
    found = (kind for name, kind in vars(preprocessing).items() if not name.startswith("_"))
    own = [kind for kind in found if isinstance(kind, type) and kind.__module__ == preprocessing.__name__]
    return [kind for kind in own if issubclass(kind, BaseModel)]


def command_line() -> str:
    """Every command with its help."""
    parts = ["# Command line\n"]
    for path, command in _commands(cli, ("edgekit",)):
        context = click.Context(
            command, info_name=" ".join(path), max_content_width=100, terminal_width=100, **cli.context_settings
        )
        parts.append(f"## {' '.join(path)}\n\n```text\n{_clean(command.get_help(context))}\n```\n")
    rows = [(kind.exit_code, kind.__name__, _first(kind)) for kind in _errors()]
    told = table(["code", "error", "when"], rows)
    parts.append(f"## Exit codes\n\n0 done; 3 done, but the budget is missed.\n\n{told}")
    return "\n".join(parts)


def python() -> str:
    """What `import edgekit` offers."""
    parts = ["# Python\n"]
    for name in edgekit.__all__:
        function = getattr(edgekit, name)
        signature = re.sub(r"<function <lambda> at 0x\w+>|<lambda>", "...", str(inspect.signature(function)))
        signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)  # annotations are kept as texts
        parts.append(f"## edgekit.{name}\n\n```python\n{name}{_wrapped(signature)}\n```\n\n{_block(function)}")
    for kind in (Conversion, Manifest, Evaluation, BenchmarkReport, Inspection, Exported, Locked, Verification):
        parts.append(f"## {kind.__name__}\n\n{_block(kind)}")
        for name, member in sorted(vars(kind).items()):
            if not name.startswith("_") and (isinstance(member, property) or inspect.isfunction(member)):
                parts.append(f"### {kind.__name__}.{name}\n\n{_block(member)}")
    return "\n".join(parts)


def testing_page() -> str:
    """The conformance suites."""
    parts = [f"# Testing plug-ins\n\n{_block(testing)}"]
    for name in testing.__all__:
        signature = _wrapped(re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(getattr(testing, name)))))
        parts.append(f"## {name}\n\n```python\n{name}{signature}\n```\n\n{_block(getattr(testing, name))}")
    return "\n".join(parts)


def devices() -> str:
    """Targets, runtimes and figures."""
    found = [load_target(name) for name in target_names()]
    targets = [
        (f"`{t.name}`", t.description, ", ".join(t.formats), t.channel_multiple, t.flash_bytes or "", t.ram_bytes or "")
        for t in found
    ]
    columns = ["target", "what it is", "formats", "channels in multiples of", "flash bytes", "RAM bytes"]
    runtimes = [
        (f"`{name}`", _variants(name), ", ".join(f"`{f.name}`" for f in load_runtime(name).figures))
        for name in runtime_names()
    ]
    told = [
        (f"`{f.name}`", f.title, f.runtime, f.limit, f.caveat) for name in figures.FIGURES for f in figures.givers(name)
    ]
    return "\n".join(
        [
            f"# Targets, runtimes, figures\n\n## Targets\n\n{table(columns, targets)}",
            f"## Runtimes\n\n{table(['runtime', 'variants', 'figures of its own'], runtimes)}",
            f"## Figures\n\n{table(['figure', 'title', 'runtime', 'as a budget', 'what it does not say'], told)}",
        ]
    )


def layers() -> str:
    """What is known of each kind of Keras layer."""
    rows = [
        (
            f"`{name}`",
            _mark(kind.macs is not None),
            {"default": "yes", "on_request": "where named", "never": ""}[kind.pruning] if kind.pruned_kernels else "",
            kind.channels or "",
            _mark(kind.low_rank),
            _rounding(kind),
        )
        for name, kind in sorted(KINDS.items())
    ]
    columns = ["layer", "MACs counted", "sparsify", "channel_prune follows it as", "low_rank", "rounded in qat"]
    about = (
        "Of the layers that EdgeKit knows by name: what is counted and what each pass can do with it. Custom layers "
        "and subclassed models of Keras 3 in memory are opened up into these.\n\n"
    )
    return f"# Layers\n\n{about}{table(columns, rows)}"


def c_operators() -> str:
    """Operators that `export c` has code for."""
    rows = [
        (
            f"`{row.operator}`",
            ", ".join(row.dtypes),
            {"tflm": "TFLite Micro", "tflite_runtime": "tflite-runtime", "litert": "LiteRT"}[row.oracle],
            row.note,
        )
        for row in ORACLES
    ]
    about = (
        "What `edgekit export c` has code for, and the interpreter that the code of each is held to, value by value: "
        "TFLite Micro's wheel, and where that has no kernel for the dtype, tflite-runtime or LiteRT with reference "
        "kernels. "
        "A model with anything else is refused, with the operator's name and its place.\n\n"
    )
    return f"# Operators in C\n\n{about}{table(['operator', 'dtypes', 'oracle', 'what is special'], rows)}"


def environment() -> str:
    """Environment variables."""
    rows = [(f"`{name}`", about) for name, about in VARIABLES.items()]
    return f"# Environment variables\n\n{table(['variable', 'what it does'], rows)}"


def schemas() -> str:
    """The names that JSON goes by."""
    about = "The key `schema` of what `--json` prints, and of the records in a run's folder.\n\n"
    return f"# JSON schemas\n\n{about}{table(['schema'], [(f'`{name}`',) for name in sorted(set(_schema_names()))])}"


PAGES = {
    "recipes.md": recipes,
    "command-line.md": command_line,
    "python.md": python,
    "testing.md": testing_page,
    "devices.md": devices,
    "layers.md": layers,
    "c-operators.md": c_operators,
    "environment.md": environment,
    "json.md": schemas,
}


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        (FOLDER / name).write_text(text_of(name), encoding="utf-8")


def text_of(name: str) -> str:
    """What a page must hold."""
    return f"{HEADING}\n{PAGES[name]().rstrip()}\n"


def _commands(group: click.Group, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    found: list[tuple[tuple[str, ...], click.Command]] = [(path, group)]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = (*path, name)
        found += _commands(command, inner) if isinstance(command, click.Group) else [(inner, command)]
    return found


def _errors() -> list[type[errors.EdgekitError]]:
    kinds = (getattr(errors, name) for name in errors.__all__)
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, errors.EdgekitError)]


def _schema_names() -> Iterator[str]:
    for path in Path(edgekit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.fullmatch(r"edgekit\.[a-z_-]+/\d+", text):
                yield text


def _variants(name: str) -> str:
    variants = load_runtime(name).variants
    return ", ".join(f"`{name}:{v}`" for v in variants.names or (variants.option.upper(),)) if variants else ""


def _rounding(kind: LayerKind) -> str:
    return {"tensor": "per tensor"}.get(kind.scales, f"per channel ({kind.scales})") if kind.rounded else ""


def _mark(value: bool) -> str:
    return "yes" if value else ""


def _cell(part: object) -> str:
    return str(part).replace("|", "\\|").replace("\n", " ")


def _type(annotation: Any) -> str:
    """A type as people say it."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(args[0])
    if origin is typing.Literal:
        return ", ".join(f"`{a}`" for a in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(a) for a in args if a is not types.NoneType))
    if origin in (tuple, list):
        return f"list of {_type(args[0])}" if args else "list"
    if origin is dict or (isinstance(origin, type) and issubclass(origin, typing.Mapping)):  # type: ignore[arg-type]
        return "mapping"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}.get(
        annotation, getattr(annotation, "__name__", str(annotation))
    )


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{v.format if isinstance(v, ConvertSpec) else v}`" for v in value)
    return "" if value is None else f"`{value}`"


def _first(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


def _block(documented: Any) -> str:
    return f"```text\n{_clean(inspect.getdoc(documented) or '')}\n```\n"


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\b\n", "").splitlines())


def _wrapped(signature: str) -> str:
    """One parameter a line."""
    inside, _, after = signature[1:].rpartition(")")
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(inside):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and not depth:
            parts.append(inside[start:place].strip())
            start = place + 1
    parts.append(inside[start:].strip())
    return "(\n" + "".join(f"    {part},\n" for part in parts if part) + f"){after}"


if __name__ == "__main__":
    main()
