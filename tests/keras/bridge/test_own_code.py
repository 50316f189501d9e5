"""Custom layers and subclassed models of Keras 3: opened up, run as they are, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.bridge import bridge
from edgekit.keras.own import own_classes

keras = _tf.keras3()
tf = _tf.tensorflow()
layers, ops = keras.layers, keras.ops


class Weighted(layers.Layer):  # type: ignore[misc, name-defined]
    def build(self, shape: Any) -> None:
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones", name="w")

    def call(self, x: Any) -> Any:
        return ops.tanh(x * self.w)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


class Block(layers.Layer):  # type: ignore[misc, name-defined]
    def __init__(self, units: int = 4, **options: Any) -> None:
        super().__init__(**options)
        self.dense, self.norm, self.drop = layers.Dense(units), layers.BatchNormalization(), layers.Dropout(0.5)

    def build(self, shape: Any) -> None:
        self.dense.build(shape)
        self.norm.build((*shape[:-1], self.dense.units))

    def call(self, x: Any, training: Any = None) -> Any:
        return ops.relu(self.drop(self.norm(self.dense(x), training=training), training=training))


class Nested(layers.Layer):  # type: ignore[misc, name-defined]
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.block, self.weighted = Block(3), Weighted()

    def call(self, x: Any) -> Any:
        return self.weighted(self.block(x))


class Joined(layers.Layer):  # type: ignore[misc, name-defined]
    def call(self, one: Any, two: Any, scale: float = 1.0) -> Any:
        return ops.concatenate([one, two * scale], axis=-1), one - two


class Native(layers.Layer):  # type: ignore[misc, name-defined]
    def __init__(self, units: int = 3, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.dense = units, layers.Dense(units)

    def build(self, shape: Any) -> None:
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones", name="w")
        self.dense.build(shape)

    def call(self, x: Any) -> Any:
        return tf.nn.relu(self.dense(x * self.w))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class Network(keras.Model):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__(name="network")
        self.block, self.scores = Block(4), layers.Dense(2, name="scores")

    def call(self, x: Any, training: bool = False) -> Any:
        return self.scores(self.block(x, training=training))


def through(*parts: Any) -> Any:
    return keras.Sequential([keras.Input((6,)), *parts])


def called(model: Any) -> Any:
    model(np.zeros((2, 6), np.float32))
    return model


def two_inputs() -> Any:
    one, two = keras.Input((6,)), keras.Input((6,))
    return keras.Model([one, two], Joined()(one, two, scale=2.0))


def shared() -> Any:
    block, x = Block(6), keras.Input((6,))
    return keras.Model(x, block(block(x)))


def subclassed_inside() -> Any:
    x = keras.Input((6,))
    return keras.Model(x, called(Network())(x))


OPENED: dict[str, Callable[[], Any]] = {
    "a weight of its own": lambda: through(Weighted()),
    "a block of layers": lambda: through(Block(), layers.Dense(2)),
    "layers of its own inside": lambda: through(Nested()),
    "several inputs and outputs": two_inputs,
    "called twice": shared,
    "a subclassed model": lambda: called(Network()),
    "a subclassed model inside": subclassed_inside,
    "a subclassed model in a Sequential": lambda: through(called(Network()), layers.Dense(2)),
}
CARRIED: dict[str, Callable[[], Any]] = {
    "TensorFlow in a layer": lambda: through(layers.Dense(4), Native(), layers.Dense(2)),
    "called twice": lambda: (lambda n, x: keras.Model(x, n(n(x))))(Native(6), keras.Input((6,))),
}


def randomised(model: Any) -> Any:
    rng = np.random.default_rng(0)
    model.set_weights([w + 0.3 * np.abs(rng.standard_normal(w.shape)) for w in model.get_weights()])
    return model


def same(old: Any, new: Any) -> bool:
    x = np.random.default_rng(1).standard_normal((3, 6)).astype(np.float32)
    inputs = [x, x + 1] if len(new.inputs) == 2 else x
    pairs = zip(tf.nest.flatten(old(inputs)), tf.nest.flatten(new(inputs)), strict=True)
    return all(np.allclose(a, b, atol=1e-5) for a, b in pairs)


@pytest.mark.parametrize("name", OPENED)
def test_code_that_uses_keras_ops_is_opened_up(name: str) -> None:
    model = randomised(OPENED[name]())
    before = [w.copy() for w in model.get_weights()]
    new = bridge(model)
    assert same(model, new) and not own_classes(new)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)), "it is left as it is"
    inner = {type(layer).__name__ for layer in new.layers}
    assert "Weighted" not in inner and "Block" not in inner
    if "block" in name or "subclassed" in name:
        assert {"Dense", "BatchNormalization", "Dropout"} <= inner, "passes find the layers inside"


@pytest.mark.parametrize("name", CARRIED)
def test_code_that_uses_tensorflow_runs_as_it_is(name: str, said: list[str]) -> None:
    model = randomised(CARRIED[name]())
    new = bridge(model)
    assert same(model, new) and "Carried" in own_classes(new)
    assert len(said) == 1 and "runs as it is" in said[0]
    copy = _tf.tf_keras().models.clone_model(new)
    copy.set_weights(new.get_weights())
    assert same(model, copy), "it can be made again from its config"
    new.compile("sgd", "mse")
    new.fit(np.ones((8, 6), np.float32), np.zeros((8, new.output_shape[-1])), verbose=0)
    assert not same(model, new), "and it is trained, apart from the user's own"


def test_a_weight_that_becomes_a_constant_is_told(said: list[str]) -> None:
    bridge(through(Weighted(name="mine")))
    assert said == ["mine: w of Weighted are constants from now on"]


class Counting(layers.Layer):  # type: ignore[misc, name-defined]
    def build(self, shape: Any) -> None:
        self.n = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x: Any) -> Any:
        self.n.assign(self.n + 1.0)
        return x * 2.0


class Foreign(layers.Layer):  # type: ignore[misc, name-defined]
    def call(self, x: Any) -> Any:
        return np.asarray(x) * 2.0

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


class Cell(layers.SimpleRNNCell):  # type: ignore[misc, name-defined]
    pass


class Never(keras.Model):  # type: ignore[misc, name-defined]
    def call(self, x: Any) -> Any:
        return x


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "state": (lambda: through(Counting(name="mine")), "keeps no state.*'mine' of type Counting"),
    "numpy": (
        lambda: through(Foreign(name="mine")),
        "(?s)keras.ops or TensorFlow.*'mine' of type Foreign.*tf_keras.layers",
    ),
    "a model that was never called": (lambda: Never(name="mine"), "shape of its one input.*'mine'.*Call it once"),
    "a cell": (
        lambda: keras.Sequential([keras.Input((4, 6)), layers.RNN(Cell(3, name="mine"))]),
        "layer inside a wrapper.*'mine' of type Cell.*built-in",
    ),
    "in TimeDistributed": (
        lambda: keras.Sequential([keras.Input((4, 6)), layers.TimeDistributed(Weighted(name="mine"))]),
        "layer inside a wrapper.*'mine' of type Weighted",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_code_that_cannot_be_carried_over_is_named(name: str) -> None:
    make, said = REFUSED[name]
    model = make()
    with pytest.raises(ModelError, match=said):
        bridge(model)
    if name == "state":
        assert model.layers[0].n.numpy() == 0, "reading it does not count"
