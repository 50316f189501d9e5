"""Load any Keras model as a flat tf_keras model: .h5, .keras, SavedModel, module:function, reference networks.

Files are untrusted: their configuration is read as JSON first, so that a Lambda layer (pickled code) is refused by
name before any deserialiser sees it.
"""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit import _tf, registry
from edgekit.errors import EdgekitError, ModelError, did_you_mean
from edgekit.models import networks
from edgekit.models.quantize import quantize_scope

__all__ = ["build_network", "is_network", "load_model", "network_names"]


def load_model(source: str | Path, *, unsafe: bool = False) -> Any:
    """Load a trained model as a flat tf_keras model, which TF-MOT and the converter take.

    Args:
        source: A `.h5` or `.keras` file of Keras 2 or 3, a SavedModel folder, or `module:function`.
        unsafe: Allow Lambda layers, which run code from the file. Only for files that you trust.

    Returns:
        A tf_keras Functional or Sequential model without nested models.

    Raises:
        ModelError: The file is missing, damaged, holds code or a layer that cannot be carried over.
    """
    text = str(source)
    if registry.is_reference(text):
        model = registry.call(text)
    elif Path(text).is_dir():
        model = _load_saved_model(Path(text), unsafe)
    elif Path(text).suffix in (".h5", ".hdf5", ".keras"):
        model = _load_file(Path(text), unsafe)
    else:
        raise ModelError(
            "A Keras model is a .h5 or .keras file, a SavedModel folder or module:function.",
            received=repr(text),
            remedy=did_you_mean(text, network_names()) if not Path(text).exists() else "",
        )
    return _as_flat_tf_keras(model, text, unsafe)


def network_names() -> list[str]:
    """The reference networks."""
    return registry.names(networks)


def is_network(source: str) -> bool:
    """Whether a recipe's `model` names a reference network."""
    return source in network_names()


def build_network(name: str, input_shape: tuple[int, ...], classes: int) -> Any:
    """An untrained reference network.

    Args:
        name: One of `network_names()`.
        input_shape: Of one sample, without batch; images are HWC.
        classes: Width of the output.

    Raises:
        ModelError: The input is too small or has the wrong rank for the network.
    """
    try:
        return registry.load(networks, name).build(tuple(input_shape), classes)
    except ValueError as error:
        raise ModelError(
            f"The network {name} must fit its input.",
            received=f"samples of shape {list(input_shape)} ({str(error).splitlines()[0]})",
            remedy="Choose another network, or reshape or resize the samples in data.preprocessing.",
        ) from None


def _as_flat_tf_keras(model: Any, source: str, unsafe: bool) -> Any:
    from edgekit.models.bridge import bridge
    from edgekit.models.flatten import flatten
    from edgekit.models.low_rank.layers import expand

    keras, keras3 = _tf.tf_keras(), _tf.keras3()
    if isinstance(model, keras3.Model):
        return bridge(model, unsafe=unsafe)
    if not isinstance(model, keras.Model):
        raise ModelError(
            "EdgeKit compresses Keras models.",
            received=f"{type(model).__name__} from {source}",
            remedy="Give a Keras Functional or Sequential model.",
        )
    return expand(flatten(model))


def _load_file(path: Path, unsafe: bool) -> Any:
    if not path.is_file():
        raise ModelError("A model file must exist.", received=repr(str(path)), remedy="Check the path.")
    if not path.stat().st_size:
        raise ModelError("A model file must hold a model.", received=f"{path}, an empty file")
    config, version = _read_keras(path) if path.suffix == ".keras" else _read_h5(path)
    if not unsafe:
        _refuse_lambda(path, config)
    is_keras3 = version.split(".")[0] not in ("1", "2")
    try:
        if is_keras3:
            return _tf.keras3().models.load_model(path, compile=False, safe_mode=not unsafe)
        _register_own_layers()
        with quantize_scope():
            return _tf.tf_keras().models.load_model(path, compile=False, safe_mode=not unsafe)
    except EdgekitError:
        raise
    except Exception as error:  # Keras raises every kind of error on a damaged or unknown file
        raise ModelError(
            f"Keras {version} must be able to load the model.",
            received=f"{path} ({_first_line(error)})",
            remedy="If it holds custom layers, give module:function that builds and loads it; else save it again.",
        ) from error


