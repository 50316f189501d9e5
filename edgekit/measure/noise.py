"""Whether the machine was calm enough for its times to tell models apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Level", "Noise", "judge", "spread"]

Level = Literal["calm", "noisy", "too noisy"]

_NOISY, _TOO_NOISY = 0.05, 0.20  # spread of turns
_SWITCHES = 50.0  # a second of timed work; a CPU of one's own has few
_REMEDY = "close other programs, set the CPU's governor to performance, or count instructions with the runtime arm64"


@dataclass(frozen=True)
class Noise:
    """How calm a measurement was.

    Attributes:
        level: "calm"; "noisy", where differences below the intervals' width are not seen; or "too noisy", where single
            figures must not be compared with those of another run.
        reasons: What speaks for it, one line each; with the remedy last. Empty where calm.
    """

    level: Level
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)


def spread(turns: ArrayLike) -> float:
    """How far turns lie apart: the middle half of their figures, as a fraction of the median."""
    low, middle, high = np.quantile(np.asarray(turns, np.float64), [0.25, 0.5, 0.75])
    return float((high - low) / middle) if middle > 0 else 0.0


def judge(
    spreads: Iterable[float], *, switches: int | None, seconds: float, load: float | None, cores: int, threads: int
) -> Noise:
    """What the figures of a run say of the machine.

    Args:
        spreads: `spread` of each model on each runtime.
        switches: Involuntary context switches during timed work, in all; None where unknown.
        seconds: Seconds of timed work, in all.
        load: Average before the run, so that its own is not in it; None where unknown.
        cores: How many cores the run may use.
        threads: Threads of one inference.
    """
    widest = max(spreads, default=0.0)
    reasons = []
    if widest > _NOISY:
        reasons.append(f"turns of one model differ by {widest:.0%}")
    if switches is not None and seconds > 0 and switches / seconds > _SWITCHES:
        reasons.append(f"other programs took the CPU away {switches / seconds:.0f} times a second")
    if load is not None and load + threads > cores + 0.5:
        reasons.append(f"a load of {load:.1f} before the start, for {cores} cores")
    if not reasons:
        return Noise("calm", ())
    return Noise("too noisy" if widest > _TOO_NOISY else "noisy", (*reasons, _REMEDY))
