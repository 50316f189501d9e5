"""Recurrent layers: what a file computes is what Keras computes, whatever the options, or there is no file."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interpreters import need
from recurrent_cells import CALLS, STEPS, Cell, cells, keras_answers

from edgekit import _tf, tflite
from edgekit.errors import ConversionError, RuntimeFailed
from edgekit.measure.predict import predict
from edgekit.measure.statistics import sqnr_db
from edgekit.runtimes import load_runtime
from edgekit.tensors import dequantize, quantize
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
SHOWN_IN_FLOAT = (Cell("GRU", ("embedding mask",)), Cell("LSTM", ("stateful",)), Cell("ConvLSTM1D"))
"""Float files have fewer steps on their way than integer ones; the other cells are slow tests in float32."""
REMEMBERING = Cell("GRU", ("stateful",))


def answers(path: Path, cell: Cell, runtime: str = "litert") -> np.ndarray:
    """Outputs [CALLS, 3], fused states reset before each call; kept ones go on."""
    opened = load_runtime(runtime)
    session, found = opened.open(path), []
    try:
        for sample in cell.samples()[:CALLS]:
            raw = session.run([quantize(sample[np.newaxis], session.inputs[0])], fresh=True)[0]
            found.append(dequantize(raw, session.outputs[0]))
    finally:
        session.close()
    return np.concatenate(found)


@functools.lru_cache(maxsize=1)
def answered(cell: Cell) -> tuple[Any, np.ndarray]:
    """A cell's model and its answers [CALLS, 3], for formats that are tried one after the other."""
    model = cell.model()
    return model, keras_answers(model, cell.samples(), stateful="stateful" in cell.options)


def agreement(cell: Cell, kind: str, path: Path, runtime: str = "litert") -> float:
    """dB of the file's answers against Keras's."""
    model, wanted = answered(cell)
    convert_keras(model, path, ConvertSpec(format=kind), representative=cell.samples())  # type: ignore[arg-type]
    return sqnr_db(wanted, answers(path, cell, runtime))


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Files of one stateful GRU, by format; each is converted once."""
    folder = tmp_path_factory.mktemp("remembering")

    @functools.cache
    def converted(kind: str) -> Path:
        model, path = REMEMBERING.model(), folder / f"{kind}.tflite"
        spec = ConvertSpec(format=kind)  # type: ignore[arg-type]
        convert_keras(model, path, spec, representative=REMEMBERING.samples())
        return path

    return converted


@pytest.mark.parametrize(
    ("cell", "kind"),
    [(cell, "int8") for cell in SHOWN]
    + [pytest.param(c, "float32", marks=[] if c in SHOWN_IN_FLOAT else pytest.mark.slow) for c in SHOWN],
    ids=str,
)
def test_file_is_the_model(cell: Cell, kind: str, tmp_path: Path) -> None:
    assert agreement(cell, kind, tmp_path / "m.tflite") >= LEAST[kind]


@pytest.mark.parametrize("runtime", ["tflite_runtime"])
def test_other_runtimes_agree(runtime: str, tmp_path: Path) -> None:
    need(runtime)
    assert agreement(Cell("GRU", ("masking", "sequences")), "int8", tmp_path / "m.tflite", runtime) >= LEAST["int8"]


@pytest.mark.parametrize("kind", ["LSTM, LSTM", "GRU, GRU"])
def test_numbers_of_float16_in_two_loops(kind: str, tmp_path: Path) -> None:
    need("tflite_runtime")
    found = agreement(Cell(kind, ("hard sigmoid",)), "float16", tmp_path / "m.tflite", "tflite_runtime")
    assert found >= LEAST["float16"]


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """An int8 file whose loop needs states of 16 bits, and a sample of its input's integers."""
    keras, path = _tf.tf_keras(), tmp_path_factory.mktemp("wide") / "m.tflite"
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((24, 8)),
            keras.layers.GRU(32, bias_initializer=keras.initializers.RandomUniform(2, 3), name="gru"),
        ]
    )
    x = 0.05 * np.random.default_rng(0).standard_normal((32, 24, 8)).astype(np.float32)
    convert_keras(model, path, ConvertSpec(format="int8"), representative=x)
    assert "int16" in {tensor.dtype for graph in tflite.read(path).graphs for tensor in graph.tensors}
    return path, np.random.default_rng(1).integers(-128, 128, (1, 24, 8)).astype(np.int8)


