"""A file that answers otherwise than its Keras model is not written, and the layer where they part is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit import _tf, tflite
from edgekit.data.sidecar import read_sidecar
from edgekit.errors import ConversionError
from edgekit.measure.parity import LEAST_DB, Parity, compare, finding, warning
from edgekit_converters.tflite import ConvertSpec, Held, convert_file, convert_keras, format_names
from edgekit_converters.tflite.contract import check_parity
from edgekit_converters.tflite.reference import layer_answers, reference_of

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 12)).astype(np.float32)


def network(last: str | None = "softmax", *, outputs: int = 3, seed: int = 0) -> Any:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    hidden = [layers.Dense(16, activation="relu", name="first"), layers.Dense(16, name="second")]
    return keras.Sequential(
        [keras.Input((12,), name="x"), *hidden, layers.Dense(outputs, activation=last, name="last")]
    )


def spec(kind: str) -> ConvertSpec:
    return ConvertSpec.model_validate({"format": kind})


@pytest.mark.parametrize("kind", format_names())
def test_every_format_is_compared(kind: str, tmp_path: Path) -> None:
    parity = convert_keras(network(), tmp_path / "m.tflite", spec(kind), representative=X).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > LEAST_DB[kind] + 10
    assert parity.agreement is not None and parity.agreement > 0.9
    assert (parity.samples, parity.data, parity.steps) == (64, "calibration", None)


def test_without_data_samples_are_random(tmp_path: Path) -> None:
    parity = convert_keras(network(), tmp_path / "m.tflite", spec("float32")).parity
    assert (parity.samples, parity.data) == (64, "random")


def test_random_indices_are_words_that_the_embedding_has(tmp_path: Path) -> None:
    layers = _tf.tf_keras().layers
    inputs = layers.Input((6,), dtype="int32")
    model = _tf.tf_keras().Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Embedding(3, 4)(inputs))))
    assert convert_keras(model, tmp_path / "m.tflite", spec("float32")).parity.sqnr_db is not None
    assert int(next(iter(reference_of(model, None).samples.values())).max()) == 2


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("layer", ["first", "second", "last"])
def test_the_layer_where_they_part_is_named(layer: str, kind: str, tmp_path: Path) -> None:
    path, model, other = tmp_path / "m.tflite", network(None), network(None)
    wrong = other.get_layer(layer)
    wrong.set_weights([-2 * values + 1 for values in wrong.get_weights()])
    convert_keras(other, path, spec(kind), representative=X)
    reference = reference_of(model, Held(X, "validation"))
    with pytest.raises(ConversionError, match=f"part at the layer '{layer}'.*--accept-parity"):
        check_parity(tflite.read(path), spec(kind), reference, None, lambda: layer_answers(model, reference))


def test_nothing_is_written_of_another_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter is made to convert other weights than the model has."""
    from edgekit_converters.tflite import convert

    true, other = convert.converted, network(None, seed=7)
    monkeypatch.setattr(convert, "converted", lambda model, *more: true(other, *more))
    with pytest.raises(ConversionError, match="answers as its Keras model"):
        convert_keras(network(None), tmp_path / "m.tflite", spec("float32"))
    assert not list(tmp_path.iterdir())
    parity = convert_keras(network(None), tmp_path / "m.tflite", spec("float32"), accept_parity=-100).parity
    assert parity.accepted_db == -100 and (tmp_path / "m.tflite").is_file()


def test_logits_are_compared_before_a_final_softmax(tmp_path: Path) -> None:
    """Probabilities of a sure model are 0 and 1, whatever the logits are."""
    model = network()
    sure = model.get_layer("last")
    sure.set_weights([40 * values for values in sure.get_weights()])
    convert_keras(model, tmp_path / "m.tflite", spec("int8"), representative=X)
    reference = reference_of(model, Held(X, "validation"))
    logits = reference.answers[0].logits
    assert logits is not None and np.ptp(logits) > 20
    found = compare(tflite.read(tmp_path / "m.tflite"), reference).sqnr_db
    assert found is not None and 20 < found < 60


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_constant_outputs_are_judged_by_quantisation_steps(kind: str, value: float, tmp_path: Path) -> None:
    model = network(None)
    model.get_layer("last").set_weights([np.zeros((16, 3)), np.full(3, value)])
    parity = convert_keras(model, tmp_path / "m.tflite", spec(kind), representative=X).parity
    assert parity.sqnr_db is None and parity.steps is not None and parity.steps <= 1


def test_a_constant_that_is_off_is_an_error() -> None:
    assert finding(Parity(None, None, 2.5, 64, "random"), "int8")
    assert not finding(Parity(None, None, 1.5, 64, "random"), "int8")


