"""edgekit export: a .tflite to sources for a build, one command for each exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgekit.cli import options, output
from edgekit.errors import did_you_mean

SUMMARY = "Make sources for a build of a .tflite: firmware, for example."


class _Exporters(click.Group):
    """A command for each exporter, with a flag for each of its options."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from edgekit_converters.exporters import exporter_names

        return exporter_names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _command(name) if name in self.list_commands(ctx) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise click.UsageError(f"No such exporter {args[0]!r}. {did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Exporters)
def command() -> None:
    """Make sources for a build of a .tflite. A file that EdgeKit did not make will do.

    \b
    edgekit export tflm digits.tflite -o firmware/digits --name digits
    edgekit export tflm digits.tflite -o firmware/digits --target cortex-m4 --json
    """


def _command(name: str) -> click.Command:
    from edgekit_converters.exporters import load_exporter

    kind = load_exporter(name)

    @click.command(name, help=f"{kind.summary}\n\n\b\nedgekit export {name} digits.tflite -o {name}/digits")
    @click.argument("model", type=click.Path(path_type=Path))
    @click.option("-o", "--output", "folder", type=click.Path(path_type=Path), required=True, help="For the sources.")
    @click.option("--target", default="generic", show_default=True, help="A device, or a .yaml that describes one.")
    @options.overwrite
    @options.json
    @options.debug
    def run(model: Path, folder: Path, target: str, overwrite: bool, as_json: bool, **told: Any) -> None:
        import edgekit

        own = {key: value for key, value in told.items() if value is not None}
        exported = edgekit.export(model, {name: own}, folder, target=target, overwrite=overwrite)
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
        run.params.append(click.Option([flag, key], help=f"{field.description or ''}{default}"))
    return run
