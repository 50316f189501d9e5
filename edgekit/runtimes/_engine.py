"""One model in one TFLite interpreter, inside the child process; the same for every runtime that has that interface."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.tensors import Array, Quant, TensorSpec, dequantize, quantize

__all__ = ["Engine"]

# A batch pays where a sample is small and the calls from Python dominate; from 128x128 images on it only costs memory.
_BATCH_ELEMENTS = 1 << 15
_LARGEST_BATCH = 64


class Engine:
    """A loaded model.

    Args:
        interpreter: The runtime's `Interpreter` class.
        kernels: One of the runtime's `OpResolverType` values.
        path: The `.tflite`.
        threads: Threads of one inference.

    Raises:
        ValueError, RuntimeError: The interpreter refuses the model.
    """

    def __init__(self, interpreter: Any, kernels: Any, path: str, threads: int) -> None:
        self._new: Callable[[], Any] = lambda: interpreter(
            model_path=path, num_threads=threads, experimental_op_resolver_type=kernels
        )
        self._plain = self._new()
        self._plain.allocate_tensors()
        self._inputs = self._plain.get_input_details()
        self._outputs = self._plain.get_output_details()
        self.inputs = tuple(spec_of(detail) for detail in self._inputs)
        self.outputs = tuple(spec_of(detail) for detail in self._outputs)
        self._runner: _Runner | None = None

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference at the declared shapes; with `fresh`, variable tensors begin at zero."""
        if fresh:
            self._plain.reset_all_variables()
        for detail, values in zip(self._inputs, inputs, strict=True):
            self._plain.set_tensor(detail["index"], values)
        self._plain.invoke()
        return [self._plain.get_tensor(detail["index"]) for detail in self._outputs]

    def time(self, inputs: Sequence[Array], runs: int) -> list[int]:
        """Nanoseconds of each `invoke`; no inputs keeps those set before."""
        if inputs:
            self.run(inputs)
        invoke, clock, took = self._plain.invoke, time.perf_counter_ns, []
        for _ in range(runs):
            start = clock()
            invoke()
            took.append(clock() - start)
        return took

    def plan(
        self, samples: Sequence[Array], batch: int | None, output: int, alive: Callable[[], None]
    ) -> tuple[int, tuple[int, ...]]:
        """The batch that holds for these samples, and the shape of one sample's output."""
        single = _Runner(self._new(), self.inputs, samples, None, output, self.outputs[output])
        first = single.run([s[: single.step] for s in samples])
        self._runner = single
        wanted = batch if batch is not None else _usual_batch(samples)
        if single.stacked and single.step == 1 and wanted > 1:
            batched = self._verified(single, samples, wanted, output, alive)
            self._runner = batched or single
        return self._runner.step, first.shape[1:]

    def map(self, samples: Sequence[Array], out: Array, alive: Callable[[], None]) -> None:
        """Fill `out` [n, ...] with the planned output of every sample."""
        assert self._runner is not None
        step, count = self._runner.step, len(out)
        for start in range(0, count, step):
            stop = min(start + step, count)
            result = self._runner.run([values[start:stop] for values in samples])
            out[start:stop] = result[: stop - start].reshape(stop - start, *out.shape[1:])
            alive()

    def _verified(
        self, single: _Runner, samples: Sequence[Array], batch: int, output: int, alive: Callable[[], None]
    ) -> _Runner | None:
        """A runner of `batch` samples, if it gives for some samples what each gives alone."""
        count = min(batch, len(samples[0]))
        try:
            runner = _Runner(self._new(), self.inputs, samples, batch, output, self.outputs[output])
            together = runner.run([values[:count] for values in samples])
        except (RuntimeError, ValueError):
            return None  # a graph with a fixed batch inside, such as a RESHAPE to [1, 64]
        if len(together) != count:
            return None
        for i in sorted({0, 1, count // 2, count - 1} & set(range(count))):
            alone = single.run([values[i : i + 1] for values in samples])
            alive()
            if alone.shape != together[i : i + 1].shape or not _same(alone, together[i : i + 1], runner.quantised):
                return None
        return runner


class _Runner:
    """An interpreter resized to take `batch` samples (None: what the file declares) and give one output."""

    def __init__(
        self,
        interpreter: Any,
        specs: Sequence[TensorSpec],
        samples: Sequence[Array],
        batch: int | None,
        output: int,
        target: TensorSpec,
    ) -> None:
        self._interpreter, self._specs = interpreter, specs
        details = interpreter.get_input_details()
        self._indices = [detail["index"] for detail in details]
        # Samples come as [n, ...]; a model without a batch dimension takes each one whole.
        self.stacked = all(len(s.shape) == len(d["shape"]) for s, d in zip(samples, details, strict=True))
        self.step = batch or (int(details[0]["shape"][0]) if self.stacked and details else 1)
        for detail, values in zip(details, samples, strict=True):
            shape = [self.step, *values.shape[1:]] if self.stacked else list(values.shape[1:])
            if shape != list(detail["shape"]):
                interpreter.resize_tensor_input(detail["index"], shape)
        interpreter.allocate_tensors()
        self._output = interpreter.get_output_details()[output]["index"]
        self._target = target
        self.quantised = self._target.scale is not None

    def run(self, samples: Sequence[Array]) -> Array:
        """Outputs [n, ...] as float32 for at most `step` samples; a shorter last batch repeats its last sample."""
        count = len(samples[0])
        for index, spec, values in zip(self._indices, self._specs, samples, strict=True):
            own = quantize(values, spec)
            if count < self.step:
                own = np.concatenate([own, np.repeat(own[-1:], self.step - count, axis=0)])
            self._interpreter.set_tensor(index, own if self.stacked else own[0])
        self._interpreter.reset_all_variables()  # samples are independent: no state goes from one to the next
        self._interpreter.invoke()
        result = dequantize(self._interpreter.get_tensor(self._output), self._target)
        if not self.stacked or (self.step == 1 and result.shape[:1] != (1,)):
            return result[np.newaxis]
        if result.shape[:1] != (self.step,):
            raise ValueError(f"a batch of {self.step} samples gives an output of shape {result.shape}")
        return result[:count]


def _usual_batch(samples: Sequence[Array]) -> int:
    elements = max([1, *(int(np.prod(values.shape[1:])) for values in samples)])
    fitting = max(1, min(_LARGEST_BATCH, _BATCH_ELEMENTS // elements))
    return 1 << (fitting.bit_length() - 1)


def _same(a: Array, b: Array, quantised: bool) -> bool:
    # Kernels for larger float matrices add in another order; integers leave no such room.
    return bool(np.array_equal(a, b) if quantised else np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True))


def spec_of(detail: Mapping[str, Any]) -> TensorSpec:
    """What an interpreter tells of an input or output."""
    scales, zeros = detail["quantization_parameters"]["scales"], detail["quantization_parameters"]["zero_points"]
    shape = tuple(int(n) for n in detail["shape"])
    signature = tuple(int(n) for n in detail["shape_signature"])
    return TensorSpec(
        detail["name"],
        shape,
        np.dtype(detail["dtype"]).name,
        Quant(tuple(map(float, scales)), tuple(map(int, zeros))) if len(scales) else None,
        signature if signature and signature != shape else None,
    )