@pytest.mark.parametrize("runtime", ["tflite_runtime", "tensorflow", "tflm"])
def test_states_of_16_bits_run_everywhere(runtime: str, wide: tuple[Path, np.ndarray]) -> None:
    need(runtime)
    path, sample = wide
    found = []
    for name in ("litert", runtime):
        session = load_runtime(name).open(path)
        found.append(session.run([sample])[0].astype(int))
        session.close()
    assert np.ptp(found[0]) > 20
    assert np.abs(found[0] - found[1]).max() <= 2


@pytest.mark.parametrize("npu", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_leaves_a_loop_to_the_processor(npu: str, wide: tuple[Path, np.ndarray]) -> None:
    figures = load_runtime(f"ethos_u:{npu}").measure(wide[0])
    assert figures["operators_on_cpu"] == 1


def test_samples_in_order_under_every_runtime(remembering: Callable[[str], Path]) -> None:
    """TFLite Micro's own reset empties what is to be kept."""
    x, path = REMEMBERING.samples()[:6], remembering("int8")
    found = {name: predict(path, x, runtime=name) for name in ("litert", "tflm")}
    assert np.ptp(found["litert"]) > 0.1
    assert sqnr_db(found["litert"], found["tflm"]) > 25


@pytest.mark.parametrize("layer", ["SimpleRNN", "GRU"])
def test_a_softmax_in_a_loop_is_not_the_models(layer: str, tmp_path: Path) -> None:
    keras = _tf.tf_keras()
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5, 4)), getattr(keras.layers, layer)(3, activation="softmax")])
    x = np.random.default_rng(0).standard_normal((64, 5, 4)).astype(np.float32)
    parity = convert_keras(model, tmp_path / "m.tflite", ConvertSpec(format="float32"), representative=x).parity
    assert parity.sqnr_db is not None and parity.sqnr_db > 100


def test_states_cannot_be_kept_where_each_call_is_a_process(remembering: Callable[[str], Path]) -> None:
    with pytest.raises(RuntimeFailed, match="keeps a state from call to call"):
        load_runtime("adb").open(remembering("float32"))


def test_a_stateful_file_that_misses_its_bound_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        convert_keras(REMEMBERING.model(), tmp_path / "m.tflite", ConvertSpec(format="float32"), accept_parity=1000)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_states_are_kept_from_call_to_call(kind: str, remembering: Callable[[str], Path]) -> None:
    """The same sample twice gives two answers."""
    session = load_runtime("litert").open(remembering(kind))
    sample = quantize(REMEMBERING.samples()[:1], session.inputs[0])
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


TABLE = json.loads((Path(__file__).parents[2] / "benchmarks" / "recurrent.json").read_text())["cells"]
"""What `benchmarks/recurrent.py` has found: what agrees there may not be refused."""
IN_ALL_FORMATS = [
    Cell(layer, options)
    for layer in ("LSTM", "GRU", "SimpleRNN", "Bidirectional(GRU)", "RNN(stack)")
    for options in ((), ("masking",), ("stateful",))
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "kind"),
    [(c, kind) for c in cells(pairs=False) for kind in (LEAST if c in IN_ALL_FORMATS else ("float32", "int8"))],
    ids=str,
)
def test_every_option(cell: Cell, kind: str, tmp_path: Path) -> None:
    """A part of what `benchmarks/recurrent.py` tries."""
    try:
        found = agreement(cell, kind, tmp_path / "m.tflite")
    except ConversionError as error:
        assert TABLE[f"{cell} {kind}"]["verdict"] == "refused", error
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
        graphs = tflite.read(path).graphs
        sizes[name] = path.stat().st_size
        executed[name] = len(graphs[0].operators) + 128 * sum(len(graph.operators) for graph in graphs[1:])
    assert sizes["int8"] <= sizes["float32"]
    assert executed["int8"] <= 2 * executed["float32"]


