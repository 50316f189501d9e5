"""edgekit sensitivity: how much each layer of a Keras model tolerates."""

from __future__ import annotations

from pathlib import Path

import click

from edgekit.cli import options, output

SUMMARY = "How much each layer tolerates: pruning, ranks and 8 bits, one layer at a time."


@click.command()
@click.argument("model")
@options.data
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    help="Change to try: sparsity, channels, rank, int8_weights or int8_activations; repeat for several; default all.",
)
@click.option(
    "--ratio",
    "ratios",
    type=float,
    multiple=True,
    help="Fraction to give up; repeat for several; by default 0.25, 0.5, 0.75 and 0.9.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Largest number of calibration samples.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the figures to a .html or .png file.")
@options.task
@options.seed("the choice of samples")
@options.unsafe
@options.overwrite
@options.memory_limit
@options.time_limit
@options.json
@options.debug
def command(
    model: str,
    data: str,
    kinds: tuple[str, ...],
    ratios: tuple[float, ...],
    samples: int,
    plot: Path | None,
    task: str | None,
    seed: int,
    unsafe: bool,
    overwrite: bool,
    memory_limit: int | None,
    time_limit: float | None,
    as_json: bool,
) -> None:
    """Change one layer of MODEL at a time and compare its output on calibration data. Nothing is trained.

    The figures are the signal-to-noise ratio of the output (of logits, after a softmax) in dB and, in brackets, the
    points of top-1 that the change costs, where the labels are classes. Leave layers with a low ratio alone.

    \b
    edgekit sensitivity resnet8.h5 --data cifar10.npz
    edgekit sensitivity resnet8.h5 --data cifar10.npz --kind channels --ratio 0.5 --plot channels.html --json
    """
    import edgekit
    from edgekit.report import sensitivity as report
    from edgekit.report.plots import panel_plotter

    draw = panel_plotter(plot, overwrite=overwrite) if plot else None
    with output.progress("changes", quiet=as_json) as progress:
        effects = edgekit.sensitivity(
            model,
            data,
            kinds=kinds or None,  # type: ignore[arg-type]
            ratios=ratios or None,
            samples=samples,
            task=task,  # type: ignore[arg-type]
            seed=seed,
            unsafe=unsafe,
            memory_limit=memory_limit,
            time_limit=time_limit,
            progress=progress,
        )
    if draw:
        draw(report.panels(effects), f"{model}: one layer changed at a time; a short bar is a sensitive layer")
        output.log(f"Plot: {plot}")
    if as_json:
        output.print_json(report.as_dict(model, effects))
        return
    for title, columns, rows in report.tables(effects):
        output.table(title, columns, rows)
