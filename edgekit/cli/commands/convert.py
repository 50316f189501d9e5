"""edgekit convert: one Keras model to one .tflite."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output
from edgekit.cli.summary import inspection_table

SUMMARY = "Convert a trained Keras model to a .tflite and check its contract."


@click.command()
@click.argument("model")
@click.option("--format", "kind", default="int8", show_default=True, help="float32, float16, dynamic, int8 or int16x8.")
@click.option("--data", metavar="SPEC", help="Calibration data (training samples); needed for int8 and int16x8.")
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path), help="File to write; by default MODEL_FORMAT.tflite."
)
@click.option("--input-dtype", help="Dtype of the file's input: int8, uint8 or float32 for the format int8.")
@click.option("--output-dtype", help="Dtype of the file's output, as for --input-dtype.")
@click.option(
    "--calibration", type=click.IntRange(min=1), default=256, show_default=True, help="Number of calibration samples."
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression", "reconstruction"]),
    help="What the model answers, for the file's sidecar; by default what the model's own sidecar or the data say.",
)
@click.option(
    "--accept-parity",
    metavar="DB",
    type=float,
    help="SQNR in dB that the file must reach against its Keras model, instead of 60 (float32), 30 (float16), "
    "20 (int16x8), 15 (dynamic) or 6 (int8); the sidecar records it.",
)
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
    task: str | None,
    accept_parity: float | None,
    seed: int,
    unsafe: bool,
    overwrite: bool,
    memory_limit: int | None,
    time_limit: float | None,
    as_json: bool,
) -> None:
    """Convert MODEL (.h5, .keras, SavedModel or module:function) with batch 1 and builtin operators only.

    The file is compared with the Keras model on 64 samples (of the validation data, else of the calibration data, else
    random ones). A file that answers differently is not written.

    Calibration needs no labels. A model with several inputs takes an .npz with an array for each, named x_train/NAME or
    just NAME, or a module:function that returns {"x_train": {"NAME": array, ...}}.

    \b
    edgekit convert resnet8.h5 --format int8 --data cifar10.npz -o resnet8.tflite
    edgekit convert model.keras --format float16
    edgekit convert houses.keras --data houses.csv --task regression
    edgekit convert two_inputs.keras --data left_and_right.npz
    """
    import edgekit
    from edgekit.data import DataSpec

    target = target or Path(f"{Path(model).stem.replace(':', '_')}_{kind}.tflite")
    found = edgekit.convert(
        model,
        target,
        format=kind,
        data=DataSpec(source=data, calibration=calibration) if data else None,
        task=task,  # type: ignore[arg-type]
        input_dtype=input_dtype,
        output_dtype=output_dtype,
        accept_parity=accept_parity,
        seed=seed,
        unsafe=unsafe,
        overwrite=overwrite,
        memory_limit=memory_limit,
        time_limit=time_limit,
    )
    if as_json:
        output.print_json(found.as_dict())
    else:
        inspection_table(found.file, found.rows(), found.warnings)