def _register_own_layers() -> None:
    from edgekit.models.low_rank.layers import layer_classes

    layer_classes()


def _read_h5(path: Path) -> tuple[Any, str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            config, version = file.attrs.get("model_config"), file.attrs.get("keras_version", "2")
    except OSError as error:
        raise _damaged(path, "HDF5 file", error) from None
    if config is None:
        raise ModelError(
            "An .h5 model holds the architecture beside the weights.",
            received=f"{path}, weights only",
            remedy="Save the whole model with model.save(), or give module:function that builds it.",
        )
    try:
        return json.loads(config), _text(version)
    except ValueError as error:
        raise _damaged(path, "HDF5 file", error) from None


def _read_keras(path: Path) -> tuple[Any, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            if broken:
                raise zipfile.BadZipFile(f"{broken} is damaged")
            config = json.loads(archive.read("config.json"))
            version = json.loads(archive.read("metadata.json"))["keras_version"]
    except Exception as error:  # zipfile and zlib raise errors of every kind on damaged bytes
        raise _damaged(path, ".keras archive", error) from None
    return config, str(version)


def _load_saved_model(path: Path, unsafe: bool) -> Any:
    if not (path / "saved_model.pb").is_file():
        raise ModelError("A model folder is a SavedModel.", received=f"{path} without saved_model.pb")
    if not unsafe:
        _refuse_lambda(path, _saved_model_configs(path))
    _register_own_layers()
    try:
        model = _tf.tf_keras().models.load_model(path, compile=False)
    except Exception as error:  # protobuf, I/O and Keras errors of every kind
        raise ModelError(
            "A SavedModel must hold a Keras model that Keras 2 can load.",
            received=f"{path} ({_first_line(error)})",
            remedy="Save it from Keras as .keras or .h5.",
        ) from error
    if not isinstance(model, _tf.tf_keras().Model):
        raise ModelError(
            "A SavedModel must hold Keras layers, which compression works on.",
            received=f"{path} with signatures only",
            remedy="Save it from Keras with model.save(), or as .keras or .h5.",
        )
    return model


def _saved_model_configs(path: Path) -> list[Any]:
    """Configurations of all layers: in keras_metadata.pb, or in the graph itself, as TensorFlow 2.4 wrote them."""
    _tf.tf_keras()
    metadata = importlib.import_module("tf_keras.protobuf.saved_metadata_pb2").SavedMetadata()
    graph = importlib.import_module("tensorflow.core.protobuf.saved_model_pb2").SavedModel()
    try:
        graph.ParseFromString((path / "saved_model.pb").read_bytes())
        if (path / "keras_metadata.pb").is_file():
            metadata.ParseFromString((path / "keras_metadata.pb").read_bytes())
        objects = [node.user_object for g in graph.meta_graphs for node in g.object_graph_def.nodes]
        return [json.loads(found.metadata) for found in [*metadata.nodes, *objects] if found.metadata]
    except Exception as error:  # google.protobuf's DecodeError and JSON's errors
        raise _damaged(path, "SavedModel", error) from None


def _refuse_lambda(path: Path, config: Any) -> None:
    name = next((name for kind, name in _layers(config) if kind == "Lambda"), None)
    if name is not None:
        raise ModelError(
            "A Lambda layer holds pickled code, which a model file may use to run anything.",
            received=f"{path} with the Lambda layer {name!r}",
            remedy="Replace it by a built-in layer, or pass --unsafe (unsafe=True) if you trust the file.",
        )


def _layers(config: Any) -> Iterator[tuple[str, str]]:
    """(class name, layer name) of everything in a configuration, nested models and wrappers included."""
    if isinstance(config, dict):
        kind = config.get("class_name")
        if isinstance(kind, str):
            inner = config.get("config")
            name = inner.get("name") if isinstance(inner, dict) else None
            yield ("Lambda" if kind in ("Lambda", "__lambda__") else kind), str(name or config.get("name") or kind)
        for value in config.values():
            yield from _layers(value)
    elif isinstance(config, list):
        for value in config:
            yield from _layers(value)


def _damaged(path: Path, what: str, error: Exception) -> ModelError:
    return ModelError(
        f"The model must be a complete {what}.",
        received=f"{path} ({_first_line(error)})",
        remedy="It is damaged or truncated: copy or save it again.",
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200]}" if text else type(error).__name__


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
