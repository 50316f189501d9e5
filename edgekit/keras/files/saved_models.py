"""A foreign SavedModel as plain data. Runs in a child process.

Nothing of its graph is run and no object of it is revived: the model is built of the configuration that Keras keeps
beside the graph, under the same allow list as any other file, and its weights are read from the checkpoint.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras.files.archives import unpack_saved_model
from edgekit.keras.files.building import bounded_building, first_line
from edgekit.keras.files.check import check_config
from edgekit.keras.files.plain import PlainModel
from edgekit.keras.files.reading import read_model
from edgekit.keras.files.saved_model import SavedModelFacts, check_saved_model
from edgekit.keras.loading import classes_made_known
from edgekit.sandbox import cpu_limit
from edgekit.tensors import Array

__all__ = ["preload", "read_saved_model", "serve"]


def preload() -> None:
    """Import what takes seconds; for children that are forked off."""
    _tf.tf_keras()


def serve(request: dict[str, Any], arrays: list[Array], folder: Path) -> tuple[dict[str, Any], list[Array]]:
    """Read the SavedModel of the request (`path`, `name`, `custom`, `reading`) as `PlainModel.pack` makes it."""
    path, name, custom = Path(request["path"]), request["name"], request["custom"]
    return read_saved_model(path, name, custom, folder, reading=request["reading"]).pack()


def read_saved_model(path: Path, name: str, custom: list[str], folder: Path, *, reading: float) -> PlainModel:
    """Read a SavedModel that Keras 2 wrote.

    Args:
        path: Its folder, or a zip archive of that.
        name: What messages call it.
        custom: Names of classes that the user hands over; a SavedModel with such must be saved in another form.
        folder: Where temporary files may lie.
        reading: CPU seconds for checking what it holds; this process ends where it takes longer.

    Raises:
        ModelError: Its graph names an operator that is not allowed, or it holds no model of Keras layers.
    """
    with cpu_limit(reading):
        if path.is_file():
            path = unpack_saved_model(path, folder / "unpacked", name)
        facts = _checked(path, name)
    checked = check_config(_root(facts, name), file=name, custom=custom)
    if checked.custom:
        raise ModelError(
            "Classes of your own come in a .keras or .h5 file; a SavedModel keeps copies of their code.",
            received=f"{name} with {', '.join(sorted(checked.custom))}",
            remedy="Save the model as .keras, or give module:function that builds and loads it.",
        )
    keras = _tf.tf_keras()
    file = folder / "model.h5"
    with classes_made_known(checked.makers):
        try:
            with bounded_building(keras, name, 2 * facts.bytes):
                model = keras.models.model_from_json(json.dumps(checked.config))
                model.load_weights(path / "variables" / "variables").assert_existing_objects_matched()
            try:
                model.save(file, include_optimizer=False, save_format="h5")
            except ValueError:  # wrapped recurrent layers have several weights of one name
                file = folder / "model.keras"
                model.save(file, save_format="keras")
        except EdgekitError:
            raise
        except Exception as error:  # Keras and TensorFlow raise errors of every kind
            raise ModelError(
                "A SavedModel must hold a Keras model that Keras 2 can build.",
                received=f"{name} ({first_line(error)})",
                remedy="Save it from Keras as .keras or .h5.",
            ) from error
    return read_model(file, name=name)


def _checked(path: Path, name: str) -> SavedModelFacts:
    try:
        return check_saved_model(path)
    except ModelError as error:  # which names the folder that an archive was unpacked to
        received = str(error.received).replace(str(path), name)
        raise ModelError(error.rule, received=received, remedy=error.remedy) from None


def _root(facts: SavedModelFacts, name: str) -> Any:
    """The configuration of the model itself, which stands at the root of the objects."""
    for node in facts.keras_configs:
        if node.path == "root" and node.config.get("class_name"):
            return {key: node.config[key] for key in ("class_name", "config") if key in node.config}
    raise ModelError(
        "A SavedModel must hold Keras layers, which compression works on.",
        received=f"{name} with signatures only",
        remedy="Save it from Keras with model.save(), or as .keras or .h5.",
    )
