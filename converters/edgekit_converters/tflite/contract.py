"""The contract of a converted file, checked on the file that was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgekit import registry, tflite
from edgekit.errors import ConversionError
from edgekit.measure.parity import Parity, Reference, compare, finding, refused
from edgekit.measure.parting import parting_layer
from edgekit.tensors import Array
from edgekit_converters.tflite import formats
from edgekit_converters.tflite.spec import ConvertSpec

__all__ = ["Layers", "check_contract", "check_parity"]

Layers = Callable[[], Sequence[tuple[str, Array]]]
"""Name and output of each layer of the Keras model, to the first samples of a reference; asked only on a failure."""


def check_contract(model: tflite.Model, spec: ConvertSpec) -> None:
    """Make sure that a file is what its format promises.

    Raises:
        ConversionError: Another quantisation, float tensors inside an integer model, a Flex or custom operator, other
            input or output dtypes, or a batch size other than 1.
    """
    broken = registry.load(formats, spec.format).problems(tflite.quantization_of(model), tflite.float_tensors(model))
    custom = {op.name: op.flex for graph in model.running for op in graph.operators if op.custom}
    for kind, flex in (("Flex", True), ("custom", False)):
        if named := sorted(name for name, is_flex in custom.items() if is_flex == flex):
            broken.append(f"{kind} operators: {', '.join(named)}")
    main = model.graphs[0]
    for places, dtype, side in ((main.inputs, spec.input_dtype, "input"), (main.outputs, spec.output_dtype, "output")):
        for tensor in (main.tensors[i] for i in places):
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


def check_parity(
    model: tflite.Model, spec: ConvertSpec, reference: Reference, accepted_db: float | None, layers: Layers
) -> Parity:
    """Make sure that a file answers as the Keras model did.

    Raises:
        ConversionError: It is another function; the message names the layer where they part, where that shows.
    """
    parity = compare(model, reference, accepted_db=accepted_db)
    found = finding(parity, spec.format)
    if found is None:
        return parity
    answers = layers()
    count = len(answers[0][1]) if answers else 0
    few = {name: array[:count] for name, array in reference.samples.items()}
    raise refused(parity, spec.format, found, parting_layer(model, few, answers, spec.format) if count else None)
