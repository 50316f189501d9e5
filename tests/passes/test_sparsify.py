from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import _tf, tflite
from edgekit.data.dataset import Raw, split
from edgekit.data.preprocessing import Preprocessing
from edgekit.errors import Finding, RecipeError
from edgekit.passes import Context, parse_pass, zero_masks
from edgekit.target import Budget, load_target
from edgekit.training import Objective, Train, Trainer
from edgekit_converters.tflite import ConvertSpec, convert_keras


@pytest.fixture
def context(make_trainer: Callable[..., Trainer], trained: Any) -> Context:
    return Context(make_trainer(), Train(learning_rate=0.01), load_target("generic"), Budget(), trained.score)


def sparsify(model: Any, context: Context, **options: Any) -> Any:
    item = parse_pass({"sparsify": {"finetune": "none", **options}})
    assert item.check(model, context.target) == []
    return item.apply(model, context)


def zeros(model: Any) -> dict[str, float]:
    return {name: float(mask.mean()) for name, mask in zero_masks(model, least=0).items()}


@pytest.mark.parametrize("sparsity", [0.3, 0.75, 0.95])
def test_every_kernel_reaches_its_sparsity(sparsity: float, trained: Any, context: Context) -> None:
    before = [w.copy() for w in trained.model.get_weights()]
    found = sparsify(trained.model, context, sparsity=sparsity)
    for name, share in zeros(found).items():
        assert share == pytest.approx(sparsity, abs=0.02), name
    for w, old in zip(trained.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, old, "the model given is left as it is")
    assert [layer.name for layer in found.layers] == [layer.name for layer in trained.model.layers]


def test_the_smallest_weights_go_and_the_others_stay(trained: Any, context: Context) -> None:
    kernel = trained.model.get_layer("hidden").get_weights()[0]
    pruned = sparsify(trained.model, context, sparsity=0.5).get_layer("hidden").get_weights()[0]
    assert np.abs(kernel[pruned == 0]).max() <= np.abs(kernel[pruned != 0]).min()
    np.testing.assert_array_equal(pruned[pruned != 0], kernel[pruned != 0])


def test_layers_by_pattern(trained: Any, context: Context, said: list[str]) -> None:
    found = zeros(sparsify(trained.model, context, sparsity=0.5, layers={"conv*": 0.0, "hid*": 0.9}))
    assert found["conv/kernel"] == 0
    assert found["hidden/kernel"] == pytest.approx(0.9, abs=0.01)
    assert found["scores/kernel"] == pytest.approx(0.5, abs=0.01)
    assert any("left alone: conv" in line for line in said)


def block_zeros(kernel: np.ndarray, block: tuple[int, int]) -> list[set[bool]]:
    """What each block of the kernel as a matrix [height*width*inputs, outputs] holds; the last ones may be cut."""
    matrix = kernel.reshape(-1, kernel.shape[-1]) == 0
    rows, columns = (range(0, n, b) for n, b in zip(matrix.shape, block, strict=True))
    return [set(matrix[r : r + block[0], c : c + block[1]].ravel().tolist()) for r in rows for c in columns]


@pytest.mark.parametrize(
    ("block", "finetune"), [((4, 1), "none"), ((1, 4), {"epochs": 1, "learning_rate": 0.01}), ((2, 3), "none")]
)
def test_blocks_go_whole_or_stay_whole(
    block: tuple[int, int], finetune: object, trained: Any, context: Context
) -> None:
    found = sparsify(trained.model, context, sparsity=0.5, block=list(block), finetune=finetune)
    for name in ("conv", "hidden", "scores"):
        blocks = block_zeros(found.get_layer(name).get_weights()[0], block)
        assert {True, False} not in blocks, name
        assert np.mean([b == {True} for b in blocks]) == pytest.approx(0.5, abs=0.07), name


def test_the_blocks_of_least_mean_magnitude_go(trained: Any, context: Context) -> None:
    """Cut blocks at the edge, too: 9 rows of a convolution in blocks of 4."""
    kernel = np.abs(trained.model.get_layer("conv").get_weights()[0]).reshape(9, 8)
    found = sparsify(trained.model, context, sparsity=0.5, block=[4, 1]).get_layer("conv").get_weights()[0]
    gone, stayed = [], []
    for row in (0, 4, 8):
        for column in range(8):
            part = slice(row, row + 4), column
            (gone if not found.reshape(9, 8)[part].any() else stayed).append(kernel[part].mean())
    assert max(gone) <= min(stayed) and len(gone) == len(stayed) == 12


