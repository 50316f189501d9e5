"""The functions of `import edgekit`: what the command line does, for Python programs. Importing them is light."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.api.android import lock_models, verify_package
from edgekit.api.android_builds import init_android
from edgekit.api.benchmarking import benchmark
from edgekit.api.compressing import compress
from edgekit.api.exporting import export
from edgekit.api.inputs import data_for, labels_of, sidecar_of, task_of, tflite_path
from edgekit.api.searching import auto, search
from edgekit.api.traces import leaves_no_trace
from edgekit.errors import UsageError
from edgekit.places import by_place

if TYPE_CHECKING:
    from edgekit.data import Dataset, DataSpec
    from edgekit.data.memory import Held
    from edgekit.data.targets import Task
    from edgekit.keras.types import KerasModel
    from edgekit.measure.evaluation import Evaluation
    from edgekit.methods.sensitivity import Effect, Kind
    from edgekit.tflite import Inspection
    from edgekit_converters.tflite import Conversion

__all__ = [
    "auto",
    "benchmark",
    "compress",
    "convert",
    "evaluate",
    "export",
    "init_android",
    "inspect",
    "load_data",
    "load_model",
    "lock_models",
    "search",
    "sensitivity",
    "verify_package",
]

Progress = Callable[[int, int], None]


@leaves_no_trace
def convert(
    model: str | Path | KerasModel,
    output: str | Path,
    *,
    format: str = "int8",
    data: str | DataSpec | Dataset | Held | None = None,
    task: Task | None = None,
    input_dtype: str | None = None,
    output_dtype: str | None = None,
    accept_parity: float | None = None,
    seed: int = 0,
    unsafe: bool = False,
    overwrite: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Conversion:
    """Convert a trained Keras model to a `.tflite` with batch 1, and hold the file to its contract and to the model.

    Args:
        model: .h5, .keras, SavedModel or `module:function`; or a Keras 3 or tf_keras model in memory.
        output: The `.tflite` to write; a sidecar with the preprocessing and golden vectors go beside it.
        format: float32, float16, dynamic, int8 or int16x8.
        data: Where calibration samples come from (training data only), or the samples themselves: x, (x, y), a dict of
            arrays by input, a `tf.data.Dataset` of batches. The formats int8 and int16x8 need them. A model with
            several inputs takes an array for each, by the input's name.
        task: classification, regression or reconstruction, for the sidecar; by default what the model's own sidecar
            says, else classification where the labels of the data can be nothing else, else "unknown".
        input_dtype, output_dtype: Dtypes of the file's inputs and outputs; by default those of the format (int8 for
            int8).
        accept_parity: SQNR in dB that the file must reach against its Keras model, instead of the format's own bound.
        seed: Seed of the choice of calibration samples.
        unsafe: Let Keras itself open the file, with whatever code it holds. Only for files that you trust.
        overwrite: Replace files that EdgeKit did not write, or that were changed since.
        custom_objects: Classes and functions of yours that the file names, by name.
        memory_limit: Bytes of resident memory that reading the file may take; by default 2 GB and 20 times its size.
        time_limit: Seconds that reading and converting it may take.

    Raises:
        EdgekitError: The model or the data break a rule, the file would break its contract, or its answers would
            differ from the model's.

    Example:
        result = edgekit.convert(model, "digits.tflite", data=(x_train, y_train))
        print(result.parity, len(result.tflite_bytes))
    """
    from edgekit import tflite
    from edgekit.data import Preprocessing
    from edgekit.data.sidecar import UNKNOWN, Sidecar, sidecar_path, write_sidecar
    from edgekit.golden import golden_path
    from edgekit.keras import Loading
    from edgekit.measure.golden import write_golden
    from edgekit.ownership import check_writable, publishing
    from edgekit.recipe import parse_convert
    from edgekit_converters.tflite import convert_source, held_of

    path = tflite_path(output)
    spec = parse_convert({format: {"input_dtype": input_dtype, "output_dtype": output_dtype}})
    if spec.needs_calibration and data is None:
        raise UsageError(
            f"{spec.format} takes its ranges from training samples.",
            received="no data",
            remedy=f"Give {by_place(command='--data SPEC, such as train.npz', python='data=(x_train, y_train)')}.",
        )
    own, told = sidecar_of(model), task or task_of(model)
    dataset = data_for(model, data, seed, told, labels=False) if data is not None else None
    samples = dataset.samples("calibration") if dataset is not None and spec.needs_calibration else None
    written = [part.name for part in (path, sidecar_path(path), golden_path(path))]
    check_writable(path.parent, written, overwrite=overwrite)
    with publishing(path.parent, overwrite=overwrite) as staging:
        file = staging / path.name
        loading = Loading(unsafe, custom_objects or {}, memory_limit, time_limit)
        held = held_of(dataset) if dataset is not None else None
        made = convert_source(
            model, file, spec, representative=samples, held=held, accept_parity=accept_parity, loading=loading
        )
        sidecar = own or Sidecar(Preprocessing(), (), UNKNOWN)
        if dataset is not None:
            names = own.label_names if own and own.label_names else dataset.label_names
            sidecar = Sidecar(dataset.preprocessing, names, UNKNOWN)
        found = dataset.task if dataset is not None else told
        stated = dataset.stated_task if dataset is not None else told
        names = labels_of(made.model, sidecar.label_names, stated)
        sidecar = replace(sidecar, label_names=names, state=tflite.state_of(made.model), parity=made.parity.as_dict())
        fits = names or not dataset or not dataset.label_names  # else its classes are not what the model answers
        write_sidecar(file, replace(sidecar, task=(found if fits else stated) or UNKNOWN))
        write_golden(file, samples, seed=seed)
    return replace(made, path=path)


@leaves_no_trace
def evaluate(
    model: str | Path | KerasModel,
    data: str | DataSpec | Dataset | Held,
    *,
    runtime: str | None = None,
    task: Task | None = None,
    workers: int | None = None,
    seed: int = 0,
    unsafe: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Accuracy of a model on the whole test split, with its 95 % interval.

    Args:
        model: A `.tflite`, or a Keras model, in a file or in memory (which runs under Keras itself).
        data: A data set with test samples; arrays without, (x, y), are split.
        runtime: Runtime for a `.tflite`; litert by default.
        task: classification, regression or reconstruction; by default what the model's sidecar says, else
            classification where the labels can be nothing else.
        workers: Number of processes; by default one per core.
        seed: Seed of the split, where the data set has no test split of its own.
        unsafe: Let Keras itself open the file, with whatever code it holds. Only for files that you trust.
        custom_objects: Classes and functions of yours that the file names, by name.
        memory_limit: Bytes of resident memory that reading the file may take; by default 2 GB and 20 times its size.
        time_limit: Seconds that reading it may take.
        progress: Function that is called with (done, total).

    Raises:
        EdgekitError: The model or the data break a rule, or the runtime does not survive the model.
    """
    from edgekit.keras import Loading, load_model
    from edgekit.measure.evaluation import evaluate_file, evaluate_keras
    from edgekit.training.objective import Objective

    file = Path(model) if isinstance(model, str | Path) and Path(model).suffix == ".tflite" else None
    if runtime is not None and file is None:
        raise UsageError("A Keras model runs under Keras.", received=f"runtime {runtime}", remedy="Leave it out.")
    dataset = data_for(model, data, seed, task or task_of(model))
    objective = Objective(task=dataset.need_task(_say_task()))
    if file is not None:
        return evaluate_file(file, dataset, objective, runtime=runtime or "litert", workers=workers, progress=progress)
    loaded = load_model(model, Loading(unsafe, custom_objects or {}, memory_limit, time_limit))
    return evaluate_keras(loaded, dataset, objective)


