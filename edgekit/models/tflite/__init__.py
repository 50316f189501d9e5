"""`.tflite` files without TensorFlow: read and verify, inspect, count."""

from edgekit.models.tflite.inspection import Inspection, inspect_tflite
from edgekit.models.tflite.macs import count_macs
from edgekit.models.tflite.model import Operator, Signature, Subgraph, Tensor, TfliteModel
from edgekit.models.tflite.quantization import float_tensors, quantization_of
from edgekit.models.tflite.reader import read_tflite
from edgekit.models.tflite.state import State, state_of
from edgekit.models.tflite.weights import Sources, Weight, weights, zero_count

__all__ = [
    "Inspection",
    "Operator",
    "Signature",
    "Sources",
    "State",
    "Subgraph",
    "Tensor",
    "TfliteModel",
    "Weight",
    "count_macs",
    "float_tensors",
    "inspect_tflite",
    "quantization_of",
    "read_tflite",
    "state_of",
    "weights",
    "zero_count",
]