@pytest.mark.parametrize("finetune", ["none", {"epochs": 1}])
def test_two_of_four(finetune: object, trained: Any, context: Context) -> None:
    found = sparsify(trained.model, context, pattern="2:4", finetune=finetune)
    kernel = found.get_layer("hidden").get_weights()[0]
    groups = (kernel == 0).reshape(kernel.shape[0] // 4, 4, kernel.shape[1])
    assert (groups.sum(1) >= 2).all(), "2 zeros in every 4 weights of an output"
    assert zeros(found)["conv/kernel"] == 0, "1 input channel is no multiple of 4"


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "polynomial"},
        {"schedule": "polynomial", "initial_sparsity": 0.4, "begin": 0.2, "end": 0.9, "frequency": 1},
        {"schedule": "constant", "begin": 0.5, "end": 1.0},
    ],
)
def test_schedules_end_at_the_sparsity_asked_for(options: dict[str, Any], trained: Any, context: Context) -> None:
    found = sparsify(trained.model, context, sparsity=0.8, finetune={"epochs": 3, "learning_rate": 0.01}, **options)
    for name, share in zeros(found).items():
        assert share == pytest.approx(0.8, abs=0.02), name
    assert not np.allclose(found.get_weights()[-1], trained.model.get_weights()[-1]), "it was fine-tuned"
    at_once = sparsify(trained.model, context, sparsity=0.8)
    assert context.trainer.score(found) > context.trainer.score(at_once) + 0.1


def test_finetuning_without_much_pruning_costs_nothing(trained: Any, context: Context) -> None:
    found = sparsify(trained.model, context, sparsity=0.05, finetune={"epochs": 1})
    assert context.trainer.score(found) > context.reference - 0.03


def test_auto_trains_only_where_the_budget_asks_for_it(trained: Any, context: Context, said: list[str]) -> None:
    mild = sparsify(trained.model, context, sparsity=0.1, finetune="auto")
    np.testing.assert_array_equal(mild.get_weights()[-1], trained.model.get_weights()[-1])
    assert any("within budget, no fine-tuning" in line for line in said)
    hard = sparsify(trained.model, context, sparsity=0.9, finetune="auto")
    assert any("below budget, fine-tuning" in line for line in said)
    untouched = sparsify(trained.model, context, sparsity=0.9, finetune="none")
    assert context.trainer.score(hard) > context.trainer.score(untouched)


def test_zeros_are_in_the_file(trained: Any, context: Context, tmp_path: Path) -> None:
    found = sparsify(trained.model, context, sparsity=0.8)
    expected = sum(int(m.sum()) for m in zero_masks(found).values())
    for kind in ("float32", "int8"):
        spec = ConvertSpec.model_validate({"format": kind})
        convert_keras(
            found, tmp_path / "m.tflite", spec, representative=context.trainer.dataset.features("calibration")
        )
        assert tflite.inspect(tmp_path / "m.tflite").zeros >= expected


def separable() -> Any:
    keras = _tf.tf_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.SeparableConv2D(8, 3, name="separable"),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.Conv2DTranspose(4, 3, name="transposed"),
            layers.Flatten(),
            layers.Reshape((-1, 4)),
            layers.Conv1D(4, 3, name="conv1d"),
        ]
    )


def test_other_kinds_of_layers(context: Context) -> None:
    found = zeros(sparsify(separable(), context, sparsity=0.5))
    assert found == {
        "separable/depthwise_kernel": 0.0,
        "separable/pointwise_kernel": 0.5,
        "depthwise/depthwise_kernel": 0.0,
        "transposed/kernel": 0.5,
        "conv1d/kernel": pytest.approx(0.5, abs=0.02),
    }


def test_depthwise_kernels_on_request(context: Context) -> None:
    others = {"separable": 0.0, "transposed": 0.0, "conv1d": 0.0}
    found = zeros(sparsify(separable(), context, layers={**others, "depthwise": 0.5}))
    assert found["depthwise/depthwise_kernel"] == pytest.approx(0.5, abs=0.02)
    assert found["separable/pointwise_kernel"] == 0


