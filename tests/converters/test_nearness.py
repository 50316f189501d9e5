"""Each operator of a file is compared with the layer that it computes, whatever the converter has fused into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.keras import build_network
from edgekit_converters.tflite import ConvertSpec, Held, converted, operator_nearness

SHAPES = {"digits_cnn": (8, 8, 1), "autoencoder": (640,), "resnet8": (32, 32, 3), "ds_cnn": (49, 10, 1)}
RNG = np.random.default_rng(0)


def network(name: str) -> Any:
    """A narrow network whose normalisations change what goes through them, as trained ones do."""
    model = build_network(name, SHAPES[name], 10, {"width": 0.25} if name != "autoencoder" else None)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([RNG.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
    return model


def compared(model: Any, kind: str, *, other: Any = None) -> tuple[tflite.Model, tuple[float | None, ...]]:
    """A model's file, and how near it is to the model, or to another one."""
    samples = RNG.random((16, *model.input_shape[1:])).astype(np.float32)
    file = tflite.read(converted(model, ConvertSpec.model_validate({"format": kind}).resolved(), samples))
    near = operator_nearness(file, other or model, Held(samples, "validation"))
    assert near is not None and len(near) == len(file.graphs[0].operators)
    return file, near


@pytest.mark.parametrize("name", SHAPES)
def test_what_a_float_file_computes_is_near_everywhere(name: str) -> None:
    """A layer that is taken for another one would be far off: this is a test of who belongs to whom."""
    file, near = compared(network(name), "float32")
    told = {operator.name: db for operator, db in zip(file.graphs[0].operators, near, strict=True)}
    weighty = [
        db
        for operator, db in zip(file.graphs[0].operators, near, strict=True)
        if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ]
    assert weighty and all(db is not None for db in weighty), "each layer with weights is compared"
    assert all(db is None or db > 60 for name, db in told.items() if name != "SOFTMAX"), told
    assert all(db > 60 for db in weighty if db is not None), weighty


def test_an_integer_file_is_less_near_the_deeper() -> None:
    _, near = compared(network("digits_cnn"), "int8")
    told = [db for db in near if db is not None]
    assert all(15 < db < 80 for db in told) and told[0] > 30


@pytest.mark.parametrize(("layer", "first"), [("conv1", 0), ("conv2", 1), ("hidden", 4)])
def test_the_first_low_figure_is_where_they_part(layer: str, first: int) -> None:
    model = network("digits_cnn")
    other = _tf.tf_keras().models.clone_model(model)
    other.set_weights(model.get_weights())
    wrong = other.get_layer(layer)
    wrong.set_weights([-2 * weight + 0.1 for weight in wrong.get_weights()])
    _, near = compared(model, "float32", other=other)
    assert all(db is not None and db > 60 for db in near[:first])
    assert near[first] is not None and near[first] < 20  # type: ignore[operator]


def test_states_and_large_models_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = _tf.tf_keras().layers
    stateful = _tf.tf_keras().Sequential([layers.Input((4, 2), batch_size=1), layers.GRU(3, stateful=True)])
    samples = RNG.random((4, 4, 2)).astype(np.float32)
    spec = ConvertSpec(format="float32").resolved()
    file = tflite.read(converted(stateful, spec, samples))
    assert operator_nearness(file, stateful, Held(samples, "validation")) is None
    model = _tf.tf_keras().Sequential([layers.Input((2,)), layers.Dense(1_000)])
    small = tflite.read(converted(model, spec, None))
    monkeypatch.setattr("edgekit_converters.tflite.nearness.MOST_BYTES", 7_000)
    assert operator_nearness(small, model, Held(samples[:, 0], "validation")) is None


def test_in_a_run_every_step_has_it(finished: Any) -> None:
    for step in finished.manifest.steps:
        assert step.operators_db is not None and max(db for db in step.operators_db if db is not None) > 30
    page = (finished.output / "report.html").read_text()
    assert page.count("against Keras</th>") >= 3 and "the first low figure" in page
