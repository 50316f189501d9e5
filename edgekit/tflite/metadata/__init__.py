"""TFLite metadata: what a file says of its own inputs and outputs, with files such as labels behind the model.

The schema is that of the TFLite Support library (metadata_schema.fbs), which Android's task library and code generators
read: a flatbuffer in the entry `TFLITE_METADATA`, and the files that it names in a zip archive behind the model.
"""

from edgekit.tflite.metadata.attaching import attach, original
from edgekit.tflite.metadata.encoding import encode
from edgekit.tflite.metadata.model import AssociatedFile, Image, Metadata, Normalization, TensorDescription
from edgekit.tflite.metadata.reading import ENTRY, associated_files, read_metadata

__all__ = [
    "ENTRY",
    "AssociatedFile",
    "Image",
    "Metadata",
    "Normalization",
    "TensorDescription",
    "associated_files",
    "attach",
    "encode",
    "original",
    "read_metadata",
]
