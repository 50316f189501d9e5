"""Parity: does a `.tflite` compute what the Keras model computes that it was made from.

Every conversion is held to it, on real samples where there are some: a converter's fault, a lost state or mask and a
range that no sample reached all show in the answers. Before a final softmax, which hides large errors of unlikely
classes and shows small ones of likely classes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import tflite
from edgekit.errors import ConversionError, ModelError
from edgekit.measure.statistics import sqnr_db
from edgekit.places import by_place
from edgekit.runtimes import Session, load_runtime
from edgekit.tensors import Array, TensorSpec, dequantize, quantize
from edgekit.tflite.logits import softmax_input, with_outputs

__all__ = [
    "FIELDS",
    "SAMPLES",
    "Answer",
    "Parity",
    "Reference",
    "compare",
    "finding",
    "has_signal",
    "refused",
    "run",
    "warning",
]

SAMPLES = 64
LEAST_DB = {"float32": 60.0, "float16": 30.0, "int16x8": 20.0, "dynamic": 15.0, "int8": 6.0}
"""Below this a file of the format is another function."""
WARN_DB = 15.0
"""Below this an integer file is suspicious."""
MOST_STEPS = 2.0
"""Quantisation steps that an output may be off which has no signal."""
FIXED_SCALES = (1 / 256, 1 / 128, 1 / 32768)
"""Of sigmoid and tanh, which no sample has chosen: outputs that move by less than a step of them have no signal."""
_TINY = 1e-30
FIELDS: dict[str, Any] = {
    **dict.fromkeys(("sqnr_db", "agreement", "steps", "accepted_db"), float | None), "samples": int, "data": str,
}  # fmt: skip
"""What a parity holds in JSON, with its types."""


@dataclass(frozen=True)
class Answer:
    """What Keras answers at one output.

    Attributes:
        name: Name of the output, as the file's signature has it.
        values: float32 [N, ...].
        logits: float32 [N, ..., classes] before a final softmax, each sample's mean taken off; None without one.
        classifies: The largest value, or whether one value is above 0.5, is the model's answer.
    """

    name: str
    values: Array
    logits: Array | None
    classifies: bool


@dataclass(frozen=True)
class Reference:
    """What a Keras model answers to some samples.

    Attributes:
        samples: [N, ...] by input, as the file's signature names it, in the dtype that the file takes or float32.
        answers: One for each output.
        data: Where the samples come from: "validation", "calibration" or "random".
    """

    samples: Mapping[str, Array]
    answers: tuple[Answer, ...]
    data: str


@dataclass(frozen=True)
class Parity:
    """How near a file is to its Keras model; the worst of its outputs counts.

    Attributes:
        sqnr_db: Signal to quantisation noise; None where no output has a signal: all are constant over the samples.
        agreement: Fraction of samples of which file and model choose the same class; None where none classifies.
        steps: Largest error of outputs without a signal, in quantisation steps of the file; None where all have one.
        samples: How many.
        data: Where they come from: "validation", "calibration" or "random".
        accepted_db: What the user accepts in place of the format's bound.
    """

    sqnr_db: float | None
    agreement: float | None
    steps: float | None
    samples: int
    data: str
    accepted_db: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    def __str__(self) -> str:
        parts = []
        if self.sqnr_db is not None:
            parts.append(f"{self.sqnr_db:.1f} dB")
        if self.steps is not None:
            parts.append(f"constant outputs within {self.steps:.2f} steps")
        if self.agreement is not None:
            parts.append(f"same class for {self.agreement:.1%}")
        accepted = f"; {self.accepted_db:g} dB accepted" if self.accepted_db is not None else ""
        return f"{', '.join(parts)} ({self.samples} {self.data} samples{accepted})"


def compare(
    model: tflite.Model,
    reference: Reference,
    *,
    accepted_db: float | None = None,
    opener: Callable[[Path], Session] | None = None,
) -> Parity:
    """Run a file under LiteRT's default kernels, in a child unless `opener` opens it, and compare it with Keras.

    States of fused LSTMs begin at zero for each sample; those that a stateful model keeps go on from sample to sample.

    Raises:
        RuntimeFailed: LiteRT refuses or does not survive the file.
        ModelError: The file has other inputs or outputs than the model.
    """
    places = _places(model, reference)
    graph = model.graphs[0]
    cut = list(graph.outputs)
    for answer, place in zip(reference.answers, places, strict=True):
        before = softmax_input(model, graph.outputs[place]) if answer.logits is not None else None
        if before is not None:
            cut[place] = before
    content = model.content if cut == list(graph.outputs) else with_outputs(model.content, cut)
    outputs, specs = run(content, model, reference.samples, opener)
    found = [
        _one(answer, outputs[place], specs[place], before_softmax=cut[place] != graph.outputs[place])
        for answer, place in zip(reference.answers, places, strict=True)
    ]
    signals = [f[0] for f in found if f[0] is not None]
    agreements = [f[1] for f in found if f[1] is not None]
    steps = [f[2] for f in found if f[2] is not None]
    return Parity(
        min(signals, default=None),
        min(agreements, default=None),
        max(steps, default=None),
        len(next(iter(reference.samples.values()))),
        reference.data,
        accepted_db,
    )


def finding(parity: Parity, kind: str) -> str | None:
    """What of a parity is not enough for a file of a format, in a few words; None where it is."""
    least = LEAST_DB[kind] if parity.accepted_db is None else parity.accepted_db
    if parity.sqnr_db is not None and parity.sqnr_db < least:
        return f"{parity.sqnr_db:.1f} dB"
    if parity.steps is not None and parity.steps > MOST_STEPS and parity.accepted_db is None:
        return f"a constant output that is off by {parity.steps:.1f} quantisation steps"
    return None


def run(
    content: bytes,
    model: tflite.Model,
    samples: Mapping[str, Array],
    opener: Callable[[Path], Session] | None = None,
) -> tuple[list[Array], tuple[TensorSpec, ...]]:
    """Every output, dequantised [N, ...], of a file that differs from a model in its outputs at most.

    Args:
        content: The file.
        model: The model.
        samples: By the names of the model's signature.
        opener: What opens the file, in place of LiteRT in a child.
    """
    names = {tensor: name for name, tensor in model.signatures[0].inputs.items()}
    feeds = [samples[names[tensor]] for tensor in model.graphs[0].inputs]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        if opener is not None:
            session = opener(path)
        else:
            same = content == model.content  # as where no output ends in a softmax; it has been read, then
            session = load_runtime("litert").open(replace(model, path=path) if same else path)
        try:
            return _answers(session, feeds), session.outputs
        finally:
            session.close()


def _answers(session: Session, feeds: Sequence[Array]) -> list[Array]:
    rows = []
    for i in range(len(feeds[0])):
        inputs = [quantize(feed[i : i + 1], spec) for feed, spec in zip(feeds, session.inputs, strict=True)]
        raw = session.run(inputs, fresh=True)
        rows.append([dequantize(values, spec) for values, spec in zip(raw, session.outputs, strict=True)])
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _places(model: tflite.Model, reference: Reference) -> list[int]:
    """Where in the file's outputs each answer stands."""
    signature, graph = (model.signatures[0] if model.signatures else None), model.graphs[0]
    wanted = [answer.name for answer in reference.answers]
    if signature is None or set(signature.outputs) != set(wanted) or set(signature.inputs) != set(reference.samples):
        raise ModelError(
            "A converted file has the inputs and outputs of its model.",
            received=f"{', '.join(signature.outputs) if signature else 'no signature'}",
        )
    return [graph.outputs.index(signature.outputs[name]) for name in wanted]