@pytest.mark.parametrize("option", [{"pattern": "2:4"}, {"block": [2, 2]}])
def test_forms_that_a_kind_of_layer_cannot_take_leave_it_alone(option: dict[str, Any], context: Context) -> None:
    keras = _tf.tf_keras()
    model = keras.Sequential(
        [
            keras.layers.Input((8, 4)),
            keras.layers.Conv1D(4, 3, name="c"),
            keras.layers.Dense(4, name="d"),
            keras.layers.Reshape((6, 4, 1)),
            keras.layers.Conv2DTranspose(3, 2, name="t"),
        ]
    )
    found = zeros(sparsify(model, context, **option))
    assert found == {"c/kernel": 0 if "pattern" in option else 0.5, "d/kernel": 0.5, "t/kernel": 0}


def sizes_and_zeros(model: Any) -> dict[str, tuple[int, int]]:
    return {name: (mask.size, int(mask.sum())) for name, mask in zero_masks(model, least=0).items()}


@pytest.mark.parametrize("sparsity", [0.3, 0.8])
def test_one_threshold_over_all_layers(sparsity: float, trained: Any, context: Context, said: list[str]) -> None:
    found = sparsify(trained.model, context, sparsity=sparsity, scope="global")
    kernels = [w for w in trained.model.get_weights() if w.ndim > 1]
    pruned = [w for w in found.get_weights() if w.ndim > 1]
    gone = max(np.abs(k[p == 0]).max() for k, p in zip(kernels, pruned, strict=True))
    stayed = min(np.abs(k[p != 0]).min() for k, p in zip(kernels, pruned, strict=True))
    assert gone <= stayed * 1.02  # within each layer, the share is rounded to whole weights
    counts = sizes_and_zeros(found).values()
    assert sum(z for _, z in counts) / sum(n for n, _ in counts) == pytest.approx(sparsity, abs=0.005)
    assert len({round(z / n, 2) for n, z in counts}) > 1, "layers differ"
    assert any("sparsity by layer: conv 0." in line for line in said)


def test_lamp_shares_out_by_its_scores(trained: Any, context: Context) -> None:
    """Against the definition of Lee et al., written as the loop that it is."""
    scores = {}
    for name in ("conv", "hidden", "scores"):
        squares = sorted(float(v) ** 2 for v in trained.model.get_layer(name).get_weights()[0].ravel())
        scores[name] = [square / sum(squares[i:]) for i, square in enumerate(squares)]
    total = sum(map(len, scores.values()))
    threshold = sorted(v for values in scores.values() for v in values)[round(0.7 * total) - 1]
    found = sizes_and_zeros(sparsify(trained.model, context, sparsity=0.7, scope="global", importance="lamp"))
    magnitude = sizes_and_zeros(sparsify(trained.model, context, sparsity=0.7, scope="global"))
    for name, values in scores.items():
        assert found[f"{name}/kernel"][1] == pytest.approx(sum(v <= threshold for v in values), abs=1)
    assert found != magnitude


@pytest.mark.parametrize("finetune", ["none", {"epochs": 2, "learning_rate": 0.01}])
def test_no_layer_dies(finetune: object, trained: Any, context: Context) -> None:
    """Though nearly all weights of one layer are below the threshold; the others make up for what it may keep."""
    model = _tf.tf_keras().models.clone_model(trained.model)
    model.set_weights(trained.model.get_weights())
    hidden = model.get_layer("hidden")
    hidden.set_weights([w * 0.001 for w in hidden.get_weights()])
    found = sizes_and_zeros(sparsify(model, context, sparsity=0.88, scope="global", cap=0.9, finetune=finetune))
    size, zeros = found["hidden/kernel"]
    assert zeros / size == pytest.approx(0.9, abs=0.01)
    assert sum(z for _, z in found.values()) / sum(n for n, _ in found.values()) == pytest.approx(0.88, abs=0.01)


