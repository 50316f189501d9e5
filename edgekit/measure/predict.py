"""What a `.tflite` gives for many samples: spread over worker processes, in batches where the model allows them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgekit import tflite
from edgekit.errors import ModelError, RuntimeFailed, UsageError
from edgekit.measure._samples import by_input
from edgekit.measure.environment import cores
from edgekit.runtimes import Batcher, Session, Source, load_runtime
from edgekit.tensors import Array, TensorSpec, dequantize, quantize

__all__ = ["Predictor", "Progress", "Samples", "predict"]

Samples = Array | Mapping[str, Array]
Progress = Callable[[int, int], None]  # samples done, samples in all
P = ParamSpec("P")
T = TypeVar("T")

_CHUNK_BYTES = 4 << 20  # of samples in one request: little shared memory, and workers equally busy to the end
_CHUNKS_PER_WORKER = 4
_WORTH_A_WORKER = 64  # samples; for fewer, a process costs more to start than it saves
_PLANNING_SAMPLES = 64


def predict(
    source: Source,
    x: Samples,
    *,
    runtime: str = "litert",
    workers: int | None = None,
    batch: int | None = None,
    output: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Run a model on every sample.

    Args:
        source: The `.tflite`: its path, or what was read from it.
        x: Samples [n, ...]: float32 after preprocessing (quantised by the input's scale and zero point where the
            model takes integers), or already in the input's dtype (fed as they are). For a model with several inputs,
            a dict by input name.
        runtime: Name of a runtime of `edgekit.runtimes`.
        workers: Number of processes; None for one per CPU core at hand, fewer where there are few samples.
        batch: Samples of one inference; None for a choice by sample size. More than one is used only where it gives
            what one sample at a time gives, tried on the first samples: exact for quantised outputs, 1e-4 for float.
        output: Number of the model's output.
        progress: Called with (samples done, samples in all), from one thread at a time.

    Returns:
        float32 [n, ...], dequantised, without the output's own batch dimension.

    Raises:
        ModelError: The file is malformed, or the samples do not fit the model's inputs.
        DataError: There are no samples.
        RuntimeFailed: The runtime is missing, crashed, hung or refused the model.
        UsageError: No such runtime or output, or fewer than one worker or sample per batch.
    """
    if workers is None:
        count = max([0, *map(len, x.values())]) if isinstance(x, Mapping) else len(x)
        workers = max(1, min(cores(), count // _WORTH_A_WORKER))
    with Predictor(source, runtime=runtime, workers=workers, batch=batch, output=output) as predictor:
        return predictor(x, progress=progress)


class Predictor:
    """`predict` with its worker processes kept between calls; a context manager, for one thread at a time.

    A model that keeps its state from call to call takes the samples one after the other, in one process.

    Args:
        source, runtime, workers, batch, output: As for `predict`.
    """

    def __init__(
        self,
        source: Source,
        *,
        runtime: str = "litert",
        workers: int | None = None,
        batch: int | None = None,
        output: int = 0,
    ) -> None:
        for name, value in (("workers", workers), ("batch", batch)):
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1.", received=value)
        opened, model = load_runtime(runtime), tflite.read(source)
        one_after_the_other = tflite.state_of(model) == "kept"
        count = 1 if one_after_the_other else workers or cores()
        self._workers = [_Worker(lambda: opened.open(model), batch, output, one_after_the_other) for _ in range(count)]

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __call__(self, x: Samples, *, progress: Progress | None = None) -> NDArray[np.float32]:
        """The model's output for every sample; see `predict`. After an error the next call starts new processes."""
        try:
            with ThreadPoolExecutor(len(self._workers)) as pool:
                try:
                    return self._spread(pool, x, progress)
                except BaseException:
                    self.close()  # so that no thread waits for an answer that nobody wants
                    raise
        except BaseException:
            self.close()  # what a thread was still opening
            raise

    def open(self) -> tuple[TensorSpec, ...]:
        """Start the worker processes, which the first call does otherwise; gives the model's inputs."""
        return self._workers[0].open()

    def close(self) -> None:
        """End the worker processes."""
        for worker in self._workers:
            worker.close()

    def _spread(self, pool: ThreadPoolExecutor, x: Samples, progress: Progress | None) -> NDArray[np.float32]:
        specs = _all([_submitted(pool, worker.open) for worker in self._workers])[0]
        samples = by_input(x, specs)
        head = [values[:_PLANNING_SAMPLES] for values in samples]
        batch = max(_all([_submitted(pool, worker.plan, head) for worker in self._workers]))
        job = _Job(samples, len(self._workers), batch, progress)
        _all([_submitted(pool, job.work, worker) for worker in self._workers])
        return job.result


class _Job:
    """Samples to be taken chunk by chunk by whichever worker is free, and the result that they fill."""

    def __init__(self, samples: list[Array], workers: int, batch: int, progress: Progress | None) -> None:
        self._samples, self._count, self._progress = samples, len(samples[0]), progress
        one = max(1, sum(values[:1].nbytes for values in samples))
        chunk = min(_CHUNK_BYTES // one, -(-self._count // (workers * _CHUNKS_PER_WORKER)))
        self._chunk = max(batch, chunk // batch * batch)
        self._lock = threading.Lock()
        self._next = self._done = 0
        self._result: NDArray[np.float32] | None = None

    @property
    def result(self) -> NDArray[np.float32]:
        assert self._result is not None
        return self._result

    def work(self, worker: _Worker) -> None:
        while True:
            with self._lock:
                start = self._next
                self._next = stop = min(start + self._chunk, self._count)
            if start == stop:
                return
            given = worker.map([values[start:stop] for values in self._samples])
            with self._lock:
                if self._result is None:
                    self._result = np.empty((self._count, *given.shape[1:]), np.float32)
                self._result[start:stop] = given
                self._done += stop - start
                if self._progress is not None:
                    self._progress(self._done, self._count)


class _Worker:
    """One session, opened when first needed, with its plan."""

    def __init__(self, open_session: Callable[[], Session], batch: int | None, output: int, single: bool) -> None:
        self._open, self._batch, self._output, self._single = open_session, batch, output, single
        self._session: Session | None = None
        self._planned: object = None
        self._samples_per_run = 1

    def open(self) -> tuple[TensorSpec, ...]:
        if self._session is None:
            self._session, self._planned = self._open(), None
        outputs = len(self._session.outputs)
        if not 0 <= self._output < outputs:
            raise UsageError("No such output.", received=self._output, remedy=f"The model has {outputs}, from 0 on.")
        return self._session.inputs

    def plan(self, samples: Sequence[Array]) -> int:
        form = [(values.shape[1:], values.dtype) for values in samples]
        if self._planned == form:
            return self._samples_per_run
        assert self._session is not None
        if (batcher := self._batcher()) is not None:
            try:
                planned = batcher.plan(samples, batch=self._batch, output=self._output)
            except RuntimeFailed:
                if self._batch == 1:
                    raise
                # Some kernels crash on a resized input and are fine with the declared one.
                self.close()
                self._session = self._open()
                again = self._batcher()
                if again is None:
                    raise
                planned = again.plan(samples, batch=1, output=self._output)
            self._samples_per_run = planned
        self._planned = form
        return self._samples_per_run

    def map(self, samples: Sequence[Array]) -> Array:
        assert self._session is not None
        batcher = self._batcher()
        return _one_by_one(self._session, samples, self._output) if batcher is None else batcher.map(samples)

    def _batcher(self) -> Batcher | None:
        return None if self._single or self._session is None else self._session.batcher

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = None


def _one_by_one(session: Session, samples: Sequence[Array], output: int) -> Array:
    """For a runtime that takes exactly what its model declares, such as a microcontroller's."""
    specs, count = session.inputs, len(samples[0])
    stacked = all(values.ndim == len(spec.shape) for values, spec in zip(samples, specs, strict=True))
    step = specs[0].shape[0] if stacked else 1
    results: list[Array] = []
    for start in range(0, count, step):
        # The last batch repeats its last sample where it is short.
        rows = np.minimum(np.arange(start, start + step), count - 1)
        arrays = [quantize(values[rows], spec) for values, spec in zip(samples, specs, strict=True)]
        raw = session.run([values if stacked else values[0] for values in arrays], fresh=True)[output]
        real = dequantize(raw, session.outputs[output])
        if not stacked or (step == 1 and real.shape[:1] != (1,)):
            real = real[np.newaxis]
        if len(real) != step:
            raise ModelError(f"A batch of {step} samples must give as many outputs.", received=f"shape {real.shape}")
        results.append(real[: min(step, count - start)])
    return np.concatenate(results)


def _submitted(pool: ThreadPoolExecutor, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """A task for a thread of the pool, in this thread's context: inside `sandbox.warm` its processes are forked too."""
    context = copy_context()
    return pool.submit(lambda: context.run(task, *args, **kwargs))


def _all(tasks: list[Future[T]]) -> list[T]:
    """The results of all tasks, or the first error as soon as it comes."""
    done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
    for task in done:
        task.result()
    return [task.result() for task in tasks]
