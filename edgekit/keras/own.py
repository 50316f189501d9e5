"""Which classes of a model are neither Keras's nor EdgeKit's: a child process or a file of the model lacks them."""

from __future__ import annotations

from edgekit import _tf
from edgekit.keras.types import KerasModel

__all__ = ["own_classes"]

_LIBRARIES = ("edgekit", "keras", "tensorflow", "tensorflow_model_optimization", "tf_keras")


def own_classes(model: KerasModel) -> dict[str, type]:
    """Classes of a tf_keras model's layers and cells that the user has written, by the names that files give them."""
    kinds = {type(part) for part in model.submodules} | {type(layer) for layer in model.layers}
    own = [kind for kind in kinds if _is_own(kind)]
    return {_tf.tf_keras().utils.get_registered_name(kind): kind for kind in own}


def _is_own(kind: type) -> bool:
    return kind.__module__.partition(".")[0] not in _LIBRARIES or getattr(kind, "holds_own_code", False)
