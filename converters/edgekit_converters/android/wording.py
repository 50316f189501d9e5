"""What wrappers of every language say of a model and its tensors, and the templates that say it."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from edgekit_converters.android.contract import Contract, Port
from edgekit_converters.preprocessing import Form

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "constant",
    "dequantised_note",
    "of",
    "quantised_note",
    "raw_note",
    "real_note",
    "render",
    "summary",
]


def render(language: str, template: str, **told: object) -> str:
    """Fill a template: `render("java", "wrapper.java", c=contract, ...)`."""
    return _environment(language).get_template(template).render(**told)


@cache
def _environment(language: str) -> Environment:
    import jinja2

    folder = resources.files("edgekit_converters") / "android" / language / "templates"
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )


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


def of(port: Port) -> str:
    """A space and the name; nothing for the only one."""
    return f" {port.name}" if port.name else ""


def constant(port: Port) -> str:
    """`LeftImage` -> `_LEFTIMAGE`."""
    return f"_{port.name.upper()}" if port.name else ""


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
