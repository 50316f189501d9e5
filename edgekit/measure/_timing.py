"""One model on one runtime while it is timed, launch by launch; after an error it only remembers the error."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgekit import sandbox, tflite
from edgekit.errors import EdgekitError, ModelRefused, RuntimeFailed
from edgekit.measure.comparison import Turns
from edgekit.runtimes import Clock, Executor, Kernels, Session
from edgekit.tensors import Array, random_input

__all__ = ["Timed", "one_line"]

_STABLE = 0.03  # relative change between medians of two warm-up blocks
_CALM_BLOCKS = 2  # in a row
_TURN_NS = 15_000_000  # a turn without a settled number of runs takes about so long
_MOST_RUNS = 1000  # of a turn
_PART = 0.25  # of the time limit: what one request to the child may take, about


class Timed:
    """A model on a runtime whose sessions have a clock.

    Args:
        read: Gives the model; the file is read at the first launch.
        executor: What opens it.
        runtime: The runtime's name, for messages.
        threads: Threads of one inference.
        kernels: The runtime's choice of kernels.
        time_limit: Seconds that loading, and each request for inferences, may take.
    """

    def __init__(
        self,
        read: Callable[[], tflite.Model],
        executor: Executor,
        runtime: str,
        *,
        threads: int,
        kernels: Kernels,
        time_limit: float,
    ) -> None:
        self._read, self._executor, self._runtime, self._threads = read, executor, runtime, threads
        self._kernels: Kernels = kernels
        self._limit = time_limit
        self._session: Session | None = None
        self._clock: Clock | None = None
        self._launch, self._per_run = -1, 0.0
        self._labels: list[int] = []
        self.error: str | None = None
        self.passing = False
        self.turns: list[Array] = []
        self.warm_up_runs = 0
        self.stable = True
        self.switches: int | None = None
        self.peak_memory: int | None = None

    def guard(self, step: Callable[[], None]) -> None:
        """Do a step, unless one has failed; a failure becomes one line."""
        if self.error is not None:
            return
        try:
            step()
        except EdgekitError as error:
            self.error, self.passing = one_line(error), not isinstance(error, ModelRefused)
            self.close()

    def launch(self, rng: np.random.Generator, most: int) -> None:
        """Start a process of its own and run until times are stable: blocks in a row whose medians agree to 3 %.

        Args:
            rng: Makes the inputs.
            most: Untimed inferences at most.
        """
        self._launch += 1
        self._session = session = self._opened()
        self._clock = clock = session.clock
        if clock is None:
            raise RuntimeFailed(f"The runtime {self._runtime} does not measure time.", remedy="Use litert.")
        clock.time([random_input(spec, rng) for spec in session.inputs], 1)
        done, calm, block, last = 1, 0, max(1, most // 20), math.inf
        while done < most and calm < _CALM_BLOCKS:
            median = float(np.median(self._run(min(block, most - done))))
            done += block
            calm = calm + 1 if abs(median - last) <= _STABLE * median else 0
            last = self._per_run = median
        if not self._per_run:
            self._per_run = float(np.median(self._run(1)))
        self.stable = self.stable and calm >= _CALM_BLOCKS
        self.warm_up_runs += min(done, most)

    def measure(self, runs: int | None) -> None:
        """One turn: so many timed inferences, or about 15 ms of them."""
        if runs is None:
            runs = min(_MOST_RUNS, max(1, round(_TURN_NS / max(self._per_run, 1.0))))
        self._run(1)  # the others have had the caches
        before = self._switches()
        self.turns.append(self._run(runs))
        self._labels.append(self._launch)
        if before is not None:
            self.switches = (self.switches or 0) + (self._switches() or 0) - before

    def land(self) -> None:
        """End the process, and keep the most memory that any has taken."""
        if self._clock is not None:
            found = self._clock.peak_memory()
            if found is not None:
                self.peak_memory = max(found, self.peak_memory or 0)
        self.close()

    def close(self) -> None:
        """End the process, if one is alive."""
        if self._session is not None:
            self._session.close()
        self._session = self._clock = None

    def by_turns(self) -> Turns:
        """The turns' medians in ms."""
        medians = np.array([np.median(turn) / 1e6 for turn in self.turns], np.float64)
        return Turns(medians, np.array(self._labels, np.intp))

    def seconds(self) -> float:
        """Of timed work so far."""
        return float(sum(turn.sum() for turn in self.turns)) / 1e9

    def _opened(self) -> Session:
        model = self._read()
        with sandbox.cold():  # a process that was forked may find its memory elsewhere
            return self._executor.open(model, threads=self._threads, kernels=self._kernels, time_limit=self._limit)

    def _run(self, runs: int) -> Array:
        """Nanoseconds of each, asked for in parts that stay well within the time limit."""
        assert self._clock is not None
        part = max(1, int(_PART * self._limit * 1e9 / self._per_run)) if self._per_run else 1
        took: list[int] = []
        while len(took) < runs:
            took += self._clock.time([], min(part, runs - len(took)))
            self._per_run = self._per_run or float(took[0])
        return np.array(took, np.float64)

    def _switches(self) -> int | None:
        return None if self._clock is None else self._clock.switches()


def one_line(error: EdgekitError) -> str:
    """An error as one line."""
    return " ".join(str(error).split())
