"""Convert a foreign Keras file without letting it into this process."""

from __future__ import annotations

from pathlib import Path

from edgekit import sandbox
from edgekit.artifact import write_atomically
from edgekit.data.dataset import Array
from edgekit.models.loading import check_source, size_of
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["convert_file"]


def convert_file(
    source: Path,
    path: Path,
    spec: ConvertSpec,
    *,
    representative: Array | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> None:
    """Write a `.tflite` with batch size 1 and builtin operators only, as `convert_keras` does.

    Args:
        source: A `.h5` or `.keras` file, or a SavedModel folder.
        path: Where to write; nothing is left there on failure.
        spec: Format and dtypes.
        representative: Preprocessed float samples [N, ...] of training data, for int8 and int16x8.
        memory_limit: Bytes of resident memory of the child; default 2 GB and 20 times the file and the samples.
        time_limit: Seconds that reading and converting may take.

    Raises:
        ModelError: The file is damaged, of another kind, holds code or takes more than it may.
        ConversionError: The converter cannot, or its file breaks the contract.
    """
    check_source(source)
    samples = [] if representative is None else [representative]
    size = size_of(source) + sum(array.nbytes for array in samples)
    request = {"path": str(source.resolve()), "name": str(source), "spec": spec.model_dump()}
    reply = sandbox.run(
        "edgekit_converters.tflite.job",
        request,
        samples,
        readable=[source.resolve()],
        limits=sandbox.Limits.for_file(size, memory=memory_limit, seconds=time_limit),
        what=str(source),
    )
    with write_atomically(path) as temporary:
        temporary.write_bytes(reply.arrays[0].tobytes())
