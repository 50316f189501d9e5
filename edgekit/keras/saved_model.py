"""The check of a foreign SavedModel: what its graphs may hold, read as messages before TensorFlow sees the file."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from edgekit.errors import ModelError
from edgekit.keras.operators import ALLOWED, SAVER
from edgekit.keras.protobuf import message_class
from edgekit.keras.values import JSON

__all__ = ["KerasNode", "SavedModelFacts", "check_saved_model"]

LARGEST_GRAPH = 512 << 20
"""Bytes of saved_model.pb: weights lie beside it."""
MOST_NODES = 2_000_000
MOST_FILES = 10_000
ROOT = "root"


@dataclass(frozen=True)
class KerasNode:
    """An object of Keras in the file.

    Attributes:
        path: "root" for the model itself, else where it hangs below it.
        identifier: What kind of object, such as "_tf_keras_layer".
        config: Its metadata: class_name, config and more.
    """

    path: str
    identifier: str
    config: dict[str, JSON]


@dataclass(frozen=True)
class SavedModelFacts:
    """What the messages tell.

    Attributes:
        keras_configs: Objects of Keras, the model first.
        producer: The TensorFlow version that wrote it, or "".
        bytes: Of all files.
    """

    keras_configs: tuple[KerasNode, ...]
    producer: str
    bytes: int


def check_saved_model(folder: Path) -> SavedModelFacts:
    """Check the files, graphs and functions of a SavedModel folder.

    Raises:
        ModelError: A file is damaged or leads out of the folder, or a graph holds an operator that is not allowed.
    """
    size = sum(_sizes(folder))
    message = _parsed(folder / "saved_model.pb", "tensorflow.core.protobuf.saved_model_pb2", "SavedModel")
    if not message.meta_graphs:
        raise _damaged(folder, "no graph")
    nodes = 0
    for meta_graph in message.meta_graphs:
        nodes += len(meta_graph.graph_def.node) + sum(len(f.node_def) for f in meta_graph.graph_def.library.function)
        if nodes > MOST_NODES:
            _refuse(folder, f"A SavedModel has at most {MOST_NODES:,} graph nodes.", "more")
        _Graph(folder, meta_graph).check()
    keras = tuple(_keras_nodes(folder, message))
    return SavedModelFacts(keras, str(message.meta_graphs[0].meta_info_def.tensorflow_version)[:40], size)


class _Graph:
    """One graph with its library of functions."""

    def __init__(self, folder: Path, meta_graph: Any) -> None:
        self._folder, self._meta = folder, meta_graph
        self._functions = {f.signature.name: f for f in meta_graph.graph_def.library.function}
        self._saver = self._saver_nodes()
        self._of_saver = {name for node in self._saver.values() for name in _called(node)}

    def check(self) -> None:
        """Every operator of every function, whether something calls it or not."""
        for name, function in self._functions.items():
            allowed = ALLOWED | SAVER if name in self._of_saver else ALLOWED
            self._check_nodes(function.node_def, f"the function {name[:80]!r}", allowed, name not in self._of_saver)
            if name in self._of_saver:
                self._check_prefix(function)
        others = [n for n in self._meta.graph_def.node if n.name not in self._saver]
        saving = [n for n in self._meta.graph_def.node if n.name in self._saver]
        self._check_nodes(others, "the main graph", ALLOWED, True)
        self._check_nodes(saving, "the main graph", ALLOWED | SAVER, False)
        for node in self._meta.object_graph_def.nodes:
            if node.WhichOneof("kind") == "function" and set(node.function.concrete_functions) & self._of_saver:
                _refuse(
                    self._folder, "Only the saver calls the functions that write and read its checkpoint.", "a call"
                )
        for asset in self._meta.asset_file_def:
            parts = PurePosixPath(asset.filename.replace("\\", "/"))
            if parts.is_absolute() or ".." in parts.parts:
                _refuse(self._folder, "Assets lie in the folder of the model.", repr(asset.filename[:80]))

    def _check_nodes(self, nodes: Iterable[Any], where: str, allowed: frozenset[str], apart: bool) -> None:
        for node in nodes:
            if node.op not in allowed and node.op not in self._functions:
                raise ModelError(
                    "A SavedModel holds only operators that compute tensors from tensors.",
                    received=f"{self._folder} with the operator {node.op[:80]!r} in {where}",
                    remedy="Save it from Keras as .keras or .h5, or pass --unsafe (unsafe=True) if you trust it.",
                )
            calls = {*_called(node), node.op}
            if apart and calls & self._of_saver:
                _refuse(
                    self._folder, "Only the saver calls the functions that write and read its checkpoint.",
                    f"a call in {where}",
                )  # fmt: skip

    def _check_prefix(self, function: Any) -> None:
        """What is restored is the file that the caller names, never one that the graph does."""
        arguments = {argument.name for argument in function.signature.input_arg}
        for node in function.node_def:
            if node.op == "RestoreV2" and (not node.input or node.input[0].partition(":")[0] not in arguments):
                _refuse(self._folder, "A checkpoint is read from where the caller says.", f"{node.name[:80]!r}")

    def _saver_nodes(self) -> dict[str, Any]:
        """The nodes of the main graph that `saver_def` names, with all that only leads to them."""
        saver = self._meta.saver_def
        named = {name.partition(":")[0] for name in (saver.save_tensor_name, saver.restore_op_name) if name}
        nodes = {node.name: node for node in self._meta.graph_def.node}
        calls = [nodes[name] for name in named if name in nodes]
        wrapped = {name for node in calls if node.op == "Identity" for name in map(_origin, node.input)}
        return {node.name: node for node in [*calls, *(nodes[n] for n in wrapped if n in nodes)]}


def _origin(name: str) -> str:
    return name.lstrip("^").partition(":")[0]


def _called(node: Any) -> Iterator[str]:
    """Names of the functions that a node calls by its attributes."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name


