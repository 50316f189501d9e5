"""Convert a foreign Keras file without letting it into this process."""

from __future__ import annotations

from pathlib import Path

from edgekit import sandbox
from edgekit.artifact import write_atomically
from edgekit.data.dataset import Array
from edgekit.errors import clean
from edgekit.models.loading import FOREIGN, Loading, check_source, size_of
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["convert_file"]

MOST_NOTES, LONGEST_NOTE = 8, 1000


def convert_file(
    source: Path,
    path: Path,
    spec: ConvertSpec,
    *,
    representative: Array | None = None,
    loading: Loading = FOREIGN,
) -> None:
    """Write a `.tflite` with batch size 1 and builtin operators only, as `convert_keras` does.

    Args:
        source: A `.h5` or `.keras` file, or a SavedModel folder.
        path: Where to write; nothing is left there on failure.
        spec: Format and dtypes.
        representative: Preprocessed float samples [N, ...] of training data, for int8 and int16x8.
        loading: Limits of the child, for its whole work, by default growing with the file and the samples; and who
            takes notes for the user.

    Raises:
        ModelError: The file is damaged, of another kind, holds code or takes more than it may.
        ConversionError: The converter cannot, or its file breaks the contract.
    """
    check_source(source)
    samples = [] if representative is None else [representative]
    size = size_of(source) + sum(array.nbytes for array in samples)
    limits = loading.limits(size)
    request = {
        "path": str(source.resolve()),
        "name": str(source),
        "spec": spec.model_dump(),
        "reading": limits.reading,
    }
    reply = sandbox.run(
        "edgekit_converters.tflite.job",
        request,
        samples,
        readable=[source.resolve()],
        limits=limits,
        what=str(source),
    )
    with write_atomically(path) as temporary:
        temporary.write_bytes(reply.arrays[0].tobytes())
    notes = reply.header.get("notes")
    for note in notes[:MOST_NOTES] if isinstance(notes, list) else []:  # the file may have taken the child over
        loading.log(clean(str(note)[:LONGEST_NOTE]))
