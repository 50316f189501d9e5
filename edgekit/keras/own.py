"""Which classes of a model are neither Keras's nor EdgeKit's: a child process or a file of the model lacks them."""

from __future__ import annotations

from edgekit import _tf
from edgekit.keras.types import KerasModel

__all__ = ["needs_autograph", "own_classes"]

_LIBRARIES = ("edgekit", "keras", "tensorflow", "tensorflow_model_optimization", "tf_keras")

_PLAIN = ("tf_keras.src.engine.", "tf_keras.src.layers.", "tf_keras.src.metrics.")
"""Where tf_keras has the layers that it calls as they are; it lets AutoGraph rewrite the `call` of all others."""


def own_classes(model: KerasModel) -> dict[str, type]:
    """Classes of a tf_keras model's layers and cells that the user has written, by the names that files give them."""
    kinds = {type(part) for part in model.submodules} | {type(layer) for layer in model.layers}
    own = [kind for kind in kinds if _is_own(kind)]
    return {_tf.tf_keras().utils.get_registered_name(kind): kind for kind in own}


def needs_autograph(model: KerasModel) -> bool:
    """Whether a `tf.function` that calls a tf_keras model must let AutoGraph rewrite Python's `if` and `for` in it.

    They stand in layers that somebody wrote and in functions that layers call. Without, AutoGraph would rewrite only
    the function around the model, which takes a third of the time that a small model is converted in.
    """
    layer = _tf.tf_keras().layers.Layer
    kinds = {type(part) for part in (model, *model.submodules) if isinstance(part, layer)}
    return not all(kind.__module__.startswith(_PLAIN) and "Lambda" not in kind.__name__ for kind in kinds)


def _is_own(kind: type) -> bool:
    return kind.__module__.partition(".")[0] not in _LIBRARIES or getattr(kind, "holds_own_code", False)