@leaves_no_trace
def inspect(model: str | Path) -> Inspection:
    """Operators, tensors, sizes and MACs of a `.tflite`, read without any runtime.

    Raises:
        ModelError: The file is missing or no well-formed `.tflite`.
    """
    from edgekit import tflite

    return tflite.inspect(Path(model))


@leaves_no_trace
def sensitivity(
    model: str | Path | KerasModel,
    data: str | DataSpec | Held,
    *,
    kinds: Sequence[Kind] | None = None,
    ratios: Sequence[float] | None = None,
    samples: int = 256,
    task: Task | None = None,
    seed: int = 0,
    unsafe: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Effect]:
    """How much each layer of a Keras model tolerates, one change at a time; see `edgekit.methods.sensitivity`.

    Args:
        model: .h5, .keras, SavedModel or `module:function`, or a model in memory; trained.
        data: Where calibration samples and their labels come from (training data only).
        kinds: Changes to try: sparsity, channels, rank, int8_weights, int8_activations; by default all.
        ratios: Fractions to give up; by default 0.25, 0.5, 0.75 and 0.9.
        samples: Largest number of calibration samples.
        task: As for `evaluate`; with class labels, the result also has what a change costs in top-1.
        seed: Seed of the choice of samples.
        unsafe: Let Keras itself open the file, with whatever code it holds. Only for files that you trust.
        custom_objects: Classes and functions of yours that the file names, by name.
        memory_limit: Bytes of resident memory that reading the file may take; by default 2 GB and 20 times its size.
        time_limit: Seconds that reading it may take.
        progress: Function that is called with (done, total).

    Raises:
        EdgekitError: The model or the data break a rule.
    """
    from edgekit.data import DataSpec
    from edgekit.keras import Loading, load_model
    from edgekit.methods.sensitivity import KINDS, RATIOS, check_choice
    from edgekit.methods.sensitivity import sensitivity as find
    from edgekit.training.objective import Objective

    check_choice(kinds or KINDS, ratios or RATIOS)
    spec = DataSpec(source=data) if isinstance(data, str) else data
    spec = spec.model_copy(update={"calibration": samples}) if isinstance(spec, DataSpec) else spec
    dataset = data_for(model, spec, seed, task or task_of(model), calibration=samples)
    objective = Objective(task=dataset.need_task(_say_task()))
    keras_model = load_model(model, Loading(unsafe, custom_objects or {}, memory_limit, time_limit))
    objective.check(keras_model, dataset)
    return find(
        keras_model,
        dataset.features("calibration"),
        dataset.labels("calibration") if objective.classifies else None,
        kinds=kinds or KINDS,
        ratios=ratios or RATIOS,
        progress=progress,
    )


@leaves_no_trace
def load_model(
    source: str | Path | KerasModel,
    *,
    unsafe: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Any:
    """Load a .h5, .keras, SavedModel or `module:function` as a flat tf_keras model; see `edgekit.keras.load_model`."""
    from edgekit import keras

    return keras.load_model(source, keras.Loading(unsafe, custom_objects or {}, memory_limit, time_limit))


@leaves_no_trace
def load_data(source: str | DataSpec | Held, *, task: Task | None = None, seed: int = 0) -> Dataset:
    """Read a data set into disjoint splits; see `edgekit.data.load_data`."""
    from edgekit import data

    return data.load_data(source, seed=seed, task=task)


def _say_task() -> str:
    command, python = "--task classification or --task regression", 'task="classification" or task="regression"'
    return f"Give {by_place(command=command, python=python)}."