def test_the_worst_output_counts(tmp_path: Path) -> None:
    """A large and a small output, of which the small one is lost in an addition of both."""
    keras = _tf.tf_keras()
    inputs = keras.Input((12,))
    good, poor = keras.layers.Dense(2, name="good")(inputs), keras.layers.Dense(2, name="poor")(inputs)
    model = keras.Model(inputs, [good, 1e-3 * poor + 0.0 * good])
    one = keras.Model(inputs, good)
    both = convert_keras(model, tmp_path / "m.tflite", spec("int8"), representative=X).parity
    alone = convert_keras(one, tmp_path / "n.tflite", spec("int8"), representative=X).parity
    assert both.sqnr_db is not None and alone.sqnr_db is not None and both.sqnr_db < alone.sqnr_db


@pytest.mark.parametrize("kind", format_names())
def test_bounds(kind: str) -> None:
    least = LEAST_DB[kind]
    for above in (True, False):
        parity = Parity(least + 0.1 if above else least - 0.1, 1.0, None, 64, "validation")
        assert (finding(parity, kind) is None) is above
    assert finding(Parity(least - 1, 1.0, None, 64, "validation", accepted_db=least - 2), kind) is None
    assert bool(warning(Parity(10.0, 1.0, None, 64, "validation"), kind)) is kind.startswith("int")


def test_foreign_files_are_compared_in_the_same_way(tmp_path: Path) -> None:
    model = network()
    model.save(tmp_path / "m.h5")
    own = convert_keras(model, tmp_path / "own.tflite", spec("int8"), representative=X).parity
    foreign = convert_file(tmp_path / "m.h5", tmp_path / "m.tflite", spec("int8"), representative=X).parity
    assert own == foreign


def test_a_foreign_file_that_parts_names_the_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network().save(tmp_path / "m.h5")
    monkeypatch.setitem(LEAST_DB, "int8", 190.0)
    with pytest.raises(ConversionError, match="they part at the layer '(first|second|last)'"):
        convert_file(tmp_path / "m.h5", tmp_path / "m.tflite", spec("int8"), representative=X)
    assert [f.name for f in tmp_path.iterdir()] == ["m.h5"]


@pytest.mark.parametrize("accepted", [None, 5.0])
def test_sidecar_and_json_hold_it(accepted: float | None, tmp_path: Path, cli: Callable[..., Any]) -> None:
    network().save(tmp_path / "m.h5")
    more = ["--accept-parity", accepted] if accepted else []
    done = cli("convert", tmp_path / "m.h5", "--format", "float32", "-o", tmp_path / "m.tflite", "--json", *more)
    told = json.loads(done.out)
    sidecar = read_sidecar(tmp_path / "m.tflite")
    assert told["schema"] == "edgekit.convert/2" and sidecar is not None and sidecar.parity == told["parity"]
    assert told["parity"].keys() >= {"sqnr_db", "agreement", "samples", "data"}
    assert told["parity"]["accepted_db"] == accepted
    assert told["state"] == sidecar.state == "none"


@pytest.mark.parametrize("value", ["nan", "1e9", "-inf"])
def test_accepting_takes_a_number_of_decibels(value: str, tmp_path: Path, cli: Callable[..., Any]) -> None:
    network().save(tmp_path / "m.h5")
    out = tmp_path / "o.tflite"
    done = cli("convert", tmp_path / "m.h5", "--format", "float32", f"--accept-parity={value}", "-o", out)
    assert done.code == 2 and "between -200 and 200" in done.err and not out.exists()


def test_the_table_shows_it(tmp_path: Path, cli: Callable[..., Any]) -> None:
    network().save(tmp_path / "m.h5")
    done = cli("convert", tmp_path / "m.h5", "--format", "float32", "-o", tmp_path / "m.tflite")
    assert "against Keras" in done.out and "random samples" in done.out


def test_in_a_run_every_step_has_it(finished: Any) -> None:
    manifest = json.loads((finished.output / "manifest.json").read_text())
    for record in (*manifest["steps"], *manifest["models"]):
        assert record["parity"]["data"] == "validation" and record["parity"]["sqnr_db"] > 15
    assert "against Keras" in (finished.output / "report.md").read_text()


def test_state_is_said(tmp_path: Path) -> None:
    layers = _tf.tf_keras().layers
    for name, layer, batch in (
        ("reset before each call", layers.LSTM(3), None),
        ("kept", layers.GRU(3, stateful=True), 1),
        ("none", layers.GRU(3), None),
    ):
        model = _tf.tf_keras().Sequential([layers.Input((4, 2), batch_size=batch), layer])
        convert_keras(model, tmp_path / "m.tflite", spec("float32"))
        assert edgekit.inspect(tmp_path / "m.tflite").state == name


def test_a_head_of_two_outputs(tmp_path: Path) -> None:
    """One softmax layer that makes two outputs has the logits of both."""
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(0)
    a, b, head = keras.Input((4,), name="a"), keras.Input((4,), name="b"), keras.layers.Dense(3, "softmax")
    rng = np.random.default_rng(0)
    samples = {name: rng.standard_normal((64, 4)).astype(np.float32) for name in ("a", "b")}
    parity = convert_keras(
        keras.Model([a, b], [head(a), head(b)]),
        tmp_path / "m.tflite",
        ConvertSpec(format="float32"),
        representative=samples,
    ).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > 100
