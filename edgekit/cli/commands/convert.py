"""edgekit convert: one Keras model to one .tflite."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output
from edgekit.cli.summary import inspection_table

SUMMARY = "Convert a trained Keras model to a .tflite and check its contract."


@click.command()
@click.argument("model")
@click.option("--format", "kind", default="int8", show_default=True, help="float32, float16, dynamic, int8, int16x8.")
@click.option("--data", metavar="SPEC", help="Calibration data (training samples); needed for int8 and int16x8.")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="Default: MODEL_FORMAT.tflite here.")
@click.option("--input-dtype", help="Of the file: int8, uint8 or float32 for int8.")
@click.option("--output-dtype", help="As --input-dtype.")
@click.option("--calibration", type=click.IntRange(min=1), default=256, show_default=True, help="Calibration samples.")
@options.seed("the choice of calibration samples")
@options.unsafe
@options.overwrite
@options.memory_limit
@options.time_limit
@options.json
@options.debug
def command(
    model: str,
    kind: str,
    data: str | None,
    target: Path | None,
    input_dtype: str | None,
    output_dtype: str | None,
    calibration: int,
    seed: int,
    unsafe: bool,
    overwrite: bool,
    memory_limit: int | None,
    time_limit: float | None,
    as_json: bool,
) -> None:
    """Convert MODEL (.h5, .keras, SavedModel or module:function) with batch 1 and builtin operators only.

    \b
    edgekit convert resnet8.h5 --format int8 --data cifar10.npz -o resnet8.tflite
    edgekit convert model.keras --format float16
    """
    import edgekit
    from edgekit.data import DataSpec

    target = target or Path(f"{Path(model).stem.replace(':', '_')}_{kind}.tflite")
    found = edgekit.convert(
        model,
        target,
        format=kind,
        data=DataSpec(source=data, calibration=calibration) if data else None,
        input_dtype=input_dtype,
        output_dtype=output_dtype,
        seed=seed,
        unsafe=unsafe,
        overwrite=overwrite,
        memory_limit=memory_limit,
        time_limit=time_limit,
        log=output.log,
    )
    if as_json:
        output.print_json({**found.as_dict(), "schema": "edgekit.convert/1"})
    else:
        inspection_table(found)
