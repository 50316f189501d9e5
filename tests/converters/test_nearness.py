"""Each operator of a file is compared with the layer that it computes, whatever the converter has fused into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.keras import build_network
from edgekit_converters.tflite import ConvertSpec, Held, converted, operator_nearness

SHAPES = {"digits_cnn": (8, 8, 1), "autoencoder": (640,), "resnet8": (32, 32, 3), "ds_cnn": (49, 10, 1)}
OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Those with weights."""


def network(name: str, seed: int = 0) -> Any:
    """A narrow network whose normalisations change what goes through them, as trained ones do."""
    rng = np.random.default_rng(seed)
    _tf.tf_keras().utils.set_random_seed(seed)
    model = build_network(name, SHAPES[name], 10, {"width": 0.25} if name != "autoencoder" else None)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
    return model


def drawn(model: Any, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Samples float32 [16, ...] of a model's only input."""
    return np.random.default_rng(seed).random((16, *model.input_shape[1:]), np.float32)


def compared(model: Any, kind: str, *, other: Any = None) -> tuple[tflite.Model, tuple[float | None, ...]]:
    """A model's file, and how near it is to the model, or to another one."""
    samples = drawn(model)
    file = tflite.read(converted(model, ConvertSpec.model_validate({"format": kind}).resolved(), samples))
    near = operator_nearness(file, other or model, Held(samples, "validation"))
    assert near is not None and len(near) == len(file.graphs[0].operators)
    return file, near


def weighty(file: tflite.Model, near: tuple[float | None, ...]) -> list[float | None]:
    """What was told of each operator with weights."""
    return [db for operator, db in zip(file.graphs[0].operators, near, strict=True) if operator.name in OPERATORS]


@pytest.mark.parametrize("name", SHAPES)
def test_what_a_float_file_computes_is_near_everywhere(name: str) -> None:
    """A layer that is taken for another one would be far off: this is a test of who belongs to whom."""
    file, near = compared(network(name), "float32")
    told = {operator.name: db for operator, db in zip(file.graphs[0].operators, near, strict=True)}
    weights = weighty(file, near)
    assert weights and all(db is not None for db in weights), "each layer with weights is compared"
    assert all(db is None or db > 60 for name, db in told.items() if name != "SOFTMAX"), told
    assert all(db > 60 for db in weights if db is not None), weights


@pytest.mark.parametrize("seed", range(8))
def test_only_what_does_not_change_from_sample_to_sample_is_left_out(seed: int) -> None:
    """Seeds differ: with the weights of seed 3, the last layers of ds_cnn answer all samples alike to the last bit."""
    model = network("ds_cnn", seed)
    ends = [layer.output for layer in model.layers if layer.name.endswith("_relu")] + [model.layers[-1].output]
    outputs = _tf.tf_keras().Model(model.inputs, ends)(drawn(model)[:8], training=False)
    changes = [float(np.ptp(output, axis=0).max()) > 1e-6 * float(np.abs(output).max()) for output in outputs]
    file, near = compared(model, "float32")
    weights = weighty(file, near)
    assert [db is not None for db in weights[:-1]] == changes[:-1], "operators in the layers' order"
    assert weights[-1] is not None or not changes[-1]
    assert all(db > 60 for db in weights[:-1] if db is not None), weights


@pytest.mark.parametrize("seed", range(6))
def test_layers_of_equal_weights_are_not_taken_for_each_other(seed: int) -> None:
    """Their constants are one buffer of the file, and its name is that of another layer."""
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(seed)
    convolutions = [keras.layers.Conv2D(3, 3, padding="same", activation="relu", name=f"conv{k}") for k in range(3)]
    dense = [keras.layers.Dense(3, name=f"dense{k}") for k in range(2)]
    model = keras.Sequential([keras.layers.Input((6, 6, 3)), *convolutions, keras.layers.Flatten(), *dense])
    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(0, 0.3, (3, 3, 3, 3)), rng.random(3)
    for layer in convolutions:
        layer.set_weights([kernel, bias])
    dense[1].set_weights([dense[0].get_weights()[0][:3], dense[0].get_weights()[1]])
    file, near = compared(model, "float32")
    weights = weighty(file, near)
    assert len(weights) == 5 and all(db is not None and db > 60 for db in weights), weights
    changed = keras.models.clone_model(model)
    changed.set_weights(model.get_weights())
    changed.get_layer("conv1").set_weights([-kernel, bias])
    told = weighty(file, compared(model, "float32", other=changed)[1])
    assert told[0] is not None and told[0] > 60 and told[1] is not None and told[1] < 20


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
    samples = np.random.default_rng(0).random((4, 4, 2), np.float32)
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
