"""Plain descriptions: what they say is what Keras builds, and they need neither Keras nor TensorFlow."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

from edgekit import registry
from edgekit.errors import ModelError, UsageError
from edgekit.keras import (
    build_network,
    describe_network,
    described_networks,
    families,
    network_names,
    network_options,
    networks,
)
from edgekit.keras.macs import layer_macs, model_macs
from edgekit.keras.plain import Description, Drawing, build_plain

SHAPES: dict[str, list[tuple[int, ...]]] = {
    "autoencoder": [(40,), (8, 5)], "dense_autoencoder": [(40,), (8, 5, 1)], "digits_cnn": [(8, 8, 1), (9, 12, 3)],
    "ds_cnn": [(49, 10, 1), (20, 11, 2)], "lenet5": [(28, 28, 1), (17, 21, 3)], "mobilenet_v1": [(33, 48, 3)],
    "resnet8": [(32, 32, 3), (15, 19, 1)], "vgg_small": [(32, 32, 3), (17, 9, 1)],
    "residual": [(28, 28, 1), (19, 33, 3)], "inverted_residual": [(28, 28, 1), (19, 33, 3)],
    "separable": [(28, 28, 1), (19, 33, 3)],
    "tcn": [(128, 9), (49, 10, 1), (33, 3)],
}  # fmt: skip
FREE = ("dense_autoencoder", "inverted_residual", "residual", "separable", "tcn")
DRAWS, QUICK = 6, 3
"""Nets that are drawn of a family, and how many of them before the slow tests."""


def drawn(name: str, rng: random.Random) -> dict[str, Any]:
    """Parameters of a family, each anywhere within its bounds as long as the net stays small."""
    values: dict[str, Any] = {}
    for key, field in network_options(name).model_fields.items():
        if choices := get_args(field.annotation):
            values[key] = rng.choice(choices)
        elif field.annotation is bool:
            values[key] = rng.random() < 0.5
        else:
            low = next((m.ge for m in field.metadata if hasattr(m, "ge")), 0.2)
            high = next((m.le for m in field.metadata if hasattr(m, "le")), 0.9)
            high = {"width": 40, "depth": 3, "kernel": 7, "multiple": 8}.get(key.rstrip("123").split("_")[-1], high)
            whole = field.annotation is int
            values[key] = rng.randint(low, min(high, 48)) if whole else round(rng.uniform(low, min(high, 4)), 2)
    if "stem_pool" in values:
        values["stem_pool"] = min(values["stem_pool"], 3)
    return values


def draws() -> list[Any]:
    rng = random.Random(5)
    found = []
    for name in sorted(SHAPES):
        for shape in SHAPES[name]:
            for number in range(DRAWS if name in FREE else 1):
                marks = [pytest.mark.slow] if number >= QUICK else []
                found.append(pytest.param(name, shape, drawn(name, rng), marks=marks))
    return found


def test_every_described_network_is_held_to_keras() -> None:
    assert set(SHAPES) == set(described_networks())


@pytest.mark.parametrize(("name", "shape", "parameters"), draws())
def test_a_description_is_what_keras_builds(name: str, shape: tuple[int, ...], parameters: dict[str, Any]) -> None:
    network_options(name).model_validate(parameters)
    description = describe_network(name, shape, 7, parameters)
    model = build_network(name, shape, 7, parameters)
    by_name = {layer.name: layer for layer in description.layers}
    assert [layer.name for layer in model.layers if type(layer).__name__ != "InputLayer"] == [
        layer.name for layer in sorted(description.layers[1:], key=lambda y: _position(model, y.name))
    ]
    for layer in model.layers:
        told = by_name[layer.name]
        assert type(layer).__name__ == told.kind
        assert layer.output_shape in ((None, *told.output_shape), [(None, *told.output_shape)])
        assert layer.count_params() == told.parameters, layer.name
        assert told.kind == "InputLayer" or layer_macs(layer) == told.macs, layer.name
    assert description.macs == model_macs(model) and description.parameters == model.count_params()
    assert (None, *description.output_shape) == model.output_shape and model.name == description.name == name


def _position(model: Any, name: str) -> int:
    return [layer.name for layer in model.layers].index(name)


@pytest.mark.parametrize("name", FREE)
def test_each_parameter_has_an_effect(name: str) -> None:
    shape = SHAPES[name][0]
    usual = describe_network(name, shape, 10)
    others = {
        "activation": "relu6" if name != "inverted_residual" else "relu", "separable": True, "padding": "causal",
        "dropout": 0.3, "expansion": 1.5, "multiple": 24, "dilation": 1,
    }  # fmt: skip
    for key, field in network_options(name).model_fields.items():
        other = others[key] if key in others else field.default % 3 + 1 if field.default else 8
        changed = describe_network(name, shape, 10, {key: other})
        assert changed.sha256 != usual.sha256, key
    assert describe_network(name, shape, 10, {}).sha256 == usual.sha256


def test_a_causal_net_reads_no_later_step() -> None:
    parameters = {"padding": "causal", "stem_stride": 1, "stride2": 1, "stride3": 1, "depth3": 3}
    for separable in (False, True):
        model = build_network("tcn", (40, 3), 5, {**parameters, "separable": separable})
        from edgekit import _tf

        steps = _tf.tf_keras().Model(model.inputs, model.get_layer("pool").input)
        rng = np.random.default_rng(0)
        before = rng.normal(size=(1, 40, 3)).astype(np.float32)
        after = before.copy()
        after[:, 25:] += 1
        told, changed = np.asarray(steps(before)), np.asarray(steps(after))
        assert np.array_equal(told[:, :, :25], changed[:, :, :25])
        assert not np.allclose(told[:, :, 25:], changed[:, :, 25:])


def test_channels_are_multiples() -> None:
    for name in ("residual", "inverted_residual", "separable"):
        description = describe_network(name, (28, 28, 1), 10, {"multiple": 8, "width1": 13, "width2": 3, "width3": 50})
        filters = [y.options["filters"] for y in description.layers if y.kind == "Conv2D"]
        assert all(isinstance(f, int) and f % 8 == 0 for f in filters)


@pytest.mark.parametrize(
    ("name", "shape", "parameters", "said"),
    [
        ("residual", (10,), {}, "network residual must fit its input.*reads height, width and channels"),
        ("residual", (3, 3, 1), {"stem_pool": 4}, "stem_pool has a window"),
        ("tcn", (10,), {}, "reads time and channels"),
        ("lenet5", (4, 4, 1), {}, "network lenet5 must fit its input"),
        ("text_gru", (10,), {}, "Only networks with a plain description.*text_gru.*ds_cnn.*residual"),
        ("separable", (None, 4, 1), {}, "every axis of the input has a size"),
    ],
)
def test_what_cannot_be_described(name: str, shape: tuple[int, ...], parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        describe_network(name, shape, 10, parameters)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(UsageError, match="residual"):
        describe_network("residuals", (28, 28, 1), 10)


def test_a_family_of_another_package_may_have_a_description_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(input_shape: tuple[int, ...], classes: int, units: int = 3) -> Description:
        d = Drawing("theirs", input_shape, classes, "x")
        d.dense(d.dense(d.input, units, "hidden"), classes, "scores", activation="softmax")
        return d.description()

    theirs = ModuleType("theirs")
    theirs.describe = describe  # type: ignore[attr-defined]
    load = registry.load
    monkeypatch.setattr(families.registry, "load", lambda p, n: theirs if n == "theirs" else load(p, n))
    monkeypatch.setattr(families.registry, "names", lambda p: [*network_names_before, "theirs"])
    assert list(network_options("theirs").model_fields) == ["units"]
    assert describe_network("theirs", (4,), 2, {"units": 5}).parameters == 4 * 5 + 5 + 5 * 2 + 2
    assert build_network("theirs", (4,), 2, {"units": 5}).count_params() == 37
    assert "theirs" in described_networks()


network_names_before = network_names()


def test_describing_needs_no_tensorflow() -> None:
    code = (
        "import sys, json; from edgekit.keras import describe_network, described_networks;"
        "shape = lambda n: (40,) if 'auto' in n else (40, 40, 1);"
        "macs = {n: describe_network(n, shape(n), 10).macs for n in described_networks()};"
        "print(json.dumps([macs, sorted({m.partition('.')[0] for m in sys.modules})]))"
    )
    macs, loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert not {"tensorflow", "keras", "tf_keras"} & set(loaded) and all(macs.values()) and len(macs) >= 12


def test_layers_of_one_name_are_refused() -> None:
    d = Drawing("twice", (4,), 2, "x")
    d.dense(d.input, 3, "hidden")
    with pytest.raises(ValueError, match="hidden is there twice"):
        d.dense(d.input, 3, "hidden")


def test_the_model_of_a_description_has_its_options() -> None:
    d = Drawing("one", (8, 8, 2), 3, "x")
    x = d.conv(d.zero_pad(d.input, (1, 0), (2, 3), "pad"), 4, (3, 2), "conv", dilation=(1, 2), l2=0.01)
    d.relu(x, "relu", most=6.0)
    model = build_plain(d.description())
    pad, conv, relu = model.layers[1:]
    assert pad.padding == ((1, 0), (2, 3)) and conv.dilation_rate == (1, 2) and conv.use_bias
    assert conv.kernel_regularizer.l2 == pytest.approx(0.01) and relu.max_value == 6.0
    assert networks.__name__ == "edgekit.keras.networks"
