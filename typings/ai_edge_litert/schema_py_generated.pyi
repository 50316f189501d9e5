"""The `.tflite` schema's own objects, as far as EdgeKit touches them; the generated module has no types.

Vectors are NumPy's where they were read, and lists where they were made. Those that a converter's file always has are
not optional here: tensors, operators, inputs and outputs.
"""

from collections.abc import Iterator
from typing import Protocol, Self, TypeVar

import numpy as np
from flatbuffers.builder import Builder
from flatbuffers.table import Table
from numpy.typing import NDArray

_T = TypeVar("_T", covariant=True)

class Numbers(Protocol[_T]):
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[_T]: ...
    def __getitem__(self, index: int, /) -> _T: ...
    def __contains__(self, value: object, /) -> bool: ...

class ActivationFunctionType:
    NONE: int
    RELU: int

class BuiltinOperator:
    CAST: int
    CUSTOM: int
    ELU: int
    UNIDIRECTIONAL_SEQUENCE_LSTM: int

class BuiltinOptions: ...
class BuiltinOptions2: ...
class Padding: ...

class TensorType:
    BOOL: int
    FLOAT16: int
    FLOAT32: int
    INT8: int
    INT16: int
    INT32: int
    INT64: int
    RESOURCE: int
    UINT8: int

class OptionsT:
    """The option tables: one of them is what an operator's union holds."""

class AddOptionsT(OptionsT):
    potScaleInt16: bool

class AssignVariableOptionsT(OptionsT): ...

class CallOnceOptionsT(OptionsT):
    initSubgraphIndex: int

class CastOptionsT(OptionsT):
    inDataType: int
    outDataType: int

class DynamicUpdateSliceOptionsT(OptionsT): ...
class GatherOptionsT(OptionsT): ...
class LessOptionsT(OptionsT): ...
class NotEqualOptionsT(OptionsT): ...
class QuantizeOptionsT(OptionsT): ...
class ReadVariableOptionsT(OptionsT): ...

class ReducerOptionsT(OptionsT):
    keepDims: bool

class ReshapeOptionsT(OptionsT):
    newShape: NDArray[np.int32]

class SelectV2OptionsT(OptionsT): ...

class VarHandleOptionsT(OptionsT):
    container: str
    sharedName: str

class WhileOptionsT(OptionsT):
    condSubgraphIndex: int
    bodySubgraphIndex: int

class BufferT:
    data: NDArray[np.uint8] | None

class QuantizationParametersT:
    scale: Numbers[float] | None
    zeroPoint: Numbers[int] | None

class TensorT:
    name: str | bytes
    shape: Numbers[int]
    type: int
    buffer: int
    quantization: QuantizationParametersT | None

class OperatorCodeT:
    builtinCode: int
    deprecatedBuiltinCode: int
    version: int

class OperatorT:
    opcodeIndex: int
    inputs: Numbers[int]
    outputs: Numbers[int]
    intermediates: Numbers[int] | None
    builtinOptionsType: int
    builtinOptions: OptionsT | None

class SubGraphT:
    name: str | bytes
    tensors: list[TensorT]
    operators: list[OperatorT]
    inputs: Numbers[int]
    outputs: Numbers[int]

class TensorMapT:
    name: str | bytes
    tensorIndex: int

class SignatureDefT:
    inputs: list[TensorMapT]
    outputs: list[TensorMapT]

class MetadataT:
    name: str | bytes
    buffer: int

class ModelT:
    operatorCodes: list[OperatorCodeT]
    subgraphs: list[SubGraphT]
    buffers: list[BufferT]
    metadata: list[MetadataT] | None
    signatureDefs: list[SignatureDefT]
    @classmethod
    def InitFromObj(cls, model: Model) -> Self: ...
    def Pack(self, builder: Builder) -> int: ...

class OperatorCode:
    def BuiltinCode(self) -> int: ...
    def DeprecatedBuiltinCode(self) -> int: ...

class SubGraph:
    _tab: Table

class Model:
    @classmethod
    def GetRootAs(cls, buf: bytes, offset: int = ...) -> Self: ...
    def OperatorCodes(self, j: int) -> OperatorCode: ...
    def OperatorCodesLength(self) -> int: ...
    def Subgraphs(self, j: int) -> SubGraph: ...
