"""One finished step: what it made, and what the `.tflite` of it is worth, measured on that very file.

The store, the manifest and the reports have the same type, so that a figure stands in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from edgekit.errors import ConversionError
from edgekit.measure.answers import finding
from edgekit.measure.parity import FIELDS as PARITY
from edgekit.pipeline.records import RecordError, as_sha256, check_fields, parsed
from edgekit.tflite import State
from edgekit.training.history import Histories, is_training
from edgekit_converters.tflite import ConvertSpec

__all__ = ["Step"]

_COUNTED = ("params", "nonzero_params", "macs", "model_bytes", "gzip_bytes", "latency_ms", "seconds")
_LATER: Mapping[str, object] = {
    "latency_ms": None,
    "latency_low": None,
    "latency_high": None,
    "figures": {},
    "cached": True,
}
"""What a run adds to a step that the store keeps, as it is until then."""


@dataclass(frozen=True)
class Step:
    """A finished step and the `.tflite` that it was measured on.

    Attributes:
        name: "baseline", a pass or "convert FORMAT".
        format, input_dtype, output_dtype: Format and dtypes of the measured file.
        metric: "top1" or "mse".
        accuracy, accuracy_low, accuracy_high: The metric on the whole test split, with its 95 % interval.
        agreement: Fraction of test samples on which the file and the Keras model choose the same class.
        answers: Which mistakes it makes on the test split, as `edgekit.measure.answers` counts them: of top1, classes
            that are taken for each other; of mse, errors by their size.
        parity: How near the file is to its Keras model, as `edgekit.measure.parity.Parity` has it.
        operators_db: How near each operator of the file is to the layer that it computes (SQNR in dB), on up to eight
            of the samples that parity is measured on; None for those whose output no layer has, and None for all where
            nothing can be compared.
        state: What the file keeps from call to call: "none", "reset before each call" or "kept".
        params, nonzero_params: Weights in the file.
        macs: MACs of one inference; None where the file does not tell.
        model_bytes, gzip_bytes: Size of the file.
        seconds: What the step took when it was made.
        sha256, parent: sha256 of the file, and of the Keras model that it was made from.
        keras_parent: sha256 of the Keras model of the step before; None for the baseline.
        correct_sha256: sha256 of the file that says which test samples are right; None for other tasks.
        latency_ms, latency_low, latency_high: Median on this host, one thread, with its 95 % interval; a host proxy.
        training: What was trained while it was made: by training, then by figure (loss, val_loss and, for classifiers,
            accuracy, val_accuracy), one value per epoch; None for what is no finite number. Of more than 2,000 epochs
            it is about 2,000 at even distances, with their numbers (from 1 on) as the figure `epoch`.
        figures: What the recipe's runtimes counted, by the names of `edgekit.figures.FIGURES`.
        cached: Whether this run found it done.
    """

    name: str
    format: str
    input_dtype: str | None
    output_dtype: str | None
    metric: str
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    agreement: float | None
    answers: dict[str, Any]
    parity: dict[str, Any]
    operators_db: tuple[float | None, ...] | None
    state: str
    params: int
    nonzero_params: int
    macs: int | None
    model_bytes: int
    gzip_bytes: int
    seconds: float
    sha256: str
    parent: str
    keras_parent: str | None
    correct_sha256: str | None
    training: Histories = field(default_factory=dict)
    latency_ms: float | None = None
    latency_low: float | None = None
    latency_high: float | None = None
    figures: dict[str, int] = field(default_factory=dict)
    cached: bool = False

    @property
    def spec(self) -> ConvertSpec:
        """Format and dtypes."""
        told = {name: getattr(self, name) for name in ("format", "input_dtype", "output_dtype")}
        return ConvertSpec.model_validate(told)

    def as_record(self) -> dict[str, Any]:
        """What the store keeps."""
        return {name: value for name, value in asdict(self).items() if name not in _LATER}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Step:
        """A step that the store kept.

        Raises:
            RecordError: The record is none of a step.
        """
        return cls.from_json({**record, **_LATER, "figures": {}}, "step")

    @classmethod
    def from_json(cls, value: object, where: str) -> Step:
        """A step of a manifest.

        Raises:
            RecordError: It is none; `where` and the field are named.
        """
        step = parsed(cls, value, where)
        check_fields(step.parity, PARITY, f"{where}.parity")
        if step.operators_db == ():
            raise RecordError(f"{where}.operators_db must have a number or null for each operator")
        if broken := finding(step.answers, step.metric, step.accuracy):
            raise RecordError(f"{where}.answers {broken}")
        check_fields(step.figures, dict.fromkeys(step.figures, int), f"{where}.figures")
        if not is_training(step.training):
            raise RecordError(f"{where}.training must have a number or null for each epoch, by training and figure")
        if step.state not in get_args(State):
            raise RecordError(f"{where}.state must be one of {', '.join(get_args(State))}")
        for name in ("sha256", "parent", "keras_parent", "correct_sha256"):
            as_sha256(getattr(step, name), f"{where}.{name}")
        for name, count in (*((name, getattr(step, name)) for name in _COUNTED), *step.figures.items()):
            if count is not None and count < 0:
                raise RecordError(f"{where}.{name} must not be negative")
        try:
            step.spec.resolved()
        except (ValueError, ConversionError):
            raise RecordError(f"{where}.format must be one that is known, with dtypes that it takes") from None
        return step
