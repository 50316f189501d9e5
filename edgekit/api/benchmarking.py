"""`edgekit.benchmark`: what files cost, also those of results and of models in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from edgekit.api.inputs import file_stem
from edgekit.api.traces import leaves_no_trace

if TYPE_CHECKING:
    from edgekit.keras import Loading
    from edgekit.keras.types import KerasModel
    from edgekit.measure.latency import BenchmarkReport
    from edgekit.pipeline import Manifest
    from edgekit.runtimes import Kernels
    from edgekit_converters.tflite import Conversion

    Costly: TypeAlias = str | Path | Conversion | Manifest | KerasModel

__all__ = ["benchmark"]


@leaves_no_trace
def benchmark(
    models: Costly | Sequence[Costly],
    *,
    runtimes: Sequence[str] | str = ("litert",),
    threads: int = 1,
    runs: int | None = None,
    launches: int = 5,
    kernels: Kernels = "default",
    profile: bool = False,
    time_limit: float = 60.0,
    unsafe: bool = False,
    custom_objects: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BenchmarkReport:
    """Latency of `.tflite` files on this host, interleaved, each in a child process; device figures where there are.

    A model that fails has an `error` in its result; the others are kept.

    Args:
        models: One or several: paths of `.tflite` files, what `edgekit.convert` and `edgekit.compress` gave (the chosen
            file), or Keras models in memory, which are converted to float32 for it.
        runtimes: Names of runtimes, also of variants such as "arm64:cortex-a53"; `edgekit runtimes` lists them.
        threads: Threads of one inference, on runtimes that time themselves.
        runs: Timed inferences of each model; by default about half a second of them.
        launches: How often each model is loaded in a new process. From 3 on, the intervals hold.
        kernels: "default", "builtin" (without XNNPACK) or "reference", on TFLite's interpreters.
        profile: Also take the operators' shares of the time, where a runtime has a profiler.
        time_limit: Seconds that a runtime may take for one answer before it is ended.
        unsafe: Take the code that a model in memory holds, such as a Lambda's.
        custom_objects: Classes and functions of yours that a model in memory holds, by name.
        progress: Function that is called with (turns done, turns in all).

    Raises:
        UsageError: No such runtime.
        EdgekitError: A model in memory cannot be converted.
    """
    from edgekit.keras import Loading
    from edgekit.measure import latency

    loading = Loading(unsafe, custom_objects or {})
    several = models if isinstance(models, Sequence) and not isinstance(models, str) else [models]
    with TemporaryDirectory() as folder:
        return latency.benchmark(
            [_file(model, Path(folder) / str(number), loading) for number, model in enumerate(several)],
            runtimes=(runtimes,) if isinstance(runtimes, str) else tuple(runtimes),
            threads=threads,
            runs=runs,
            launches=launches,
            kernels=kernels,
            profile=profile,
            time_limit=time_limit,
            progress=progress,
        )


def _file(model: Costly, folder: Path, loading: Loading) -> Path:
    """The file of a model; of one in memory, written into a folder of its own."""
    if isinstance(model, str | Path):
        return Path(model)
    from edgekit.keras import load_model
    from edgekit.pipeline import Manifest
    from edgekit_converters.tflite import Conversion, ConvertSpec, convert_keras

    if isinstance(model, Conversion | Manifest):
        return Path(model.path)
    loaded = load_model(model, loading)
    folder.mkdir()
    path = folder / f"{file_stem(loaded)}.tflite"
    convert_keras(loaded, path, ConvertSpec(format="float32").resolved())
    return path
