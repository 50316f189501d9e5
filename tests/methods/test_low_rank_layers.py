"""LowRankDense and LowRankConv2D: they train, are saved and loaded, and become plain layers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, layers
from edgekit.data import Dataset
from edgekit.errors import ModelError
from edgekit.keras import load_model, save_model
from edgekit.methods.low_rank.expanding import expand
from edgekit.training import Train, Trainer


@pytest.fixture(scope="module")
def model() -> Any:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1), name="image")
    x = layers.LowRankConv2D(8, 3, 2, strides=2, padding="same", activation="relu", name="conv1")(image)
    x = layers.LowRankConv2D(8, 3, (4, 4), "tucker", padding="same", use_bias=False, name="conv2")(x)
    x = keras.layers.ReLU(name="relu")(keras.layers.BatchNormalization(name="bn")(x))
    y = layers.LowRankConv2D(8, 3, 6, "cp", padding="same", dilation_rate=2, name="conv3")(x)
    x = keras.layers.Add(name="add")([x, layers.LowRankConv2D(8, 3, 6, "cp_split", padding="same", name="conv4")(y)])
    x = layers.LowRankConv2D(8, 3, 2, "separable", kernel_regularizer="l2", name="conv5")(x)
    x = keras.layers.Flatten(name="flat")(layers.LowRankConv2D(6, 1, 3, name="conv6")(x))
    return keras.Model(image, layers.LowRankDense(10, 4, "softmax", name="scores")(x))


@pytest.mark.slow
def test_they_train(model: Any, make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer()
    trainer.fit(model, Train(epochs=8, learning_rate=0.01), name="low_rank_layers")
    assert trainer.score(model) > 0.6
    assert len(model.losses) == 2, "the regularizer holds both kernels"


@pytest.mark.parametrize("file", ["m.h5", "m.keras", pytest.param("saved_model", marks=pytest.mark.slow)])
def test_loading_makes_them_plain(file: str, model: Any, tmp_path: Path, digits: Dataset) -> None:
    if file == "saved_model":
        model.save(tmp_path / file)
    elif file == "m.keras":
        model.save(tmp_path / file, save_format="keras")
    else:
        save_model(model, tmp_path / file)
    plain = load_model(tmp_path / file)
    x = digits.features("test")[:16]
    np.testing.assert_allclose(plain(x), model(x), atol=1e-6)
    kinds = {type(layer).__module__.partition(".")[0] for layer in plain.layers}
    assert kinds == {"tf_keras"}
    names = [layer.name for layer in plain.layers]
    assert {"conv1_rank_v", "conv1", "conv2_rank_core", "conv4_rank_h", "conv5_rank_depthwise", "scores"} <= set(names)
    assert plain.get_layer("conv1").activation.__name__ == "relu" and not plain.get_layer("conv2").use_bias


@pytest.mark.slow  # TensorFlow loads once more
def test_a_file_with_them_loads_in_a_fresh_process(model: Any, tmp_path: Path) -> None:
    save_model(model, tmp_path / "m.h5")
    code = f"from edgekit import load_model; print(len(load_model({str(tmp_path / 'm.h5')!r}).layers))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) == len(expand(model).layers)


def test_they_are_made_when_asked_for_and_not_before() -> None:
    code = "import sys, edgekit.layers; assert not {'tf_keras', 'tensorflow', 'tensorly'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="LowRankConv3D"):
        layers.LowRankConv3D  # noqa: B018


def test_configs_make_the_same_layer_again(model: Any) -> None:
    again = type(model).from_config(model.get_config())
    assert [w.shape for w in again.get_weights()] == [w.shape for w in model.get_weights()]
    assert expand(expand(model)).count_params() == model.count_params()


def test_what_cannot_be_built_is_refused() -> None:
    keras = _tf.tf_keras()
    x = keras.Input((8, 8, 4))
    with pytest.raises(ModelError, match="Unknown method. Received: 'spacial'. Did you mean 'spatial'"):
        layers.LowRankConv2D(8, 3, 2, "spacial")
    with pytest.raises(ModelError, match="from 1 to full, which is 12 here. Received: 13"):
        layers.LowRankConv2D(8, 3, 13)(x)
    with pytest.raises(ModelError, match="'c' must have a form of its method"):
        layers.LowRankConv2D(8, 3, 2, "cp", strides=(1, 2), name="c")(x)