def test_named_layers_stay_out_of_the_global_budget(trained: Any, context: Context) -> None:
    found = sizes_and_zeros(sparsify(trained.model, context, sparsity=0.6, scope="global", layers={"hidden": 0.25}))
    assert found["hidden/kernel"][1] / found["hidden/kernel"][0] == pytest.approx(0.25, abs=0.01)
    others = [v for name, v in found.items() if name != "hidden/kernel"]
    assert sum(z for _, z in others) / sum(n for n, _ in others) == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sparsity": 0}, "sparsify.sparsity must fit.*greater than 0. Received: 0"),
        ({"sparsity": 1}, "sparsify.sparsity must fit.*less than 1. Received: 1"),
        ({"sparsity": -0.5}, "sparsify.sparsity must fit.*Received: -0.5"),
        ({"sparsity": float("nan")}, "sparsify.sparsity must fit.*Received: nan"),
        ({"cap": 1}, "sparsify.cap must fit.*less than 1"),
        ({"layers": {"conv": 1}}, "sparsify.layers.conv must fit.*less than 1"),
        ({"sparsity": 0.5, "initial_sparsity": 0.5}, "initial_sparsity must be below sparsity"),
        ({"begin": 0.6, "end": 0.6}, "end must come after begin"),
        ({"importance": "lamp"}, "lamp compares layers, so it needs scope: global"),
        ({"scope": "global", "sparsity": 0.9, "cap": 0.8}, "sparsity must not be above cap"),
        ({"scope": "global", "pattern": "2:4"}, "pattern fixes the sparsity of every layer"),
        ({"pattern": "4:4"}, "pattern is N:M"),
        ({"pattern": "2:4", "block": [1, 4]}, "pattern and block exclude each other"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_pass({"sparsify": options})


def text_model() -> Any:
    """Embedding, attention and recurrent layers, with a mask of padding on the way."""
    keras = _tf.tf_keras()
    layers = keras.layers
    words = layers.Input((4,), dtype="int32")
    x = layers.Embedding(40, 8, mask_zero=True, name="embedding")(words)
    x = layers.Add(name="add")([x, layers.MultiHeadAttention(2, 4, name="attention")(x, x)])
    x = layers.Dense(8, name="between")(x)
    x = layers.GRU(8, name="gru")(x)
    return keras.Model(words, layers.Dense(2, activation="softmax", name="scores")(x))


def kernels_of(model: Any, name: str) -> list[np.ndarray]:
    weights = model.get_layer(name).weights
    return [w.numpy() for w in weights if w.name.partition(":")[0].endswith(("kernel", "embeddings"))]


def test_embeddings_attention_and_recurrent_kernels_on_request(context: Context) -> None:
    model = text_model()
    untold = parse_pass({"sparsify": {"sparsity": 0.4}})._chosen(model)  # type: ignore[attr-defined]
    assert untold == {"between": 0.4, "scores": 0.4}
    found = sparsify(model, context, sparsity=0.4, layers={"embedding": 0.75, "attention": 0.5})
    for name, share in {"embedding": 0.75, "attention": 0.5, "gru": 0, "between": 0.4}.items():
        for kernel in kernels_of(found, name):
            assert np.mean(kernel == 0) == pytest.approx(share, abs=0.02), name


def test_further_kinds_on_request(context: Context) -> None:
    layers = _tf.tf_keras().layers
    model = _tf.tf_keras().Sequential(
        [
            layers.Input((3, 4)),
            layers.EinsumDense("nab,bc->nac", (3, 8), name="einsum"),
            layers.LSTM(4, return_sequences=True, name="lstm"),
            layers.SimpleRNN(4, name="simple"),
        ]
    )
    assert parse_pass("sparsify").check(model, context.target) == [Finding("The model has a layer that can be pruned")]
    found = sparsify(model, context, layers={"einsum": 0.5, "lstm": 0.75, "simple": 0.25})
    for name, share in {"einsum": 0.5, "lstm": 0.75, "simple": 0.25}.items():
        kernels = kernels_of(found, name)
        assert len(kernels) == (1 if name == "einsum" else 2)
        for kernel in kernels:
            assert np.mean(kernel == 0) == pytest.approx(share, abs=0.02), name


@pytest.mark.slow  # two text models
def test_text_models_are_pruned_while_training(tmp_path: Path) -> None:
    """Under TF-MOT's wrapper the mask of padding and attention's second input go where they went before."""
    rng = np.random.default_rng(0)
    x = rng.integers(2, 40, (200, 4)).astype(np.int32)
    x[:, 2:] *= rng.integers(0, 2, (200, 1)).astype(np.int32)
    data = split(Raw(x, np.arange(200) % 2), Preprocessing(), calibration=8, validation=0.1, test=0.2, seed=0)
    trainer = Trainer(data, Objective(), 0, tmp_path, quiet=True)
    context = Context(trainer, Train(), load_target("generic"), Budget(), 1.0)
    model, names = text_model(), ("embedding", "attention", "gru")
    options = {"sparsity": 0.3, "layers": dict.fromkeys(names, 0.6), "finetune": {"epochs": 1}}
    item = parse_pass({"sparsify": options})
    wrapped = item._wrapped(model, _always, item._chosen(model))  # type: ignore[attr-defined]
    np.testing.assert_allclose(wrapped(x).numpy(), model(x).numpy(), atol=1e-5)
    found = sparsify(model, context, **options)
    for name in names:
        for kernel in kernels_of(found, name):
            assert np.mean(kernel == 0) == pytest.approx(0.6, abs=0.02), name
    assert item.lost(found, found) == []
    findings = item.lost(found, model)
    expected = {"embedding/embeddings", "attention/query/kernel", "attention/attention_output/kernel", "between/kernel"}
    assert expected <= {f.where for f in findings}
    assert len(findings) == 1 + 4 + 1 + 2 + 1, "every pruned kernel, those of one name within their layers too"


def _always(final: float) -> Any:
    return _tf.tfmot().sparsity.keras.ConstantSparsity(final, 0, -1, 1)


def test_lost_names_the_kernel_and_counts(trained: Any, context: Context) -> None:
    item = parse_pass({"sparsify": {"sparsity": 0.8}})
    made = sparsify(trained.model, context, sparsity=0.8, layers={"conv": 0})
    assert item.lost(made, made) == []
    later = _tf.tf_keras().models.clone_model(made)
    later.set_weights(made.get_weights())
    kernel, bias = later.get_layer("hidden").get_weights()
    rows, columns = np.nonzero(kernel == 0)
    kernel[rows[:3], columns[:3]] = 0.5
    later.get_layer("hidden").set_weights([kernel, bias])
    assert item.lost(made, later) == [
        Finding("The kernel keeps its zeros", f"3 of {len(rows)} zeros lost", where="hidden/kernel")
    ]
    assert item.lost(later, made) == [], "more zeros are no loss"
    assert any(f.where == "scores/kernel" for f in item.lost(made, _tf.tf_keras().Sequential(made.layers[:-1])))


def test_zeros_last_through_quantisation_aware_training(trained: Any, make_trainer: Any, few_digits: Any) -> None:
    trainer = make_trainer(few_digits)
    context = Context(trainer, Train(), load_target("generic"), Budget(), 1.0)
    made = sparsify(trained.model, context, sparsity=0.6)
    later = parse_pass({"qat": {"finetune": "none"}}).apply(made, context)
    item = parse_pass("sparsify")
    assert item.lost(made, later) == []
    assert item.check(later, context.target)[0].rule == "sparsify comes before qat"
    for weight in later.weights:
        if "hidden" in weight.name and weight.name.partition(":")[0].endswith("/kernel"):
            weight.assign_add(np.full(weight.shape, 0.1, np.float32))
    (finding,) = item.lost(made, later)
    assert finding.where == "hidden/kernel" and "zeros lost" in str(finding)


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"layers": {"cnov": 0.5}}, "layers: Each name or pattern fits a layer of the model (received 'cnov'; "
                                    "Did you mean 'conv'?)"),
        ({"layers": {"flatten": 0.5}}, "layers: The layer has a kernel that can be pruned (received 'flatten')"),
        ({"layers": {"conv": 0.5}, "pattern": "2:4"}, "layers: The layer can be pruned with pattern 2:4 (received "
                                                      "'conv')"),
        ({"layers": {"*": 0.0}}, "The model has a layer that can be pruned"),
    ],
)  # fmt: skip
def test_check_says_what_stands_against_it(options: dict[str, Any], finding: str, trained: Any) -> None:
    (found,) = parse_pass({"sparsify": options}).check(trained.model, load_target("generic"))
    assert str(found) == finding
