"""The wrapper of a model in Kotlin, in explicit API mode; it needs the standard library alone."""

from __future__ import annotations

from edgekit.data.preprocessing import OPERATIONS, PADDING, UNKNOWN, Resize, Tokenize
from edgekit.tensors import TensorSpec
from edgekit_converters.android.contract import DTYPES, LIMITS, Contract
from edgekit_converters.android.java.preprocessing import number
from edgekit_converters.android.kotlin.preprocessing import body
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

_PUT = {
    "float32": "buffer.putFloat({})",
    "int8": "buffer.put({}.toInt().toByte())",
    "uint8": "buffer.put({}.toInt().toByte())",
    "int16": "buffer.putShort({}.toInt().toShort())",
    "int32": "buffer.putInt({}.toInt())",
    "int64": "buffer.putLong({}.toLong())",
    "bool": "buffer.put(if ({} != 0f) 1.toByte() else 0.toByte())",
}
_GET = {
    "float32": "buffer.getFloat()",
    "int8": "buffer.get().toFloat()",
    "uint8": "(buffer.get().toInt() and 0xff).toFloat()",
    "int16": "buffer.getShort().toFloat()",
    "int32": "buffer.getInt().toFloat()",
    "int64": "buffer.getLong().toFloat()",
    "bool": "buffer.get().toFloat()",
}


def sources(contract: Contract, golden: str) -> dict[str, str]:
    """The files of a wrapper by their names.

    Args:
        contract: What is known of the model.
        golden: Path of the golden vectors among the assets.
    """
    raw = contract.stages.raw if contract.stages else Form(())
    shared = {"c": contract, "raw": raw, "of": of, "constant": constant, **_sizes(raw)}
    made = {
        f"{contract.name}.kt": render(
            "kotlin",
            "wrapper.kt",
            input_buffers=", ".join(f"direct({p.bytes})" for p in contract.inputs),
            output_buffers=", ".join(f"direct({p.bytes})" for p in contract.outputs),
            **shared,
            asset=text(contract.asset, kotlin=True),
            asset_comment=comment(contract.asset),
            golden=text(golden, kotlin=True),
            summary=summary(contract),
            labels=chunks(contract.labels, kotlin=True) if contract.labels else [],
            raw_note=raw_note(raw),
            quantised_note=quantised_note,
            real_note=real_note,
            dequantised_note=dequantised_note,
            quantises=any(p.spec.scale is not None and p.spec.dtype in LIMITS for p in contract.inputs),
            put=_put,
            put_whole=lambda spec, value: _PUT[spec.dtype].format(value),
            get=_get,
            scale=lambda spec: number(spec.scale or 0.0),
            zero_point=lambda spec: spec.zero_point or 0,
        ),
        f"{contract.name}SelfTest.kt": render(
            "kotlin",
            "self_test.kt",
            **shared,
            output_dtypes=", ".join(f'"{p.spec.dtype}"' for p in contract.outputs),
            input_widths=", ".join(str(DTYPES[p.spec.dtype]) for p in contract.inputs),
        ),
    }
    if contract.stages:
        made[f"{contract.name}Preprocessing.kt"] = _preprocessing(contract, contract.stages, shared)
    return made


def _preprocessing(contract: Contract, stages: Stages, shared: dict[str, object]) -> str:
    names = {kind: name for name, kind in OPERATIONS.items()}
    first = stages.stages[0].operation if stages.stages else None
    return render(
        "kotlin",
        "preprocessing.kt",
        **shared,
        operations=", ".join(names[type(s.operation)] for s in stages.stages) or "nothing",
        resizes=any(isinstance(s.operation, Resize) for s in stages.stages),
        body=body(stages),
        tokenizer=_tokenizer(first) if isinstance(first, Tokenize) else "",
    )


def _tokenizer(operation: Tokenize) -> str:
    words = () if isinstance(operation.vocabulary, int) else operation.vocabulary
    return render(
        "kotlin",
        "tokenizer.kt",
        vocabulary=chunks(words, kotlin=True),
        length=operation.length,
        first=UNKNOWN + 1,
        unknown=UNKNOWN,
        padding=PADDING,
    ).rstrip("\n")


def _sizes(raw: Form) -> dict[str, str]:
    """How a sample of free size is handed over, and how its values are counted."""
    if None in raw.shape and not raw.text:
        return {
            "size_parameters": ", height: Int, width: Int",
            "size_arguments": ", height, width",
            "image_arguments": ", height, width",
            "count_check": f"checked(sample.size, height, width, {raw.shape[2]})",
        }
    return {
        "size_parameters": "",
        "size_arguments": "",
        "image_arguments": "",
        "count_check": f"checked(sample.size, {raw.count})",
    }


def _put(spec: TensorSpec, value: str) -> str:
    """A statement that puts a real value into `buffer`."""
    if spec.scale is not None and spec.dtype in LIMITS:
        least, most = LIMITS[spec.dtype]
        value = f"quantised({value}, {number(spec.scale)}, {spec.zero_point}, {least}f, {most}f)"
    return _PUT[spec.dtype].format(value)


def _get(spec: TensorSpec) -> str:
    """An expression for the next real value of `buffer`."""
    if spec.scale is None or spec.dtype not in LIMITS:
        return _GET[spec.dtype]
    return f"{number(spec.scale)} * ({_GET[spec.dtype]} - {spec.zero_point}f)".replace("- -", "+ ")
