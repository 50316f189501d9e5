"""A model on a device that gives outputs: each inference is a call of `benchmark_model` on files of our own."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit import tflite
from edgekit.errors import RuntimeFailed
from edgekit.runtimes import DeclaredSession, check_declared
from edgekit.runtimes._adb.devices import Device
from edgekit.runtimes._adb.workspace import Workspace
from edgekit.tensors import Array, TensorSpec

__all__ = ["AdbSession", "read_specs"]


class AdbSession(DeclaredSession):
    """A model on a device."""

    def __init__(
        self,
        workspace: Workspace,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        *,
        threads: int,
        xnnpack: bool,
        limit: float,
    ) -> None:
        super().__init__(inputs, outputs)
        self._workspace, self._limit = workspace, limit
        self._closed = False
        self._flags = {
            "num_threads": str(threads),
            "use_xnnpack": str(xnnpack).lower(),
            **{"num_runs": "1", "min_secs": "-1", "warmup_runs": "0", "warmup_min_secs": "-1"},  # so, exactly one
        }

    @property
    def device(self) -> Device:
        """What the model runs on."""
        return self._workspace.phone.device

    def run(self, inputs: Sequence[Array], *, fresh: bool = False) -> list[Array]:
        """One inference on arrays of exactly the declared shapes and dtypes, in the order of `inputs`.

        Args:
            inputs: One array for each.
            fresh: Of no meaning here: each inference is a process of its own, in which all variables begin at zero.

        Raises:
            ModelError: The arrays are not those that the model declares.
            RuntimeFailed: The device is gone, does not answer or refuses the model.
        """
        if self._closed:
            raise RuntimeFailed("The session on the runtime adb is closed.", remedy="Open a new one.")
        check_declared(inputs, self._inputs)
        try:
            return self._run(inputs)
        except BaseException:
            self._workspace.close(kill=True)
            self._closed = True
            raise

    def close(self) -> None:
        """Remove our files from the device; a second call does nothing."""
        self._closed = True
        self._workspace.close()

    def _run(self, inputs: Sequence[Array]) -> list[Array]:
        folder, sizes = self._workspace.folder, [_bytes(spec) for spec in self._outputs]
        with tempfile.TemporaryDirectory() as here:
            files = []
            for i, values in enumerate(inputs):
                local = Path(here, f"i{i}")
                local.write_bytes(values.tobytes())
                files.append(f"i{i}:{self._workspace.put(local, local.name)}")
            flags = dict(self._flags, output_filepath=f"{folder}/outputs")
            if inputs:
                # The tool only warns of other names, while a model's own might hold its separators.
                flags["input_layer"] = ",".join(f"i{i}" for i in range(len(inputs)))
                flags["input_layer_shape"] = ":".join(",".join(map(str, spec.shape)) for spec in self._inputs)
                flags["input_layer_value_files"] = ",".join(files)
            phone = self._workspace.phone
            phone.shell(f"rm -f {folder}/outputs")
            self._workspace.run(flags, cpus=None, limit=self._limit)
            if phone.shell(f"[ -f {folder}/outputs ]").code != 0:
                raise RuntimeFailed(
                    "The runtime adb gives outputs only with a benchmark_model that knows --output_filepath.",
                    received="no file of outputs",
                    remedy="Use a newer build of it, or only `benchmark`, which needs no outputs.",
                )
            local = Path(here, "outputs")
            phone.pull(f"{folder}/outputs", local, size=sum(sizes))
            data = local.read_bytes()
        if len(data) != sum(sizes):
            raise RuntimeFailed(
                f"The model's outputs take {sum(sizes)} bytes, by the shapes that it declares.",
                received=f"{len(data)} bytes",
                remedy="Outputs whose shapes are only known while the model runs cannot be read over adb.",
            )
        ends = np.cumsum(sizes)
        return [
            np.frombuffer(data[end - size : end], spec.dtype).reshape(spec.shape).copy()
            for spec, size, end in zip(self._outputs, sizes, ends, strict=True)
        ]


def read_specs(model: tflite.Model) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs as the file declares them.

    Raises:
        RuntimeFailed: An input or output that the tool cannot read or write.
    """
    graph = model.graphs[0]
    sides = []
    for indices, least_rank in ((graph.inputs, 1), (graph.outputs, 0)):  # the tool knows no inputs without a shape
        specs = []
        for tensor in (graph.tensors[i] for i in indices):
            try:
                dtype = np.dtype(tensor.dtype).name
            except TypeError:
                dtype = ""
            if not dtype or len(tensor.shape) < least_rank:
                raise RuntimeFailed(
                    "The runtime adb takes arrays of one dimension or more, and whole bytes per element.",
                    received=f"{tensor.name!r} of {tensor.dtype} {list(tensor.shape)}",
                )
            specs.append(replace(tensor.spec, dtype=dtype))
        sides.append(tuple(specs))
    return sides[0], sides[1]


def _bytes(spec: TensorSpec) -> int:
    return math.prod(spec.shape) * np.dtype(spec.dtype).itemsize