def _one(
    answer: Answer, given: Array, spec: TensorSpec, *, before_softmax: bool
) -> tuple[float | None, float | None, float | None]:
    """SQNR, agreement and steps of one output."""
    wanted = answer.values
    if given.size != wanted.size:  # of a child that a foreign file has taken over, as well
        raise ModelError(
            f"The output {answer.name!r} of a converted file has the size of the model's.",
            received=f"{list(given.shape)} and {list(wanted.shape)} for {len(wanted)} samples",
        )
    given = given.reshape(wanted.shape)
    agreement = _agreement(answer, given) if answer.classifies else None
    if answer.logits is not None and before_softmax:
        wanted, given = answer.logits, given - given.mean(axis=-1, keepdims=True)
    if has_signal(wanted, spec):
        return sqnr_db(wanted, given), agreement, None
    error, magnitude = np.abs(wanted - given), float(np.abs(wanted).max(initial=0.0))
    return None, agreement, float(error.max(initial=0.0)) / (spec.scale or max(1e-3 * magnitude, 1e-6))


def has_signal(wanted: Array, spec: TensorSpec) -> bool:
    """Whether what Keras has at a place changes from sample to sample by more than a fixed scale can show.

    Args:
        wanted: float32 [N, ...].
        spec: Specification of the tensor in the file.
    """
    spread = float(np.ptp(wanted, axis=0).max(initial=0.0)) if len(wanted) > 1 else 0.0
    if spread <= 1e-6 * max(float(np.abs(wanted).max(initial=0.0)), _TINY):
        return False
    step = spec.scale or 0.0
    return not (any(np.isclose(step, s, rtol=1e-6) for s in FIXED_SCALES) and spread < step)


def _agreement(answer: Answer, given: Array) -> float:
    if answer.values.shape[-1] == 1:
        return float(np.mean((answer.values > 0.5) == (given > 0.5)))
    return float(np.mean(answer.values.argmax(-1) == given.argmax(-1)))


def warning(parity: Parity, kind: str) -> str | None:
    """What a user should know of a parity that is enough, in a sentence; None where there is nothing to say."""
    if kind not in ("int8", "int16x8") or parity.sqnr_db is None or parity.sqnr_db >= WARN_DB:
        return None
    return (
        f"The {kind} file reaches {parity.sqnr_db:.1f} dB (SQNR) against its Keras model, less than the {WARN_DB:g} dB "
        "that integer files usually reach: measure its accuracy, calibrate on typical samples, or train it "
        "quantisation-aware."
    )


def refused(parity: Parity, kind: str, found: str, layer: str | None) -> ConversionError:
    """The error for a file that is another function."""
    where = f"; they part at the layer {layer!r}" if layer else ""
    least = LEAST_DB[kind] if parity.accepted_db is None else parity.accepted_db
    accept = by_place(command="--accept-parity DB", python="accept_parity=DB", recipe="accept_parity: DB")
    return ConversionError(
        f"A file in the format {kind} answers as its Keras model does, to {least:g} dB (SQNR) or {MOST_STEPS:g} steps.",
        received=f"{found} over {parity.samples} {parity.data} samples{where}",
        remedy="Calibrate on more and typical samples, choose another format, replace the layer, or accept what it is "
        f"worth with {accept}.",
    )
