"""Sentences on a model and its tensors, for the documentation inside a wrapper."""

from __future__ import annotations

from edgekit_converters.android.wrapper.contract import Contract, Port
from edgekit_converters.preprocessing import Form

__all__ = ["dequantised_note", "quantised_note", "raw_note", "real_note", "summary"]


def summary(contract: Contract) -> str:
    """What a model has, for the first line of a wrapper's documentation."""
    told = [f"{len(contract.inputs)} input(s), {len(contract.outputs)} output(s)"]
    if contract.labels:
        told.append(f"{len(contract.labels)} classes")
    if contract.keeps_state:
        told.append("it remembers from run to run")
    return ", ".join(told)


def raw_note(raw: Form) -> str:
    """What a sample consists of."""
    if raw.text or not raw.shape:
        return ""
    if None in raw.shape:
        return f"height x width x {raw.shape[2]} values, channels last"
    return f"{' x '.join(str(size) for size in raw.shape)} values"


def quantised_note(port: Port) -> str:
    """How a real value is put into a buffer."""
    spec = port.spec
    if spec.scale is None:
        return "values as the model takes them."
    return f"round(value / {spec.scale:.9g}) + {spec.zero_point}, cut off at the ends of {spec.dtype}."


def real_note(port: Port) -> str:
    """What becomes of values that are set."""
    return ", which are quantised as the model asks" if port.spec.scale is not None else ""


def dequantised_note(port: Port) -> str:
    """What becomes of values that are read."""
    return ", dequantised," if port.spec.scale is not None else ""
