"""The contract of a converted file, checked on the file that was written."""

from __future__ import annotations

from pathlib import Path

from edgekit import registry
from edgekit.errors import ConversionError
from edgekit.models.tflite import float_tensors, inspect_tflite, read_tflite
from edgekit_converters.tflite import formats
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["check_contract"]


def check_contract(path: Path, spec: ConvertSpec) -> None:
    """Make sure that a file is what its format promises.

    Raises:
        ConversionError: Another quantisation, float tensors inside an integer model, a Flex or custom operator, other
            input or output dtypes, or a batch size other than 1.
    """
    found = inspect_tflite(path)
    broken = registry.load(formats, spec.format).problems(found.quantization, float_tensors(read_tflite(path)))
    for operators, kind in ((found.flex, "Flex"), (found.custom, "custom")):
        if operators:
            broken.append(f"{kind} operators: {', '.join(operators)}")
    for tensors, dtype, side in (
        (found.inputs, spec.input_dtype, "input"),
        (found.outputs, spec.output_dtype, "output"),
    ):
        for tensor in tensors:
            if tensor.dtype.startswith(("int32", "int64", "bool")):
                continue  # indices and flags are not quantised
            if tensor.dtype != dtype:
                broken.append(f"the {side} {tensor.name} is {tensor.dtype}, not {dtype}")
            if side == "input" and tensor.shape and tensor.shape[0] != 1:
                broken.append(f"the input {tensor.name} has batch {tensor.shape[0]}, not 1")
    if broken:
        raise ConversionError(
            f"A {spec.format} file keeps its contract.",
            received="; ".join(broken),
            remedy="Replace the layers that cannot be quantised, or choose another format.",
        )
