"""What EdgeKit reads of TensorFlow's messages: protocols, since the classes are made when the program runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

__all__ = ["BundleEntry", "Function", "MetaGraph", "Node", "SavedModelMessage", "TensorInfo"]


class Named(Protocol):
    """A message with a name."""

    name: str


class Constant(Protocol):
    """`TensorProto`."""

    dtype: int
    string_val: Sequence[bytes]


class Values(Protocol):
    """`AttrValue.ListValue`."""

    func: Sequence[Named]
    s: Sequence[bytes]


class Attribute(Protocol):
    """`AttrValue`."""

    func: Named
    list: Values
    s: bytes
    tensor: Constant


class Node(Protocol):
    """`NodeDef`."""

    name: str
    op: str
    input: Sequence[str]
    attr: Mapping[str, Attribute]


class Signature(Protocol):
    """`OpDef`."""

    name: str
    input_arg: Sequence[Named]


class Function(Protocol):
    """`FunctionDef`."""

    signature: Signature
    node_def: Sequence[Node]
    attr: Mapping[str, Attribute]


class Gradient(Protocol):
    """`GradientDef`."""

    function_name: str
    gradient_func: str


class Library(Protocol):
    """`FunctionDefLibrary`."""

    function: Sequence[Function]
    gradient: Sequence[Gradient]


class Graph(Protocol):
    """`GraphDef`."""

    node: Sequence[Node]
    library: Library


class Saver(Protocol):
    """`SaverDef`."""

    filename_tensor_name: str
    restore_op_name: str
    save_tensor_name: str


class Sparse(Protocol):
    """`TensorInfo.CooSparse`."""

    values_tensor_name: str
    indices_tensor_name: str
    dense_shape_tensor_name: str


class Composite(Protocol):
    """`TensorInfo.CompositeTensor`."""

    components: Sequence[TensorInfo]


class TensorInfo(Protocol):
    """`TensorInfo`."""

    name: str
    coo_sparse: Sparse
    composite_tensor: Composite


class SignatureTensors(Protocol):
    """`SignatureDef`."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]


class Texts(Protocol):
    """`CollectionDef.NodeList`."""

    value: Sequence[str]


class Collection(Protocol):
    """`CollectionDef`."""

    node_list: Texts


class Asset(Protocol):
    """`AssetFileDef`."""

    filename: str


class Bare(Protocol):
    """`SavedBareConcreteFunction`."""

    concrete_function_name: str


class SavedFunction(Protocol):
    """`SavedFunction`."""

    concrete_functions: Sequence[str]


class UserObject(Protocol):
    """`SavedUserObject`."""

    identifier: str
    metadata: str


class SavedObject(Protocol):
    """`SavedObject`."""

    function: SavedFunction
    bare_concrete_function: Bare
    user_object: UserObject

    def WhichOneof(self, group: str, /) -> str | None: ...


class Objects(Protocol):
    """`SavedObjectGraph`."""

    nodes: Sequence[SavedObject]
    concrete_functions: Mapping[str, SavedFunction]


class MetaInfo(Protocol):
    """`MetaInfoDef`."""

    tensorflow_version: str


class MetaGraph(Protocol):
    """`MetaGraphDef`."""

    graph_def: Graph
    saver_def: Saver
    signature_def: Mapping[str, SignatureTensors]
    collection_def: Mapping[str, Collection]
    object_graph_def: Objects
    asset_file_def: Sequence[Asset]
    meta_info_def: MetaInfo


class SavedModelMessage(Protocol):
    """`SavedModel`."""

    meta_graphs: Sequence[MetaGraph]


class Size(Protocol):
    """`TensorShapeProto.Dim`."""

    size: int


class ShapeMessage(Protocol):
    """`TensorShapeProto`."""

    dim: Sequence[Size]
    unknown_rank: bool


class BundleEntry(Protocol):
    """`BundleEntryProto`."""

    dtype: int
    offset: int
    shape: ShapeMessage
    shard_id: int
    size: int
    slices: Sequence[Named]
