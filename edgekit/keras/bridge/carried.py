"""A tf_keras layer that runs a Keras 3 layer of the user's own, whose code calls TensorFlow.

This module loads tf_keras and Keras 3: only functions import it.
"""

from __future__ import annotations

import inspect
from typing import Any

from edgekit import _tf

__all__ = ["Carried", "carried"]

keras3 = _tf.keras3()
tf_keras = _tf.tf_keras()
_KINDS: dict[str, type] = {}
"""Classes that were carried in this process, by the names under which files have them."""


class Carried(tf_keras.layers.Layer):  # type: ignore[misc, name-defined]
    """Runs a Keras 3 layer without its state: the weights are this layer's, trainable ones first.

    Args:
        kind: Name of the user's class, which `carried` has met in this process.
        own: The config of the user's layer.
    """

    holds_own_code = True

    def __init__(self, kind: str, own: dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.kind, self.own = kind, own
        self.layer = _KINDS[kind].from_config(own)  # type: ignore[attr-defined]

    def build(self, input_shape: Any) -> None:
        """Make the variables."""
        if not self.layer.built:
            self.layer.build(tuple(input_shape))
        self._trained = [self._weight(w, trainable=True) for w in self.layer.trainable_variables]
        self._kept = [self._weight(w, trainable=False) for w in self.layer.non_trainable_variables]
        super().build(input_shape)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's output."""
        if "training" not in inspect.signature(self.layer.call).parameters:
            kwargs.pop("training", None)
        outputs, kept = self.layer.stateless_call(self._trained, self._kept, *args, **kwargs)
        for variable, value in zip(self._kept, kept, strict=True):
            if value is not variable:
                variable.assign(value)
        return outputs

    def _weight(self, of: Any, *, trainable: bool) -> Any:
        return self.add_weight(f"w{len(self.weights)}", tuple(of.shape), of.dtype, trainable=trainable)

    def get_config(self) -> dict[str, Any]:
        """What Keras needs to make the layer again."""
        return {**super().get_config(), "kind": self.kind, "own": self.own}


def carried(layer: Any, name: str) -> tuple[Carried, list[Any]]:
    """The tf_keras layer for a Keras 3 layer, and the weights that it gets once it is built.

    Args:
        layer: A built Keras 3 layer of the TensorFlow backend.
        name: What to call the new one.
    """
    kind = keras3.saving.get_registered_name(type(layer))
    _KINDS[kind] = type(layer)
    weights = [w.numpy() for w in (*layer.trainable_variables, *layer.non_trainable_variables)]
    return Carried(kind, layer.get_config(), name=name), weights
