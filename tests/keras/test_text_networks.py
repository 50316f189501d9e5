"""The networks for text learn, are copied and saved, become integer files and are scored there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf, tflite
from edgekit.data import Dataset, load_data
from edgekit.data.preprocessing import MOST_WORDS
from edgekit.data.sidecar import Sidecar, write_sidecar
from edgekit.errors import ModelError
from edgekit.golden import read_golden
from edgekit.keras import build_network, load_model, save_model
from edgekit.keras.embedding import VOCABULARY_ROWS
from edgekit.measure.golden import write_golden
from edgekit.passes import Context, parse_pass
from edgekit.target import Budget, load_target
from edgekit.training import Objective, Train, Trainer, seed_everything
from edgekit_converters.tflite import ConvertSpec, convert_keras

LENGTH = 5
"""Words of a sample: a GRU's steps are written out, and each takes the converter its time."""


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    good, bad = ("superb", "moving", "funny"), ("dull", "awful", "tedious")
    rows = []
    for i in range(240):
        words = rng.choice(["a", "film", "the", "and", "so"], rng.integers(2, LENGTH)).tolist()
        words.insert(int(rng.integers(0, len(words))), str(rng.choice((good, bad)[i % 2])))
        rows.append(f"{' '.join(words)}\t{('good', 'bad')[i % 2]}")
    path = tmp_path_factory.mktemp("text") / "reviews.tsv"
    path.write_text("\n".join(rows))
    return path


def spec(path: Path) -> dict[str, Any]:
    return {"source": str(path), "calibration": 32, "preprocessing": [{"tokenize": {"length": LENGTH}}]}


@pytest.fixture(scope="module")
def data(reviews: Path) -> Dataset:
    return load_data(edgekit.data.DataSpec(**spec(reviews)))


@pytest.fixture(scope="module", params=["text_gru", pytest.param("text_transformer", marks=pytest.mark.slow)])
def learned(request: pytest.FixtureRequest, data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Any:
    trainer = Trainer(data, Objective(), 0, tmp_path_factory.mktemp("work"), quiet=True)
    seed_everything(0)
    model = build_network(request.param, (LENGTH,), 2)
    trainer.fit(model, Train(epochs=6, learning_rate=0.003, batch_size=16), name=request.param)
    return model, trainer


def test_learns(learned: Any) -> None:
    model, trainer = learned
    assert model.count_params() == {"text_transformer": 583_298 + 64 * LENGTH, "text_gru": 539_234}[model.name]
    assert trainer.score(model, "test") > 0.95


def test_copies_and_files_give_the_same(learned: Any, data: Dataset, tmp_path: Path) -> None:
    model, _ = learned
    x = data.features("test")
    expected = model(x).numpy()
    clone = _tf.tf_keras().models.clone_model(model)
    clone.set_weights(model.get_weights())
    save_model(model, tmp_path / "m.h5")
    for copy in (clone, load_model(tmp_path / "m.h5")):
        np.testing.assert_allclose(copy(x).numpy(), expected, atol=1e-6)


def test_the_integer_file_keeps_its_contract_and_its_accuracy(learned: Any, data: Dataset, tmp_path: Path) -> None:
    model, trainer = learned
    path = tmp_path / "m.tflite"
    convert_keras(model, path, ConvertSpec(format="int8"), representative=data.features("calibration"))
    found = tflite.inspect(path)
    assert found.quantization == "int8" and tflite.float_tensors(tflite.read(path)) == []
    assert [t.dtype for t in found.inputs] == ["int32"] and [t.dtype for t in found.outputs] == ["int8"]
    assert "GATHER" in {o.name for o in found.operators}
    write_sidecar(path, Sidecar(data.preprocessing, data.label_names, "classification"))
    scored = edgekit.evaluate(path, data=spec_of(data, tmp_path)).score
    assert scored.value == pytest.approx(trainer.score(model, "test"), abs=0.03)


def test_golden_answers_are_those_of_the_model(learned: Any, data: Dataset, tmp_path: Path) -> None:
    """tflite-runtime 2.14's reference kernels answer int8 attention wrong."""
    model, _ = learned
    samples = data.features("calibration")
    convert_keras(model, tmp_path / "m.tflite", ConvertSpec(format="int8"), representative=samples)
    write_golden(tmp_path / "m.tflite", samples)
    golden = read_golden(tmp_path / "m.tflite")
    found = tflite.inspect(tmp_path / "m.tflite").outputs[0]
    answers = (golden.outputs[0][:, 0].astype(np.float32) + 128) / 256
    assert found.dtype == "int8"
    np.testing.assert_allclose(answers, model(samples[: len(golden)]), atol=0.06)


def spec_of(data: Dataset, folder: Path) -> str:
    """The test split as a source of its own, in raw bytes: the vocabulary comes from the model's sidecar."""
    test = data.raw("test")
    np.savez(folder / "test.npz", x_test=test.x, y_test=test.y, label_names=np.array(data.label_names))
    return str(folder / "test.npz")


def test_positions_tell_the_order_of_words() -> None:
    """Without them, attention and the mean over all words know no order."""
    model = build_network("text_transformer", (LENGTH,), 2)
    x = np.arange(2, 2 + 4 * LENGTH, dtype=np.int32).reshape(4, LENGTH)
    np.testing.assert_allclose(model(x[:, ::-1]), model(x), atol=1e-6)
    kernel, bias = model.get_layer("positions").get_weights()
    assert bias.shape == (LENGTH, 64)
    np.testing.assert_array_equal(kernel, np.eye(64))
    model.get_layer("positions").set_weights([kernel, np.random.default_rng(0).normal(size=bias.shape)])
    assert np.abs(model(x[:, ::-1]) - model(x)).max() > 1e-3


def test_bears_pruning(learned: Any) -> None:
    model, trainer = learned
    context = Context(trainer, Train(), load_target("generic"), Budget(), 1.0)
    item = parse_pass({"sparsify": {"sparsity": 0.5, "layers": {"embedding": 0.5}, "finetune": "none"}})
    sparse = item.apply(model, context)
    assert np.mean(sparse.get_layer("embedding").get_weights()[0] == 0) == pytest.approx(0.5, abs=0.01)
    assert trainer.score(sparse, "test") > 0.9


def test_words_fit_the_embedding() -> None:
    assert VOCABULARY_ROWS == MOST_WORDS + 2


@pytest.mark.parametrize(
    ("name", "shape"), [("text_gru", (65,)), ("text_gru", (8, 8)), ("text_transformer", (257,)), ("text_gru", ())]
)
def test_input_that_does_not_fit(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=rf"network {name} must fit its input.*1 to \d+ word indices"):
        build_network(name, shape, 2)
