"""LiteRT 2's `CompiledModel`: what it can take of a model, and the signature by which it is asked.

Its interface is known from LiteRT's Kotlin sources (litert/kotlin, versions 2.1): buffers are written and read as
arrays of floats, ints, bytes and booleans; nothing resets variables, and no quantisation is told.
"""

from __future__ import annotations

from edgekit.errors import Finding
from edgekit.tflite import Graph, Model, state_of
from edgekit_converters.android.wrapper.contract import Entry

__all__ = ["LITERT", "RULES", "entry_of", "findings"]

LITERT = "com.google.ai.edge.litert:litert:2.1.6"
RULES = """# LiteRT's native code names these classes, and some of them are not in every version.
-keep class com.google.ai.edge.litert.** { *; }
-dontwarn com.google.ai.edge.litert.**
"""
"""For ProGuard and R8, which the app takes over."""
_DTYPES = ("float32", "int32", "int8", "uint8", "bool")
"""Bytes go into a uint8 tensor and come out of it as they are."""
_REMEDY = "Leave the option interpreter out: TFLite's own, the default, takes this model."


def findings(model: Model) -> list[Finding]:
    """What stands against a wrapper on `CompiledModel`, beside what stands against any."""
    graph, found = model.graphs[0], list[Finding]()
    for side, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in (graph.tensors[index] for index in indices):
            if tensor.dtype not in _DTYPES:
                rule = f"LiteRT 2 hands over arrays of {', '.join(_DTYPES)}."
                found.append(Finding(rule, f"{side} {tensor.name!r} of {tensor.dtype}", _REMEDY))
    if state_of(model) != "none":
        found.append(Finding("LiteRT 2 has no way to reset variables.", "a model that has some", _REMEDY))
    if _has_several(graph) and model.signatures and _by_name(model) is None:
        rule = "LiteRT 2 finds several inputs and outputs by the names that a signature of the file gives them."
        found.append(Finding(rule, "a signature without some of them", _REMEDY))
    return found


def entry_of(model: Model) -> Entry:
    """How to ask for the first graph of a model against which `findings` has nothing."""
    named = _by_name(model) if _has_several(model.graphs[0]) else None
    if named is not None:
        return named
    return Entry(next((place for place, signature in enumerate(model.signatures) if signature.graph == 0), 0))


def _has_several(graph: Graph) -> bool:
    return len(graph.inputs) > 1 or len(graph.outputs) > 1


def _by_name(model: Model) -> Entry | None:
    """The signature of the first graph that names all its inputs and outputs; a signature has an order of its own."""
    graph = model.graphs[0]
    for place, signature in enumerate(model.signatures):
        inputs, outputs = (
            {index: name for name, index in names.items()} for names in (signature.inputs, signature.outputs)
        )
        if signature.graph == 0 and {*graph.inputs} == {*inputs} and {*graph.outputs} == {*outputs}:
            told = (tuple(inputs[i] for i in graph.inputs), tuple(outputs[i] for i in graph.outputs))
            return Entry(place, signature.key, *told)
    return None
