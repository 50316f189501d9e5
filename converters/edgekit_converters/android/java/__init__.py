"""The wrapper of a model in Java 8: no reflection, no lambdas, nothing that an old dexer does not take."""

from __future__ import annotations

from edgekit.data.preprocessing import OPERATIONS, PADDING, UNKNOWN, Resize, Tokenize
from edgekit.tensors import TensorSpec
from edgekit_converters.android.contract import DTYPES, LIMITS, Contract
from edgekit_converters.android.java.preprocessing import body, number
from edgekit_converters.android.names import chunks, comment, text
from edgekit_converters.android.wording import (
    constant,
    dequantised_note,
    of,
    quantised_note,
    raw_note,
    real_note,
    render,
    summary,
)
from edgekit_converters.preprocessing import Form, Stages

__all__ = ["sources"]

_PUT = {"float32": "buffer.putFloat({})", "int16": "buffer.putShort((short) {})", "int32": "buffer.putInt((int) {})"}
_GET = {"float32": "buffer.getFloat()", "int16": "buffer.getShort()", "int32": "buffer.getInt()"}
_PUT |= {"int64": "buffer.putLong((long) {})", "int8": "buffer.put((byte) {})", "uint8": "buffer.put((byte) (int) {})"}
_GET |= {"int64": "buffer.getLong()", "int8": "buffer.get()", "uint8": "(buffer.get() & 0xff)"}
_PUT["bool"], _GET["bool"] = "buffer.put((byte) ({} != 0 ? 1 : 0))", "buffer.get()"


def sources(contract: Contract, golden: str) -> dict[str, str]:
    """The files of a wrapper by their names.

    Args:
        contract: What is known of the model.
        golden: Path of the golden vectors among the assets.
    """
    raw = contract.stages.raw if contract.stages else Form(())
    shared = {"c": contract, "raw": raw, "of": of, "constant": constant, **_sizes(raw)}
    made = {
        f"{contract.name}.java": render(
            "java",
            "wrapper.java",
            **shared,
            asset=text(contract.asset),
            asset_comment=comment(contract.asset),
            golden=text(golden),
            summary=summary(contract),
            labels=chunks(contract.labels) if contract.labels else [],
            raw_note=raw_note(raw),
            quantised_note=quantised_note,
            real_note=real_note,
            dequantised_note=dequantised_note,
            put=_put,
            put_whole=_put_whole,
            get=_get,
            scale=lambda spec: number(spec.scale or 0.0),
            zero_point=lambda spec: spec.zero_point or 0,
        ),
        f"{contract.name}SelfTest.java": render(
            "java",
            "self_test.java",
            **shared,
            output_dtypes=", ".join(f'"{p.spec.dtype}"' for p in contract.outputs),
            input_widths=", ".join(str(DTYPES[p.spec.dtype]) for p in contract.inputs),
        ),
    }
    if contract.stages:
        made[f"{contract.name}Preprocessing.java"] = _preprocessing(contract, contract.stages, shared)
    return made


def _preprocessing(contract: Contract, stages: Stages, shared: dict[str, object]) -> str:
    names = {kind: name for name, kind in OPERATIONS.items()}
    first = stages.stages[0].operation if stages.stages else None
    return render(
        "java",
        "preprocessing.java",
        **shared,
        operations=", ".join(names[type(s.operation)] for s in stages.stages) or "nothing",
        resizes=any(isinstance(s.operation, Resize) for s in stages.stages),
        body=body(stages),
        tokenizer=_tokenizer(first) if isinstance(first, Tokenize) else "",
    )


def _tokenizer(operation: Tokenize) -> str:
    words = () if isinstance(operation.vocabulary, int) else operation.vocabulary
    return render(
        "java",
        "tokenizer.java",
        vocabulary=chunks(words),
        length=operation.length,
        first=UNKNOWN + 1,
        unknown=UNKNOWN,
        padding=PADDING,
    ).rstrip("\n")


def _sizes(raw: Form) -> dict[str, str]:
    """How a sample of free size is handed over, and how its values are counted."""
    if None in raw.shape and not raw.text:
        channels = raw.shape[2]
        return {
            "size_parameters": ", int height, int width",
            "size_arguments": ", height, width",
            "image_arguments": ", height, width",
            "count_check": f"checked(sample.length, height, width, {channels})",
        }
    return {
        "size_parameters": "",
        "size_arguments": "",
        "image_arguments": "",
        "count_check": f"checked(sample.length, {raw.count})",
    }


def _put(spec: TensorSpec, value: str) -> str:
    """A statement that puts a real value into `buffer`."""
    if spec.scale is not None and spec.dtype in LIMITS:
        least, most = LIMITS[spec.dtype]
        value = f"quantised({value}, {number(spec.scale)}, {spec.zero_point}, {least}f, {most}f)"
    return _PUT[spec.dtype].format(value)


def _put_whole(spec: TensorSpec, value: str) -> str:
    """A statement that puts a whole number, which is not quantised any more, into `buffer`."""
    return _PUT[spec.dtype].format(f"(int) {value}" if spec.dtype in ("int8", "int16") else value)


def _get(spec: TensorSpec) -> str:
    """An expression for the next real value of `buffer`."""
    own = _GET[spec.dtype]
    if spec.scale is None or spec.dtype not in LIMITS:
        return own if spec.dtype == "float32" else f"(float) {own}"
    return f"{number(spec.scale)} * ((float) {own} - {spec.zero_point}f)".replace("- -", "+ ")
