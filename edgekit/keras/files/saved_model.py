"""The check of a foreign SavedModel: what its graphs may hold, read as messages before TensorFlow sees the file."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import ModelError
from edgekit.keras.files.protobuf import message_class
from edgekit.keras.files.protos import SavedModelMessage
from edgekit.keras.files.saved_model_graph import check_graph, refuse
from edgekit.keras.files.tensor_bundle import check_tensor_bundle
from edgekit.keras.files.values import JSON

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
        bytes: Bytes of all files.
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
    message: SavedModelMessage = _parsed(
        folder / "saved_model.pb", "tensorflow.core.protobuf.saved_model_pb2", "SavedModel"
    )
    if not message.meta_graphs:
        raise _damaged(folder, "no graph")
    nodes = 0
    for meta_graph in message.meta_graphs:
        nodes += len(meta_graph.graph_def.node) + sum(len(f.node_def) for f in meta_graph.graph_def.library.function)
        if nodes > MOST_NODES:
            refuse(folder, f"A SavedModel has at most {MOST_NODES:,} graph nodes.", "more")
        check_graph(folder, meta_graph)
    check_tensor_bundle(folder / "variables" / "variables")
    keras = tuple(_keras_nodes(folder, message))
    return SavedModelFacts(keras, str(message.meta_graphs[0].meta_info_def.tensorflow_version)[:40], size)


def _keras_nodes(folder: Path, message: SavedModelMessage) -> Iterator[KerasNode]:
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
            refuse(folder, f"A SavedModel is a folder of at most {MOST_FILES:,} files.", f"{path.name[:80]!r} in it")
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            refuse(folder, "Files of a SavedModel lie in its folder.", f"the link {path.name[:80]!r}")
        if stat.S_ISREG(kind):
            yield path.stat().st_size


def _parsed(path: Path, module: str, name: str) -> Any:
    if not path.is_file():
        raise _damaged(path.parent, f"no {path.name}")
    if path.stat().st_size > LARGEST_GRAPH:
        refuse(path.parent, f"{path.name} has at most {LARGEST_GRAPH >> 20} MB.", "more")
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
