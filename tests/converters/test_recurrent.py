"""Recurrent layers: what a file computes is what Keras computes, whatever the options, or there is no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recurrent_cells import CALLS, Cell, cells, keras_answers

from edgekit import _tf
from edgekit.errors import ConversionError
from edgekit.measure.statistics import sqnr_db
from edgekit.models.tflite import read_tflite
from edgekit.runtimes import load_runtime
from edgekit.runtimes._interpreter import InterpreterRuntime
from edgekit.runtimes._quantize import dequantize, quantize
from edgekit_converters.tflite import ConvertSpec, convert_keras

LEAST = {"float32": 100.0, "float16": 50.0, "dynamic": 15.0, "int8": 15.0, "int16x8": 30.0}
"""dB against Keras."""
WORKING = ("float32", "float16", "dynamic", "int8")
SHOWN = [
    Cell("GRU", ("embedding mask",)), Cell("GRU", ("stateful",)), Cell("LSTM", ("masking",)), Cell("LSTM", ("relu",)),
    Cell("SimpleRNN", ("backwards", "sequences")), Cell("RNN(stack)", ("return state",)), Cell("ConvLSTM1D"),
    Cell("Bidirectional(GRU)", ("embedding mask",)), Cell("GRU", ("initial state",)), Cell("LSTM", ("stateful",)),
    Cell("RNN(LSTMCell)", ("masking", "initial state")),
]  # fmt: skip


def answers(path: Path, cell: Cell, runtime: str = "litert") -> np.ndarray:
    """Outputs [CALLS, 3], fused states reset before each call; kept ones go on."""
    opened = load_runtime(runtime)
    assert isinstance(opened, InterpreterRuntime)
    session, found = opened.open(path), []
    try:
        for sample in cell.samples()[:CALLS]:
            raw = session.run([quantize(sample[np.newaxis], session.inputs[0])], fresh=True)[0]
            found.append(dequantize(raw, session.outputs[0]))
    finally:
        session.close()
    return np.concatenate(found)


def agreement(cell: Cell, kind: str, path: Path, runtime: str = "litert") -> float:
    """dB of the file's answers against Keras's."""
    model = cell.model()
    wanted = keras_answers(model, cell.samples(), stateful="stateful" in cell.options)
    convert_keras(model, path, ConvertSpec(format=kind), representative=cell.samples())  # type: ignore[arg-type]
    return sqnr_db(wanted, answers(path, cell, runtime))


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("cell", SHOWN, ids=str)
def test_file_is_the_model(cell: Cell, kind: str, tmp_path: Path) -> None:
    assert agreement(cell, kind, tmp_path / "m.tflite") >= LEAST[kind]


@pytest.mark.parametrize("runtime", ["tflite_runtime"])
def test_other_runtimes_agree(runtime: str, tmp_path: Path) -> None:
    assert agreement(Cell("GRU", ("masking", "sequences")), "int8", tmp_path / "m.tflite", runtime) >= LEAST["int8"]


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_states_are_kept_from_call_to_call(kind: str, tmp_path: Path) -> None:
    """The same sample twice gives two answers."""
    cell, path = Cell("GRU", ("stateful",)), tmp_path / "m.tflite"
    agreement(cell, kind, path)
    opened = load_runtime("litert")
    session = opened.open(path)
    sample = quantize(cell.samples()[:1], session.inputs[0])
    first, second = (session.run([sample])[0] for _ in range(2))
    session.close()
    assert not np.array_equal(first, second)


REFUSED = [
    (Cell("LSTM", ("time major",)), "'lstm.*time"),
    (Cell("GRU", ("stateful", "initial state")), "'gru.*stateful.*initial"),
]


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize(("cell", "message"), REFUSED, ids=str)
def test_what_cannot_be_is_refused_by_layer_and_option(cell: Cell, message: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=message) as caught:
        agreement(cell, kind, tmp_path / "m.tflite")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


ALONE = [(cell, kind) for cell in cells(pairs=False) for kind in ("float32", "int8")]
OTHER_FORMATS = [
    (Cell(layer, options), kind)
    for layer in ("LSTM", "GRU", "SimpleRNN", "Bidirectional(GRU)", "RNN(stack)")
    for options in ((), ("masking",), ("stateful",))
    for kind in ("float16", "dynamic", "int16x8")
]


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "kind"), [*ALONE, *OTHER_FORMATS], ids=str)
def test_every_option(cell: Cell, kind: str, tmp_path: Path) -> None:
    """A part of what `benchmarks/recurrent.py` tries."""
    try:
        found = agreement(cell, kind, tmp_path / "m.tflite")
    except ConversionError as error:
        assert kind == "int16x8" or "time major" in cell.options or error.received is not None
        assert "\n" not in str(error)
        return
    assert found >= LEAST[kind]


@pytest.mark.parametrize("kind", ["GRU", "SimpleRNN"])
def test_integer_loops_are_compact(kind: str, tmp_path: Path) -> None:
    """At most the bytes of the float32 file, and at most twice the operators that it executes in one inference."""
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(0)
    layer = getattr(keras.layers, kind)(32, return_sequences=True)
    model = keras.Sequential([keras.Input((128, 16)), layer, keras.layers.Flatten(), keras.layers.Dense(3)])
    x = np.random.default_rng(0).standard_normal((16, 128, 16)).astype(np.float32)
    sizes, executed = {}, {}
    for name in ("float32", "int8"):
        path = tmp_path / f"{name}.tflite"
        convert_keras(model, path, ConvertSpec(format=name), representative=x)  # type: ignore[arg-type]
        graphs = read_tflite(path).subgraphs
        sizes[name] = path.stat().st_size
        executed[name] = len(graphs[0].operators) + 128 * sum(len(graph.operators) for graph in graphs[1:])
    assert sizes["int8"] <= sizes["float32"]
    assert executed["int8"] <= 2 * executed["float32"]


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_inside_time_distributed(layer: str, kind: str, tmp_path: Path) -> None:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(0)
    inner = keras.layers.TimeDistributed(getattr(keras.layers, layer)(3), name="rows")
    model = keras.Sequential([keras.Input((4, 6, 5)), inner, keras.layers.Flatten(), keras.layers.Dense(2)])
    x = np.random.default_rng(0).standard_normal((32, 4, 6, 5)).astype(np.float32)
    spec = ConvertSpec(format=kind)  # type: ignore[arg-type]
    if (layer, kind) == ("GRU", "int8"):
        with pytest.raises(ConversionError, match="TimeDistributed.*'rows'"):
            convert_keras(model, tmp_path / "m.tflite", spec, representative=x)
        assert not list(tmp_path.iterdir())
    else:
        found = convert_keras(model, tmp_path / "m.tflite", spec, representative=x).sqnr_db
        assert found is not None and found > LEAST[kind]