@pytest.mark.parametrize(
    ("layer", "kind"),
    [("LSTM", "int8"), ("GRU", "int8"), ("SimpleRNN", "int8"), ("GRU", "float32"), ("LSTM", "int16x8")]
    + [
        pytest.param(layer, kind, marks=pytest.mark.slow)
        for layer, kind in (("LSTM", "float32"), ("SimpleRNN", "float32"), ("GRU", "int16x8"), ("SimpleRNN", "int16x8"))
    ],
)
def test_unroll_writes_the_steps_out(layer: str, kind: str, tmp_path: Path) -> None:
    """With one copy of the weights, and without WHILE, which NPUs do not take."""
    cell, path = Cell(layer, ("unroll",)), tmp_path / "m.tflite"
    assert agreement(cell, kind, path) >= LEAST[kind]
    operators = [operator.name for operator in tflite.read(path).graphs[0].operators]
    assert "WHILE" not in operators
    assert operators.count("TANH") >= STEPS


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
        found = convert_keras(model, tmp_path / "m.tflite", spec, representative=x).parity.sqnr_db
        assert found is not None and found > LEAST[kind]


@functools.cache
def bare(outputs: str) -> Any:
    """A model whose outputs come straight from a loop."""
    keras, layers = _tf.tf_keras(), _tf.tf_keras().layers
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 4), name="sensor")
    if outputs == "last":
        return keras.Model(inputs, layers.GRU(5)(inputs))
    if outputs == "sequence":
        return keras.Model(inputs, layers.GRU(5, return_sequences=True)(inputs))
    if outputs == "both ways":
        return keras.Model(inputs, layers.Bidirectional(layers.SimpleRNN(5, return_sequences=True))(inputs))
    sequence, state = layers.GRU(5, return_sequences=True, return_state=True)(inputs)
    if outputs == "sequence and state":
        return keras.Model(inputs, [sequence, state])
    return keras.Model(inputs, [sequence, layers.Dense(3)(state), layers.Dense(2)(sequence)])


BARE = ("last", "sequence", "both ways", "sequence and state", "also read")
FORMS = [*((kind, None) for kind in LEAST), ("int8", "float32"), ("int8", "uint8")]
"""Format, and dtype of the output."""
QUICK = {*((outputs, "int8", None) for outputs in BARE), *(("also read", *form) for form in FORMS)}
CASES = [(outputs, *form) for outputs in BARE for form in FORMS]


@pytest.mark.parametrize(
    ("outputs", "kind", "dtype"),
    [pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow) for case in CASES],
)
def test_outputs_straight_from_a_loop(outputs: str, kind: str, dtype: str | None, tmp_path: Path) -> None:
    spec = ConvertSpec.model_validate({"format": kind, "output_dtype": dtype})
    path, x = tmp_path / "m.tflite", np.random.default_rng(0).standard_normal((64, 6, 4)).astype(np.float32)
    parity = convert_keras(bare(outputs), path, spec, representative=x).parity
    assert parity.sqnr_db is not None and parity.sqnr_db >= LEAST[spec.format]


@pytest.mark.parametrize("cell", [Cell("LSTM"), Cell("GRU", ("embedding mask",)), Cell("LSTM", ("masking",))], ids=str)
def test_activations_of_16_bits(cell: Cell, tmp_path: Path) -> None:
    """TensorFlow's converter has no LSTM and no comparison of indices for them."""
    assert agreement(cell, "int16x8", tmp_path / "m.tflite") >= LEAST["int16x8"]