def _keras_nodes(folder: Path, message: Any) -> Iterator[KerasNode]:
    """Objects of Keras: in keras_metadata.pb, or in the graph itself, as TensorFlow 2.4 wrote them."""
    metadata = folder / "keras_metadata.pb"
    if metadata.is_file():
        for node in _parsed(metadata, "tf_keras.protobuf.saved_metadata_pb2", "SavedMetadata").nodes:
            yield KerasNode(node.node_path, node.identifier, _json(folder, node.metadata))
        return
    for meta_graph in message.meta_graphs:
        for number, node in enumerate(meta_graph.object_graph_def.nodes):
            if node.WhichOneof("kind") == "user_object" and node.user_object.metadata:
                path = ROOT if number == 0 else f"{ROOT}.{number}"
                yield KerasNode(path, node.user_object.identifier, _json(folder, node.user_object.metadata))


def _json(folder: Path, text: str) -> dict[str, JSON]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, error) from None
    return value if isinstance(value, dict) else {}


def _sizes(folder: Path) -> Iterator[int]:
    """Bytes of each file below the folder; none of them is opened."""
    root = folder.resolve()
    for number, path in enumerate(folder.rglob("*")):
        kind = path.stat().st_mode if path.exists() else 0
        if number > MOST_FILES or not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            _refuse(folder, f"A SavedModel is a folder of at most {MOST_FILES:,} files.", f"{path.name[:80]!r} in it")
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            _refuse(folder, "Files of a SavedModel lie in its folder.", f"the link {path.name[:80]!r}")
        if stat.S_ISREG(kind):
            yield path.stat().st_size


def _parsed(path: Path, module: str, name: str) -> Any:
    if path.stat().st_size > LARGEST_GRAPH:
        _refuse(path.parent, f"{path.name} has at most {LARGEST_GRAPH >> 20} MB.", "more")
    message = message_class(module, name)()
    try:
        message.ParseFromString(path.read_bytes())
    except Exception as error:  # google.protobuf's DecodeError, and RecursionError
        raise _damaged(path.parent, error) from None
    return message


def _damaged(folder: Path, error: Exception | str) -> ModelError:
    text = error if isinstance(error, str) else f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ModelError(
        "The model must be a complete SavedModel.",
        received=f"{folder} ({text})",
        remedy="It is damaged or truncated: copy or save it again.",
    )


def _refuse(folder: Path, rule: str, received: str) -> NoReturn:
    raise ModelError(
        rule, received=f"{folder}, {received}", remedy="It is damaged or was made to do harm: do not use it."
    )
