"""Whether a `.tflite` fits a target, as the C export would put it there."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from edgekit import tflite
from edgekit.errors import ModelError
from edgekit.readable import Rows
from edgekit.target import Target
from edgekit.tflite.quantization import quantization_of
from edgekit_converters.c.needs import Needs, needs_of

__all__ = ["Fit", "fit"]


@dataclass(frozen=True)
class Fit:
    """What a target says of a model.

    Attributes:
        target: Its name.
        format_runs: The target runs files of this quantisation; None where the file has none of EdgeKit's formats.
        weights_bytes, arena_bytes, state_bytes: Bytes of the C export, exact; None where it cannot be exported.
        code_bytes: Bytes of its code, estimated; None likewise.
        flash_bytes, ram_bytes: What the target has; None where boards differ.
        reason: Why it cannot be exported as C; None where it can.
        fits: Format, flash and RAM suffice, the stack and the application's own part left out; None where that cannot
            be told.
        measure: The command that measures what is estimated here; None where no runtime emulates the target.
    """

    target: str
    format_runs: bool | None
    weights_bytes: int | None
    arena_bytes: int | None
    state_bytes: int | None
    code_bytes: int | None
    flash_bytes: int | None
    ram_bytes: int | None
    reason: str | None
    fits: bool | None
    measure: str | None

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return asdict(self)

    def rows(self) -> Rows:
        """What people read."""
        flash = None if self.weights_bytes is None else self.weights_bytes + (self.code_bytes or 0)
        ram = None if self.arena_bytes is None else self.arena_bytes + (self.state_bytes or 0)
        parts = f" (weights {self.weights_bytes:,}, code about {self.code_bytes:,}, estimated)" if flash else ""
        state = f" (arena {self.arena_bytes:,}, state {self.state_bytes:,}; without the stack)" if ram else ""
        return [
            ("fits", {True: "yes", False: "no", None: "unknown"}[self.fits]),
            ("the target runs its format", {True: "yes", False: "no", None: "unknown"}[self.format_runs]),
            ("flash", f"{_said(flash)} of {_said(self.flash_bytes)} bytes{parts}"),
            ("RAM", f"{_said(ram)} of {_said(self.ram_bytes)} bytes{state}"),
            ("as C", self.reason or "can be exported"),
            ("measured by", self.measure),
        ]


def fit(model: tflite.Model, target: Target) -> Fit:
    """Hold a model against a target.

    Weights and arena are those of the planner that writes the C export, so they are exact; code is estimated. A model
    that cannot be exported needs more than its file in flash: where that alone is too large, it does not fit, and where
    it is not, nothing is said.
    """
    format_runs = _format_runs(model, target)
    needs: Needs | None = None
    reason = None
    try:
        needs = needs_of(model)
    except ModelError as error:
        reason = str(error)
    flash = len(model.content) if needs is None else needs.weights_bytes + needs.code_bytes
    ram = None if needs is None else needs.arena_bytes + needs.state_bytes
    answers = [format_runs, _below(flash, target.flash_bytes, exact=needs is not None), _below(ram, target.ram_bytes)]
    return Fit(
        target=target.name,
        format_runs=format_runs,
        weights_bytes=needs.weights_bytes if needs else None,
        arena_bytes=needs.arena_bytes if needs else None,
        state_bytes=needs.state_bytes if needs else None,
        code_bytes=needs.code_bytes if needs else None,
        flash_bytes=target.flash_bytes,
        ram_bytes=target.ram_bytes,
        reason=reason,
        fits=False if False in answers else None if None in answers else True,
        measure=f"edgekit benchmark MODEL --runtime {target.runtime}" if target.runtime and needs else None,
    )


def _format_runs(model: tflite.Model, target: Target) -> bool | None:
    kind = quantization_of(model)
    return None if kind in ("uint8", "mixed") else kind in target.formats


def _below(value: int | None, limit: int | None, *, exact: bool = True) -> bool | None:
    """Whether a need is met; None where one of both is unknown, or where the need is only the least that it can be."""
    if value is None or limit is None:
        return None
    return False if value > limit else True if exact else None


def _said(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"
