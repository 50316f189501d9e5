"""`.tflite` files without TensorFlow: read and verify, inspect, count."""

from edgekit.tflite.inspection import Inspection, inspect
from edgekit.tflite.macs import count_macs
from edgekit.tflite.model import Graph, Model, Operator, Signature, Tensor
from edgekit.tflite.quantization import float_tensors, quantization_of
from edgekit.tflite.reader import read
from edgekit.tflite.state import State, state_of
from edgekit.tflite.weights import Sources, Weight, weights, zero_count

__all__ = [
    "Inspection",
    "Operator",
    "Signature",
    "Sources",
    "State",
    "Graph",
    "Tensor",
    "Model",
    "Weight",
    "count_macs",
    "float_tensors",
    "inspect",
    "quantization_of",
    "read",
    "state_of",
    "weights",
    "zero_count",
]
