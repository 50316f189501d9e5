"""Convert a foreign Keras file without letting it into this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgekit import sandbox, tflite
from edgekit.errors import ModelError, clean
from edgekit.keras.loading import FOREIGN, Loading, check_source, size_of
from edgekit.measure.parity import Answer, Reference
from edgekit.observer import logger
from edgekit.tensors import Array
from edgekit_converters.tflite.calibration import Representative
from edgekit_converters.tflite.contract import check_contract, check_parity
from edgekit_converters.tflite.conversion import Conversion, written
from edgekit_converters.tflite.reference import Held
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["convert_file"]

_log = logger("edgekit.converters.tflite")
JOB = "edgekit_converters.tflite.job"
CRASHED = (
    "The TensorFlow Lite converter does not survive a layer of it in the format {format}: choose another format or "
    "replace the layer. If it comes from a stranger, it may have been made to do harm."
)
MOST_NOTES, LONGEST_NOTE = 8, 1000


def convert_file(
    source: Path,
    path: Path,
    spec: ConvertSpec,
    *,
    representative: Representative | None = None,
    held: Held | None = None,
    accept_parity: float | None = None,
    loading: Loading = FOREIGN,
) -> Conversion:
    """Write a `.tflite` with batch size 1 and builtin operators only, as `convert_keras` does.

    Args:
        source: A `.h5` or `.keras` file, or a SavedModel folder.
        path: Where to write; nothing is left there on failure.
        spec: Format and dtypes.
        representative: Preprocessed float samples [N, ...] of training data, for int8 and int16x8.
        held: Samples on which file and model are compared; None takes the representative ones, else random ones.
        accept_parity: dB that the file must reach in place of its format's bound.
        loading: Limits of the child, for its whole work, by default growing with the file and the samples.

    Returns:
        The file, and how near it is to the model.

    Raises:
        ModelError: The file is damaged, of another kind, holds code or takes more than it may.
        ConversionError: The converter cannot, its file breaks the contract, or it answers otherwise.
    """
    check_source(source)
    spec = spec.resolved()
    if held is None and representative is not None:
        held = Held(representative, "calibration")
    names, arrays = _named(representative)
    held_names, held_arrays = _named(held.compared if held else None)
    limits = loading.limits(size_of(source) + sum(array.nbytes for array in (*arrays, *held_arrays)))
    request: dict[str, Any] = {
        "path": str(source.resolve()),
        "name": str(source),
        "spec": spec.model_dump(),
        "reading": limits.reading,
        "representative": names,
        "held": held_names,
        "data": held.data if held else None,
    }

    def ask(**more: Any) -> sandbox.Reply:
        return sandbox.run(
            JOB,
            {**request, **more},
            [*arrays, *held_arrays],
            readable=[source.resolve()],
            limits=limits,
            what=str(source),
            crashed=CRASHED.format(format=spec.format),
        )

    def layers() -> list[tuple[str, Array]]:
        found = ask(layers=True)
        names = found.header.get("layers")
        return list(zip(map(str, names if isinstance(names, list) else []), found.arrays, strict=False))

    reply = ask()
    made = tflite.read(reply.arrays[0].tobytes())
    check_contract(made, spec)
    parity = check_parity(made, spec, _reference(reply, source), accept_parity, layers)
    _pass_on_notes(reply)
    return written(made, path, parity)


def _pass_on_notes(reply: sandbox.Reply) -> None:
    notes = reply.header.get("notes")
    for note in notes[:MOST_NOTES] if isinstance(notes, list) else []:  # the file may have taken the child over
        _log.info(clean(str(note)[:LONGEST_NOTE]))


def _reference(reply: sandbox.Reply, source: Path) -> Reference:
    """What Keras answered.

    Raises:
        ModelError: The child says something else: the file has taken it over.
    """
    try:
        return unpacked_reference(reply.header, reply.arrays[1:])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            "The child that converts a model must say what Keras answers.",
            received=f"{source}, {type(error).__name__}",
            remedy="The file was made to do harm: do not use it.",
        ) from None


def packed_reference(reference: Reference) -> tuple[dict[str, Any], list[Array]]:
    """What Keras answered, as a message of the sandbox: a header and arrays."""
    arrays = [*reference.samples.values()]
    answers = []
    for answer in reference.answers:
        answers.append({"name": answer.name, "logits": answer.logits is not None, "classifies": answer.classifies})
        arrays += [answer.values] if answer.logits is None else [answer.values, answer.logits]
    return {"samples": list(reference.samples), "answers": answers, "data": reference.data}, arrays


def unpacked_reference(header: Mapping[str, Any], arrays: Sequence[Array]) -> Reference:
    """The way back from `packed_reference`."""
    left = list(arrays)
    samples = {name: left.pop(0) for name in header["samples"]}
    answers = [
        Answer(str(a["name"]), left.pop(0), left.pop(0) if a["logits"] else None, bool(a["classifies"]))
        for a in header["answers"]
    ]
    counts = {len(array) for array in (*samples.values(), *(answer.values for answer in answers))}
    if len(counts) != 1 or not min(counts):
        raise ValueError("not one answer for each sample")
    return Reference(samples, tuple(answers), str(header["data"])[:20])


def _named(samples: Representative | None) -> tuple[list[str | None], list[Array]]:
    """Names of the inputs and their samples; the only input has no name here."""
    if samples is None:
        return [], []
    if isinstance(samples, Mapping):
        return list(samples), list(samples.values())
    return [None], [samples]
