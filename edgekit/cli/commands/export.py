"""edgekit export: a .tflite to sources for a build, one command for each exporter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click

from edgekit.cli import options, output
from edgekit.errors import RecipeError, did_you_mean

SUMMARY = "Make sources for a build of a .tflite: firmware, for example."


class _Exporters(click.Group):
    """A command for each exporter, with a flag for each of its options."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from edgekit_converters.exporters import exporter_names

        return exporter_names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        from edgekit_converters.exporters import has_exporter

        return _command(name) if has_exporter(name) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(f"No such exporter {args[0]!r}. {did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Exporters)
def command() -> None:
    """Make sources for a build of a .tflite, which need not be one that EdgeKit made.

    \b
    edgekit export tflm digits.tflite -o firmware/digits --name digits
    edgekit export tflm digits.tflite -o firmware/digits --target cortex-m4 --json
    """


def _command(name: str) -> click.Command:
    from edgekit_converters.exporters import load_exporter, parse_exporter

    kind = load_exporter(name)

    @click.command(name, help=f"{kind.summary}\n\n\b\nedgekit export {name} digits.tflite -o {name}/digits")
    @click.argument("model", type=click.Path(path_type=Path))
    @click.option(
        "-o", "--output", "folder", type=click.Path(path_type=Path), required=True, help="Folder for the sources."
    )
    @click.option("--target", default="generic", show_default=True, help="A device, or a .yaml that describes one.")
    @options.overwrite
    @options.json
    @options.debug
    def run(model: Path, folder: Path, target: str, overwrite: bool, as_json: bool, **told: Any) -> None:
        import edgekit

        own = {key: value for key, value in told.items() if value is not None}
        try:
            exporter = parse_exporter({name: own})
        except RecipeError as error:  # which speaks to who wrote a recipe
            raise _of_flags(error, name) from None
        exported = edgekit.export(model, exporter, folder, target=target, overwrite=overwrite)
        if as_json:
            output.print_json(exported.as_dict())
        else:
            output.table(exported.title(), ["", ""], exported.rows(), figures=False)

    for key, field in kind.model_fields.items():
        flag = f"--{key.replace('_', '-')}"
        if field.annotation is bool:
            run.params.append(click.Option([flag, key], is_flag=True, default=None, help=field.description))
            continue
        default = "" if field.default is None else f"  [default: {field.default}]"
        choices = _choices(field.annotation)
        form = click.Choice(choices) if choices else None
        run.params.append(click.Option([flag, key], type=form, help=f"{field.description or ''}{default}"))
    return run


def _choices(annotation: object) -> tuple[str, ...]:
    """The values of a Literal, also of one that may be left out; empty for all other types."""
    for kind in (annotation, *get_args(annotation)):
        if get_origin(kind) is Literal:
            return get_args(kind)
    return ()


def _of_flags(error: RecipeError, exporter: str) -> RecipeError:
    """The same of flags: "The recipe key export.tflm.arena_margin must fit" becomes "--arena-margin must fit"."""

    def flag(key: re.Match[str]) -> str:
        return f"--{key[1].replace('_', '-')}"

    rule = re.sub(rf"The recipe key export\.{re.escape(exporter)}\.(\w+)", flag, error.rule)
    return RecipeError(rule, received=error.received, remedy=error.remedy)
