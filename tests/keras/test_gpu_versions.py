"""LSTM and GRU have a version for GPUs in their graphs only where there is a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.api.traces import untouched


def graph_of(layer: str) -> tuple[Any, list[str]]:
    """A function that calls a layer, and what the functions of its graph are made for."""
    keras, tf = _tf.tf_keras(), _tf.tensorflow()
    model = keras.Sequential([keras.Input((4, 3)), getattr(keras.layers, layer)(2)])
    made = tf.function(lambda x: model(x)).get_concrete_function(tf.TensorSpec((1, 4, 3)))
    functions = made.graph.as_graph_def().library.function
    return made, [f.attr["api_preferred_device"].s.decode() for f in functions if "api_preferred_device" in f.attr]


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_a_graph_has_the_version_of_the_devices_that_are_there(layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, devices = graph_of(layer)
    assert devices == ["CPU"]
    x = np.random.default_rng(0).standard_normal((1, 4, 3)).astype(np.float32)
    assert np.isfinite(made(_tf.tensorflow().constant(x)).numpy()).all()
    monkeypatch.setattr(_tf.tensorflow().config, "list_physical_devices", lambda kind: [kind])
    assert set(graph_of(layer)[1]) == {"CPU", "GPU"}


def test_the_users_own_layers_have_it_after_a_call_of_edgekits() -> None:
    keras, tf = _tf.tf_keras(), _tf.tensorflow()

    def devices() -> set[str]:
        model = keras.Sequential([keras.Input((4, 3)), keras.layers.GRU(2)])
        graph = tf.function(lambda x: model(x)).get_concrete_function(tf.TensorSpec((1, 4, 3))).graph
        return {f.attr["api_preferred_device"].s.decode() for f in graph.as_graph_def().library.function} - {""}

    assert devices() == {"CPU"}
    with untouched():
        _tf.tf_keras()
        assert devices() == {"CPU"}
    assert devices() == {"CPU", "GPU"}
    _tf.tf_keras()
    assert devices() == {"CPU"}
