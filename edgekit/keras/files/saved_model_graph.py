"""The check of one graph of a SavedModel: the operators of its nodes and functions, and who may call the saver."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NoReturn

from edgekit.errors import ModelError
from edgekit.keras.files.operators import ALLOWED, SAVER
from edgekit.keras.files.protos import Function, MetaGraph, Node, TensorInfo
from edgekit.places import by_place

__all__ = ["check_graph", "refuse"]

_CALLS = frozenset(["PartitionedCall", "StatefulPartitionedCall"])
_SUFFIX = re.compile(r"|/?part|\.part|_temp/part|_temp_[0-9a-f]{32}/part|\^s3://\.\*")
"""What TensorFlow adds to the prefix of a checkpoint while it writes the parts, and the pattern that it looks for."""
_HANDLES = (20, 21)
"""Types of tensors, DT_RESOURCE and DT_VARIANT: they hold objects of the process, which no constant does."""


def check_graph(folder: Path, meta_graph: MetaGraph) -> None:
    """Check every operator of every function, whether something calls it or not, and of the main graph.

    Raises:
        ModelError: An operator is not allowed, or something besides the saver writes or reads a checkpoint.
    """
    functions = {function.signature.name for function in meta_graph.graph_def.library.function}
    _check_names(folder, meta_graph)
    saver = _saver_calls(folder, meta_graph)
    for function in meta_graph.graph_def.library.function:
        name = function.signature.name
        where = f"the function {name[:80]!r}"
        allowed = ALLOWED | SAVER if name in saver.values() else ALLOWED
        _check_nodes(folder, function.node_def, where, allowed | functions)
        _check_calls(folder, function.node_def, where, saver)
        if name in saver.values():
            _check_saver(folder, function, where)
    main = [node for node in meta_graph.graph_def.node if node.name not in saver]
    _check_nodes(folder, meta_graph.graph_def.node, "the main graph", ALLOWED | functions)
    _check_calls(folder, main, "the main graph", saver)
    _check_callers(folder, meta_graph, main, saver)
    for asset in meta_graph.asset_file_def:
        path = PurePosixPath(asset.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or not path.parts:
            refuse(folder, "Assets lie in the folder of the model.", repr(asset.filename[:80]))


def refuse(folder: Path, rule: str, received: str) -> NoReturn:
    """Raise the error of a file that no program writes."""
    raise ModelError(
        rule, received=f"{folder}, {received}", remedy="It is damaged or was made to do harm: do not use it."
    )


def _check_names(folder: Path, meta_graph: MetaGraph) -> None:
    """Each name stands for one thing: else the check looks at one of two, and TensorFlow takes the other."""
    functions = [function.signature.name for function in meta_graph.graph_def.library.function]
    nodes = [node.name for node in meta_graph.graph_def.node]
    for kind, names in (("functions", functions), ("nodes", nodes)):
        if len(set(names)) != len(names):
            refuse(folder, f"The {kind} of a graph differ in name.", f"two {kind} of one name")


def _check_nodes(folder: Path, nodes: Iterable[Node], where: str, allowed: frozenset[str]) -> None:
    for node in nodes:
        if node.op not in allowed:
            raise ModelError(
                "A SavedModel holds only operators that compute tensors from tensors.",
                received=f"{folder} with the operator {node.op[:80]!r} in {where}, node {node.name[:80]!r}",
                remedy="Save it from Keras as .keras or .h5, or pass "
                f"{by_place(command='--unsafe', python='unsafe=True')} if you trust it.",
            )
        if node.op == "Const" and node.attr["value"].tensor.dtype in _HANDLES:
            refuse(folder, "A constant holds numbers or texts.", f"an object of the process in {where}")


def _saver_calls(folder: Path, meta_graph: MetaGraph) -> dict[str, str]:
    """Nodes of the main graph that `saver_def` names, by name, each with the one function that it calls.

    The save tensor may stand behind an Identity. Anything but a call on the placeholder of the file name is refused.
    """
    saver = meta_graph.saver_def
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    calls = {}
    for name in (saver.save_tensor_name, saver.restore_op_name):
        node = nodes.get(_origin(name))
        if node is not None and node.op == "Identity" and node.input:
            node = nodes.get(_origin(node.input[0]))
        if node is None:
            continue
        prefix = nodes.get(_origin(saver.filename_tensor_name))
        if (
            node.op not in _CALLS
            or prefix is None
            or prefix.op != "Placeholder"
            or not node.input
            or _origin(node.input[0]) != prefix.name
        ):
            refuse(folder, "A saver calls one function with the name of the file.", f"its node {name[:80]!r}")
        calls[node.name] = node.attr["f"].func.name
    return calls


def _check_calls(folder: Path, nodes: Iterable[Node], where: str, saver: dict[str, str]) -> None:
    """Nothing names a function of the saver: not as an operator, a function, or a text that stands for one."""
    forbidden = set(saver.values())
    for node in nodes:
        if forbidden & {node.op, *_called(node)}:
            refuse(folder, _ONLY_SAVER, f"a call of them by node {node.name[:80]!r} in {where}")


def _check_callers(folder: Path, meta_graph: MetaGraph, main: Iterable[Node], saver: dict[str, str]) -> None:
    """No node, signature, initialiser, gradient or Keras object leads to the saver."""
    functions = set(saver.values())
    behind = {node.name for node in main if any(_origin(name) in saver for name in node.input)}
    allowed = {_origin(meta_graph.saver_def.save_tensor_name)}
    if behind - allowed:
        refuse(folder, _ONLY_SAVER, f"node {sorted(behind - allowed)[0][:80]!r} that waits for them")
    hidden = {*saver, *behind}
    if any(_origin(name) in hidden for node in main for name in node.input):
        refuse(folder, _ONLY_SAVER, "a node of the main graph that waits for them")
    for key, signature in meta_graph.signature_def.items():
        tensors = [*signature.inputs.values(), *signature.outputs.values()]
        if any(_origin(name) in hidden for tensor in tensors for name in _tensor_names(tensor)):
            refuse(folder, _ONLY_SAVER, f"the signature {key[:80]!r}")
    for key, collection in meta_graph.collection_def.items():
        if any(_origin(name) in hidden for name in collection.node_list.value):
            refuse(folder, _ONLY_SAVER, f"the collection {key[:80]!r}")
    for gradient in meta_graph.graph_def.library.gradient:
        if {gradient.function_name, gradient.gradient_func} & functions:
            refuse(folder, _ONLY_SAVER, "a gradient")
    graph = meta_graph.object_graph_def
    revived = {*graph.concrete_functions}
    for node in graph.nodes:
        revived |= {*node.function.concrete_functions, node.bare_concrete_function.concrete_function_name}
    if revived & functions:
        refuse(folder, _ONLY_SAVER, "a function of an object")


_ONLY_SAVER = "Only the saver calls the functions that write and read its checkpoint."


def _check_saver(folder: Path, function: Function, where: str) -> None:
    """What is written and read is the file that the caller names, never one that the graph does."""
    nodes = {node.name: node for node in function.node_def}
    prefix = function.signature.input_arg[0].name if function.signature.input_arg else ""
    for node in function.node_def:
        first = 1 if node.op == "MergeV2Checkpoints" else 0
        if node.op in SAVER - {"ShardedFilename"}:
            source = _origin(node.input[first]) if len(node.input) > first else ""
            if not _is_prefix(source, prefix, nodes, alone=node.op != "SaveV2"):
                refuse(folder, "A checkpoint lies where the caller says.", f"{node.name[:80]!r} in {where}")
    if "api_implements" in function.attr:  # TensorFlow may call it in place of another function of the same name
        refuse(folder, _ONLY_SAVER, f"another name of {where}")


def _is_prefix(name: str, prefix: str, nodes: dict[str, Node], *, alone: bool) -> bool:
    """Whether a text is the argument itself or, when writing, the argument with an ending of TensorFlow's own."""
    for _ in range(8):
        if name == prefix and name:
            return True
        node = nodes.get(name)
        if node is None or not node.input:
            return False
        if node.op == "StringJoin" and not alone:
            endings = [_origin(ending) for ending in node.input[1:]]
            if not all(_is_ending(ending, nodes) for ending in endings):
                return False
        elif node.op != "Identity" and (alone or node.op != "ShardedFilename"):
            return False
        name = _origin(node.input[0])
    return False


def _is_ending(name: str, nodes: dict[str, Node]) -> bool:
    node = nodes.get(name)
    if node is not None and node.op in ("Select", "SelectV2"):
        return all(_is_ending(_origin(choice), nodes) for choice in node.input[1:3])
    if node is None or node.op != "Const":
        return False
    texts = [text.decode("latin-1") for text in node.attr["value"].tensor.string_val]
    return all(_SUFFIX.fullmatch(text) for text in texts)


def _origin(name: str) -> str:
    """The node that an input names: "^a", "a:0" and "a:output:0" are of node "a"."""
    return name.lstrip("^").partition(":")[0]


def _called(node: Node) -> Iterator[str]:
    """Names of the functions that a node may call: in its attributes as functions, and as texts."""
    for value in node.attr.values():
        yield value.func.name
        yield value.s.decode("latin-1")
        for function in value.list.func:
            yield function.name
        for text in value.list.s:
            yield text.decode("latin-1")


def _tensor_names(tensor: TensorInfo) -> Iterator[str]:
    yield tensor.name
    coo = tensor.coo_sparse
    yield from (coo.values_tensor_name, coo.indices_tensor_name, coo.dense_shape_tensor_name)
    for component in tensor.composite_tensor.components:
        yield from _tensor_names(component)
