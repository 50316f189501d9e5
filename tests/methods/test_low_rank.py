"""The maths: every form computes what the layer did, data lower the error of outputs, ranks and budgets are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit import _tf
from edgekit.errors import ModelError
from edgekit.keras.macs import model_macs
from edgekit.methods.low_rank import (
    Geometry,
    Option,
    Problem,
    allocate,
    at_budget,
    choose,
    decompose,
    low_rank_kernel,
    moments_of,
    replace_layers,
)
from edgekit.methods.low_rank.choice import options
from edgekit.methods.low_rank.evbmf import evbmf_rank, signal_rank
from edgekit.methods.low_rank.forms import Form
from edgekit.methods.low_rank.rebuild import plain_layers

GEOMETRIES: dict[str, dict[str, Any]] = {
    "same": {"kernel_size": 3, "padding": "same"},
    "same, stride 2": {"kernel_size": 3, "strides": 2, "padding": "same"},
    "valid, uneven": {"kernel_size": (5, 3), "strides": 2},
    "dilated": {"kernel_size": 3, "dilation_rate": (2, 3)},
    "uneven strides": {"kernel_size": 3, "strides": (2, 1), "padding": "same"},
    "1x1, stride 2": {"kernel_size": 1, "strides": 2, "padding": "same"},
}


def convolution(filters: int = 8, **options: Any) -> tuple[Any, Any]:
    """A model of one linear convolution with random weights, and inputs with correlated channels and a mean."""
    keras, rng = _tf.tf_keras(), np.random.default_rng(0)
    model = keras.Sequential([keras.Input((9, 10, 6)), keras.layers.Conv2D(filters, name="conv", **options)])
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    x = rng.normal(size=(200, 9, 10, 6)) @ rng.normal(size=(6, 6)) * np.array([3, 2, 1, 0.5, 0.2, 0.1]) + 0.5
    return model, x.astype("float32")


def replaced(model: Any, found: Any) -> Any:
    layer = model.layers[-1]
    weights = [*found.kernels, *([] if found.bias is None else [found.bias])]
    return replace_layers(model, {layer.name: (plain_layers(found.factors, layer.name, layer.get_config()), weights)})


def output_error(model: Any, found: Any, x: Any) -> float:
    expected = model(x).numpy()
    return float(np.mean((replaced(model, found)(x).numpy() - expected) ** 2) / np.var(expected))


@pytest.mark.parametrize("name", GEOMETRIES)
def test_full_rank_computes_what_the_layer_did(name: str) -> None:
    model, x = convolution(**GEOMETRIES[name])
    layer, x = model.layers[-1], x[:4]
    geometry = Geometry.of(layer)
    for form in geometry.forms():
        for inputs in (None, x):
            found = decompose(layer, geometry.full_rank(form), form, inputs)
            chain = replaced(model, found)
            np.testing.assert_allclose(chain(x), model(x), atol=1e-4, err_msg=form)
            assert found.error < 1e-8
            assert found.macs == model_macs(chain), form
    assert geometry.macs() == model_macs(model)


@pytest.mark.parametrize("name", ["same", "valid, uneven", "1x1, stride 2"])
def test_data_lower_the_error_of_outputs_never_seen(name: str) -> None:
    model, x = convolution(**GEOMETRIES[name])
    layer = model.layers[-1]
    geometry = Geometry.of(layer)
    for form in geometry.forms():
        rank = tuple(max(1, r // 3) for r in geometry.full_rank(form))
        blind, seeing = decompose(layer, rank, form), decompose(layer, rank, form, x[:100])
        one, two = output_error(model, blind, x[100:]), output_error(model, seeing, x[100:])
        assert two < 0.95 * one, form
        assert seeing.error == pytest.approx(two, rel=0.25), "the error that is reported is the output's"


def test_dense_reaches_the_bound() -> None:
    keras, rng = _tf.tf_keras(), np.random.default_rng(0)
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(12, name="dense")])
    model.set_weights([rng.normal(size=(20, 12)), rng.normal(size=12)])
    kernel = model.get_weights()[0]
    u, s, v = np.linalg.svd(kernel)
    found = low_rank_kernel(model.layers[-1], 5)
    np.testing.assert_allclose(found, (u[:, :5] * s[:5]) @ v[:5], atol=1e-5)
    x = (rng.normal(size=(4000, 20)) * np.linspace(2, 0.1, 20) + 1).astype("float32")
    y = model(x).numpy()
    bound = np.linalg.svd(y - y.mean(0), compute_uv=False)[5:] ** 2
    seeing = decompose(model.layers[-1], 5, "svd", x)
    lost = np.sum((replaced(model, seeing)(x).numpy() - y) ** 2)
    assert lost == pytest.approx(bound.sum(), rel=0.01), "no map of rank 5 is nearer (Eckart and Young)"
    blind = np.sum((replaced(model, decompose(model.layers[-1], 5, "svd"))(x).numpy() - y) ** 2)
    assert lost < 0.7 * blind


def test_the_kernel_given_is_the_one_computed_with() -> None:
    model, x = convolution(kernel_size=3, padding="same")
    layer = model.layers[-1]
    for form in Geometry.of(layer).forms():
        kernel = low_rank_kernel(layer, 2, form)
        assert kernel.shape == layer.kernel.shape and kernel.dtype == np.float32
        expected = replaced(model, decompose(layer, 2, form))(x[:2])
        layer_weights = layer.get_weights()
        layer.set_weights([kernel, layer_weights[1]])
        np.testing.assert_allclose(model(x[:2]), expected, atol=1e-4, err_msg=form)
        layer.set_weights(layer_weights)
    assert np.linalg.matrix_rank(low_rank_kernel(layer, 2, "spatial").transpose(0, 2, 1, 3).reshape(18, 24)) == 2
    assert np.linalg.matrix_rank(low_rank_kernel(layer, (4, 3), "tucker").reshape(54, 8)) == 3


def test_errors_fall_with_the_rank_and_sizes_are_shared_out() -> None:
    model, x = convolution(kernel_size=3, padding="same")
    moments = moments_of(model.layers[-1], x)
    for form in ("spatial", "separable", "cp"):
        errors = [decompose(model.layers[-1], r, form, moments).error for r in (1, 3, 6)]
        assert errors[0] > errors[1] > errors[2], form
    one, two = decompose(model.layers[-1], 6, "spatial", moments).kernels
    np.testing.assert_allclose((one**2).sum((0, 1, 2)), (two**2).sum((0, 1, 3)), rtol=1e-4)


@pytest.mark.parametrize(("rank", "method"), [(0, "spatial"), (19, "spatial"), ((7, 2), "tucker"), (9, "tucker")])
def test_a_rank_beyond_full_is_refused(rank: Any, method: str) -> None:
    model, _ = convolution(kernel_size=3)
    with pytest.raises(ModelError, match=f"from 1 to full.*Received: .{str(rank)[1:-1]}"):
        decompose(model.layers[-1], rank, method)


def test_layers_without_a_form_are_refused() -> None:
    keras = _tf.tf_keras()
    model, _ = convolution(kernel_size=3, strides=(2, 1))
    with pytest.raises(ModelError, match="'conv' must have a form.*It has: spatial, tucker"):
        decompose(model.layers[-1], 2, "separable")
    grouped = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(8, 3, groups=2, name="grouped")])
    with pytest.raises(ModelError, match="Conv2D 'grouped'"):
        decompose(grouped.layers[-1], 2)


@pytest.mark.parametrize("shape", [(60, 100), (100, 60), (80, 80)])
@pytest.mark.parametrize("rank", [0, 3, 10])
def test_evbmf_finds_the_rank_under_noise(shape: tuple[int, int], rank: int) -> None:
    rng = np.random.default_rng(rank)
    signal = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    for noise in (0.01, 0.3):
        assert signal_rank(signal + noise * rng.normal(size=shape)) == rank
        assert signal_rank(1e-3 * (signal + noise * rng.normal(size=shape))) == rank, "whatever the scale"


def test_evbmf_per_form() -> None:
    rng = np.random.default_rng(0)
    kernel = np.einsum("ijpq,cp,qn->ijcn", *(rng.normal(size=s) for s in ((3, 3, 4, 5), (32, 4), (5, 48))))
    kernel += 0.1 * rng.normal(size=kernel.shape)
    geometry = Geometry((3, 3), 32, 48)
    assert evbmf_rank(kernel, geometry, "tucker") == (4, 5)
    assert evbmf_rank(kernel, geometry, "cp") == (5,)
    assert evbmf_rank(np.zeros((32, 48)), Geometry((1, 1), 32, 48), "svd") == (1,)


def test_ranks_are_rounded_up_but_never_above_full() -> None:
    geometry = Geometry((3, 3), 12, 30, size_in=(8, 8), size_out=(8, 8))
    assert geometry.rounded("spatial", (9,), 8) == (16,)
    assert geometry.rounded("spatial", (34,), 8) == (36,)
    assert geometry.rounded("tucker", (9, 17), 8) == (12, 24)
    assert geometry.rounded("separable", (1,), 8) == (2,), "24 channels are a multiple of 8, 12 are not"
    assert geometry.saves("spatial", (20,)) and not geometry.saves("spatial", (26,))
    narrow = Geometry((1, 1), 8, 8, dense=True)
    assert narrow.saves("svd", (3,)) and not narrow.saves("svd", (3,), 16), "a device pads 3 channels to 16"


def problem(form: Form | None = None, multiple: int = 1) -> Problem:
    keras, rng = _tf.tf_keras(), np.random.default_rng(0)
    model = keras.Sequential([keras.Input((8, 8, 16)), keras.layers.Conv2D(24, 3, padding="same", name="conv")])
    low = np.einsum("icr,jrn->ijcn", rng.normal(size=(3, 16, 5)), rng.normal(size=(3, 5, 24)))
    model.set_weights([low + 0.1 * rng.normal(size=low.shape), np.zeros(24)])
    return Problem.of(model.layers[-1], form or "auto", None, multiple)


def test_choices_by_each_rule() -> None:
    spatial = problem("spatial")
    kept = choose(spatial, energy=0.95)
    assert kept is not None and kept.error <= 0.05 and kept.rank == (5,)
    assert choose(spatial, energy=0.9999) is None, "full rank saves nothing"
    assert choose(spatial, fraction=0.1).rank == (5,)  # type: ignore[union-attr]
    assert choose(spatial, rank=7).rank == (7,)  # type: ignore[union-attr]
    assert choose(spatial, rank="evbmf").rank == (5,)  # type: ignore[union-attr]
    assert choose(problem("spatial", 8), energy=0.95).rank == (8,)  # type: ignore[union-attr]
    assert choose(problem("tucker"), rank=(4, 6)).rank == (4, 6)  # type: ignore[union-attr]


def test_auto_takes_the_least_error_for_the_same_macs() -> None:
    one = problem()
    found = choose(one, rank=5)
    assert found is not None and found.form == "spatial", "the kernel was made so"
    rivals = at_budget(one, found.macs)
    assert {d.form for d in rivals} == {"spatial", "tucker", "cp", "cp_split", "separable"}
    assert all(d.macs <= found.macs and d.error >= found.error for d in rivals)


def test_allocation_spends_where_it_hurts_least() -> None:
    def option(macs: int, cost: float) -> Option:
        return Option(None, macs, cost)  # type: ignore[arg-type]

    cheap, dear = [option(50, 0.1), option(20, 1.0)], [option(50, 0.5), option(40, 0.6), option(10, 3.0)]
    choices = {"cheap": (100, cheap), "dear": (100, dear)}
    assert allocate(choices, 0) == {}
    assert allocate(choices, 50) == {"cheap": cheap[0]}
    assert allocate(choices, 110) == {"cheap": cheap[0], "dear": dear[1]}
    assert allocate(choices, 105) == {"cheap": cheap[0], "dear": dear[1]}, "the 5 too many help no layer"
    assert allocate(choices, 100) == {"cheap": cheap[0], "dear": dear[0]}, "the step to 40 saves 10 too many"
    assert allocate(choices, 10_000) == {"cheap": cheap[1], "dear": dear[2]}


def test_options_cost_less_the_more_they_keep() -> None:
    found = options(problem("spatial"))
    assert len(found) > 3
    assert [o.macs for o in found] == sorted(o.macs for o in found)
    assert [o.cost for o in found] == sorted((o.cost for o in found), reverse=True)
