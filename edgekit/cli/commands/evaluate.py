"""edgekit evaluate: accuracy of the file that ships."""

from __future__ import annotations

import click

from edgekit.cli import options, output

SUMMARY = "Accuracy of a .tflite or Keras model on a test split, with its interval."


@click.command()
@click.argument("model")
@options.data
@click.option("--runtime", help="Runtime for a .tflite, by default litert; edgekit runtimes lists them.")
@options.task
@click.option("--workers", type=click.IntRange(min=1), help="Number of processes; by default one per core.")
@options.seed("the split, where the data have no test split of their own")
@options.unsafe
@options.memory_limit
@options.time_limit
@options.json
@options.debug
def command(
    model: str,
    data: str,
    runtime: str | None,
    task: str | None,
    workers: int | None,
    seed: int,
    unsafe: bool,
    memory_limit: int | None,
    time_limit: float | None,
    as_json: bool,
) -> None:
    """Run MODEL on the whole test split and give its accuracy with a 95 % interval.

    \b
    edgekit evaluate resnet8.tflite --data cifar10.npz
    edgekit evaluate resnet8.h5 --data cifar10.npz --json
    edgekit evaluate houses.tflite --data houses.csv --task regression
    """
    import edgekit

    with output.progress("samples", quiet=as_json) as progress:
        found = edgekit.evaluate(
            model,
            data,
            runtime=runtime,
            task=task,  # type: ignore[arg-type]
            workers=workers,
            seed=seed,
            unsafe=unsafe,
            memory_limit=memory_limit,
            time_limit=time_limit,
            progress=progress,
        )
    if as_json:
        output.print_json(found.as_dict())
        return
    score = found.score
    shown = f"{score.value:.2%} [{score.low:.2%}, {score.high:.2%}]" if score.metric == "top1" else f"{score.value:.6g}"
    click.echo(
        f"{score.metric} {shown} on {score.samples:,} samples under {found.runtime}, {found.seconds:.1f} s "
        f"({score.samples / found.seconds:,.0f} samples/s)"
    )
