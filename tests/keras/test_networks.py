"""Every reference network builds, gives what its docstring says and takes a training step."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit import registry
from edgekit.errors import ModelError
from edgekit.keras import (
    build_network,
    describe_network,
    described_networks,
    is_network,
    network_names,
    network_options,
    networks,
)
from edgekit.testing import check_network

SHAPES = {
    "autoencoder": (640,), "digits_cnn": (8, 8, 1), "ds_cnn": (49, 10, 1), "lenet5": (28, 28, 1),
    "mobilenet_v1": (96, 96, 3), "resnet8": (32, 32, 3), "vgg_small": (32, 32, 3),
    "text_transformer": (40,), "text_gru": (24,), "dense_autoencoder": (640,), "tcn": (128, 9),
}  # fmt: skip
PARAMETERS = {"lenet5": 431_080, "resnet8": 78_666, "vgg_small": 1_342_570}


@pytest.mark.parametrize("name", network_names())
def test_network(name: str) -> None:
    shape = SHAPES.get(name, (32, 32, 3))
    samples = np.random.default_rng(0).random((2, *shape))
    given = (100 * samples).astype(np.int32) if name.startswith("text") else samples.astype(np.float32)
    check_network(registry.load(networks, name).build, shape, samples=given)
    model = build_network(name, shape, 10)
    assert is_network(name) and model.name == name
    assert model.output_shape == (None, *shape) if name.endswith("autoencoder") else (None, 10)
    if name in PARAMETERS:
        assert model.count_params() == PARAMETERS[name]


@pytest.mark.parametrize(("name", "shape"), [("lenet5", (4, 4, 1)), ("resnet8", (10,)), ("digits_cnn", (1, 1, 1))])
def test_input_that_does_not_fit(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=rf"network {name} must fit its input. Received: samples of shape"):
        build_network(name, shape, 10)


def test_names_are_not_paths() -> None:
    assert not is_network("resnet8.h5") and not is_network("__init__")


@pytest.mark.parametrize("name", [name for name in network_names() if "width" in network_options(name).model_fields])
def test_a_narrower_network_has_fewer_parameters(name: str) -> None:
    """Of described networks by their description, which tests/keras/test_plain.py holds to what Keras builds."""

    def size(**parameters: float) -> int:
        if name in described_networks():
            return describe_network(name, SHAPES[name], 10, parameters).parameters
        return int(build_network(name, SHAPES[name], 10, parameters).count_params())

    sizes = [size(width=width) for width in (0.25, 0.5, 1.0)]
    assert sizes[0] < sizes[1] < sizes[2] == size()
