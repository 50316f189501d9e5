"""Wrappers in any language: what a language is, and the files that are written in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from edgekit.data.preprocessing import LONGEST_WORD, OPERATIONS, PADDING, UNKNOWN, Resize, Tokenize
from edgekit.tensors import TensorSpec
from edgekit_converters.android.wrapper.contract import DTYPES, LABELS, LIMITS, Contract, Port
from edgekit_converters.android.wrapper.names import chunks, comment, number, text
from edgekit_converters.android.wrapper.notes import dequantised_note, quantised_note, raw_note, real_note, summary
from edgekit_converters.preprocessing import Form, Stage, Stages

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["Language", "sources"]


@dataclass(frozen=True)
class Language:
    """A language that wrappers are written in.

    Attributes:
        name: Name of the folder of its templates, and of its sources.
        ending: Ending of its files.
        dollars: Whether a dollar sign in a text must be escaped.
        put: By dtype, a statement that puts a real value, already on the tensor's own scale, into `buffer`.
        put_whole: By dtype, a statement that puts a whole number, held as a float, into it.
        get: By dtype, an expression for its next element as a float.
        sizes: The parameters of an image's size, after another one.
        length: An expression for the values of `sample`.
        body: The lines of a preprocessing.
    """

    name: str
    ending: str
    dollars: bool
    put: Mapping[str, str]
    put_whole: Mapping[str, str]
    get: Mapping[str, str]
    sizes: str
    length: str
    body: Callable[[Stages], list[str]]


def sources(language: Language, contract: Contract, golden: str) -> dict[str, str]:
    """The files of a wrapper by their names.

    Args:
        language: They are written in.
        contract: What is known of the model.
        golden: Path of the golden vectors among the assets.
    """
    raw = contract.stages.raw if contract.stages else Form(())
    shared = {"c": contract, "raw": raw, "of": _of, "constant": _constant, **_sizes(language, raw)}
    parts = {"": _wrapper(language, contract, golden, raw), "SelfTest": _self_test(contract)}
    if contract.labels:
        parts["Labels"] = {"labels": chunks(contract.labels, kotlin=language.dollars), "label_file": LABELS}
    if contract.gpu and contract.entry is None:
        parts["Gpu"] = {}
    if contract.stages:
        parts["Preprocessing"] = _preprocessing(language, contract.stages)
    files = {
        "": "wrapper" if contract.entry is None else "compiled",
        "SelfTest": "self_test",
        "Labels": "labels",
        "Gpu": "gpu",
        "Preprocessing": "preprocessing",
    }
    return {
        f"{contract.name}{part}.{language.ending}": _render(language, files[part], {**shared, **told})
        for part, told in parts.items()
    }


def _wrapper(language: Language, contract: Contract, golden: str, raw: Form) -> dict[str, object]:
    def put(spec: TensorSpec, value: str) -> str:
        return language.put[spec.dtype].format(_scaled(spec, value))

    def get(spec: TensorSpec) -> str:
        own = language.get[spec.dtype]
        if spec.scale is None or spec.dtype == "float32":
            return own
        return f"{number(spec.scale)} * ({own} - {spec.zero_point}f)".replace("- -", "+ ")

    return {
        "asset": text(contract.asset, kotlin=language.dollars),
        "asset_comment": comment(contract.asset),
        "golden": text(golden, kotlin=language.dollars),
        "summary": summary(contract),
        "raw_note": raw_note(raw),
        "quantised_note": quantised_note,
        "real_note": real_note,
        "dequantised_note": dequantised_note,
        "quantises": any(p.spec.scale is not None and p.spec.dtype in LIMITS for p in contract.inputs),
        "put": put,
        "put_whole": lambda spec, value: language.put_whole[spec.dtype].format(value),
        "get": get,
        "scale": lambda spec: number(spec.scale or 0.0),
        "zero_point": lambda spec: spec.zero_point or 0,
        "literal": lambda value: text(value, kotlin=language.dollars),
    }


def _self_test(contract: Contract) -> dict[str, object]:
    return {
        "output_dtypes": ", ".join(f'"{p.spec.dtype}"' for p in contract.outputs),
        "exact": ", ".join("true" if _is_exact(p.spec) else "false" for p in contract.outputs),
        "input_widths": ", ".join(str(DTYPES[p.spec.dtype]) for p in contract.inputs),
    }


def _is_exact(spec: TensorSpec) -> bool:
    """Whether an output is an index or a truth value, of which no neighbour will do."""
    return spec.dtype == "bool" or (spec.dtype != "float32" and spec.scale is None)


def _preprocessing(language: Language, stages: Stages) -> dict[str, object]:
    names = {kind: name for name, kind in OPERATIONS.items()}
    done = stages.stages
    first = done[0].operation if done else None
    resizes = [place for place, stage in enumerate(done) if isinstance(stage.operation, Resize)]
    at = resizes[0] if resizes else None
    return {
        "operations": ", ".join(names[type(s.operation)] for s in done) or "nothing",
        "resized": None if at is None else _resized(done[at]),
        "before": [] if at is None else language.body(Stages(stages.raw, done[:at])),
        "resizes_again": len(resizes) > 1,
        "body": language.body(stages if at is None else Stages(done[at].after, done[at + 1 :])),
        "tokenizer": _tokenizer(language, first) if isinstance(first, Tokenize) else "",
    }


def _resized(stage: Stage) -> tuple[int, int, int | None]:
    """Height, width and channels that a resize makes."""
    assert isinstance(stage.operation, Resize)
    return stage.operation.height, stage.operation.width, stage.before.shape[2]


def _tokenizer(language: Language, operation: Tokenize) -> str:
    words = () if isinstance(operation.vocabulary, int) else operation.vocabulary
    told = {
        "vocabulary": chunks(words, kotlin=language.dollars),
        "length": operation.length,
        "first": UNKNOWN + 1,
        "unknown": UNKNOWN,
        "padding": PADDING,
        "most_bytes": LONGEST_WORD,
    }
    return _render(language, "tokenizer", told).rstrip("\n")


def _sizes(language: Language, raw: Form) -> dict[str, str]:
    """How a sample of free size is handed over, and how its values are counted."""
    free = None in raw.shape and not raw.text
    return {
        "size_parameters": language.sizes if free else "",
        "size_arguments": ", height, width" if free else "",
        "image_arguments": ", height, width" if free else "",
        "count_check": f"checked({language.length}, {f'height, width, {raw.shape[2]}' if free else raw.count})",
    }


def _scaled(spec: TensorSpec, value: str) -> str:
    """A real value on the tensor's own scale."""
    if spec.scale is None or spec.dtype not in LIMITS:
        return value
    least, most = LIMITS[spec.dtype]
    return f"quantised({value}, {number(spec.scale)}, {spec.zero_point}, {least}f, {most}f)"


def _of(port: Port) -> str:
    """A space and the name; nothing for the only one."""
    return f" {port.name}" if port.name else ""


def _constant(port: Port) -> str:
    """`LeftImage` -> `_LEFTIMAGE`."""
    return f"_{port.name.upper()}" if port.name else ""


def _render(language: Language, template: str, told: Mapping[str, object]) -> str:
    return _environment(language.name).get_template(f"{template}.{language.ending}").render(**told)


@cache
def _environment(language: str) -> Environment:
    import jinja2

    folder = resources.files("edgekit_converters") / "android" / "wrapper" / language / "templates"
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        optimized=False,  # each template is rendered once: folding its constants costs more than it saves
    )
