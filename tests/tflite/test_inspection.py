"""Inspecting real converted files: sizes, operators, schemes, weights and MACs against counts made by hand."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_data import DATA, MISSING

from edgekit import _tf, tflite
from edgekit.errors import ModelError

# CONV_2D 8x8x4 outputs x 3x3x2, DEPTHWISE_CONV_2D 4x4x4 outputs x 3x3, FULLY_CONNECTED 64 x 20
MACS = 8 * 8 * 4 * 3 * 3 * 2 + 4 * 4 * 4 * 3 * 3 + 64 * 20
PARAMS = (3 * 3 * 2 * 4 + 4) + (3 * 3 * 4 + 4) + (64 * 20 + 20)
ZEROS = 7 + 100
SCHEMES = ("float32", "float16", "dynamic", "int8", "int16x8")


@pytest.fixture(scope="module")
def network() -> Any:
    """A convolution, a depthwise one and a dense layer, with weights of -1 and 1 and a known number of zeros."""
    keras = _tf.tf_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 2), batch_size=1),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, strides=2, padding="same"),
            layers.Flatten(),
            layers.Dense(20),
        ]
    )
    rng = np.random.default_rng(3)
    values = [rng.choice([-1.0, 1.0], w.shape).astype(np.float32) for w in model.get_weights()]
    values[0].reshape(-1)[:7] = 0
    values[4].reshape(-1)[:100] = 0
    model.set_weights(values)
    return model


@pytest.fixture(scope="module")
def files(network: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("schemes")
    found = {}
    for scheme in SCHEMES:
        found[scheme] = folder / f"{scheme}.tflite"
        found[scheme].write_bytes(converted(network, scheme))
    return found


def converted(model: Any, scheme: str) -> bytes:
    """The model in one of the schemes; "mixed" lets operators without an int8 kernel stay float."""
    tf = _tf.tensorflow()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    shape = model.inputs[0].shape[1:]

    def samples() -> Iterator[list[Any]]:
        rng = np.random.default_rng(1)
        for _ in range(4):
            yield [rng.standard_normal((1, *shape)).astype(np.float32)]

    if scheme != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif scheme in ("int8", "int16x8", "mixed"):
        converter.representative_dataset = samples
    if scheme == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    elif scheme == "int16x8":
        kind = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [kind]
    return bytes(converter.convert())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_counts_against_hand_calculation(files: dict[str, Path], scheme: str) -> None:
    found = tflite.inspect(files[scheme])
    assert (found.quantization, found.macs, found.params) == (scheme, MACS, PARAMS)
    assert (found.zeros, found.nonzero_params) == (ZEROS, PARAMS - ZEROS)
    names = {o.name: o.count for o in found.operators}
    assert names["CONV_2D"] == names["DEPTHWISE_CONV_2D"] == names["FULLY_CONNECTED"] == 1
    assert found.inputs[0].shape == (1, 8, 8, 2) and found.outputs[0].shape == (1, 20)
    assert (found.flex, found.custom, found.subgraphs) == ((), (), 1)
    assert found.min_runtime


def test_sizes_are_those_of_the_file(files: dict[str, Path]) -> None:
    data = files["int8"].read_bytes()
    found = tflite.inspect(files["int8"])
    assert found.bytes == len(data) and found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.gzip_bytes == len(gzip.compress(data, 9, mtime=0))
    weights = 72 + 36 + 1280
    assert found.constants["int8"] == weights and found.constants["int32"] >= 4 * 28
    assert tflite.inspect(files["float16"]).constants["float16"] == 2 * PARAMS
    assert tflite.inspect(files["dynamic"]).constants["int8"] == 1280  # the other kernels are too small


def test_json_form(files: dict[str, Path]) -> None:
    found = tflite.inspect(files["int8"]).as_dict()
    assert (
        list(found)
        == (
            "schema path bytes gzip_bytes sha256 quantization inputs outputs operators constants zeros params "
            "nonzero_params macs flex custom subgraphs state min_runtime warnings"
        ).split()
    )
    assert found["schema"] == "edgekit.inspect/1" and found["path"] == str(files["int8"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    inputs: Any = found["inputs"]
    assert inputs[0] | {"name": ""} == {
        "name": "",
        "shape": [1, 8, 8, 2],
        "dtype": "float32",
        "scale": None,
        "zero_point": None,
    }
    operators: Any = found["operators"]
    assert {"name", "version", "count"} == set(operators[0])


def test_float_tensors_are_what_keeps_a_file_from_being_full_integer(files: dict[str, Path]) -> None:
    assert tflite.float_tensors(tflite.read(files["int8"])) == []
    assert tflite.float_tensors(tflite.read(files["int16x8"])) == []
    floats = tflite.float_tensors(tflite.read(files["float32"]))
    model = tflite.read(files["float32"]).graphs[0]
    assert {model.tensors[i].name for i in (*model.inputs, *model.outputs)} <= set(floats)


def test_an_operator_left_in_float_makes_a_file_mixed() -> None:
    keras, tf = _tf.tf_keras(), _tf.tensorflow()
    x = keras.layers.Input((6,), batch_size=1)
    y = keras.layers.Dense(5)(tf.cumsum(keras.layers.Dense(4)(x), axis=1))  # CUMSUM has no int8 kernel
    model = tflite.read(converted(keras.Model(x, y), "mixed"))
    assert tflite.quantization_of(model) == "mixed"
    assert len(tflite.float_tensors(model)) == 2  # the operand and the result of CUMSUM


def filled(model: Any) -> Any:
    """All weights random, so that the converter drops no bias for being zero."""
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def recurrent(kind: str) -> tuple[Any, int]:
    """Ten steps of 6 values into 8 units, and the MACs: (6 + 8) x 8 for each gate and step."""
    keras = _tf.tf_keras()
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}[kind](8)
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[kind]
    return keras.Sequential([keras.layers.Input((10, 6), batch_size=1), layer]), 10 * gates * 8 * (6 + 8)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_recurrent_layers_count_every_step(kind: str) -> None:
    network, macs = recurrent(kind)
    model = tflite.read(converted(filled(network), "float32"))
    assert len(model.graphs) == (1 if kind == "lstm" else 3)  # the others are loops with a condition and a body
    assert tflite.count_macs(model) == macs


def test_weights_inside_loops_are_found(tmp_path: Path) -> None:
    network = filled(recurrent("gru")[0])
    path = tmp_path / "gru.tflite"
    path.write_bytes(converted(network, "float32"))
    assert tflite.inspect(path).params == network.count_params()


@pytest.mark.parametrize("batch", [1, None])
def test_macs_of_one_sample_whatever_the_batch(batch: int | None) -> None:
    """With an open batch the file declares [1, 6] for the [batch * 10, 6] that the first dense layer reads."""
    layers = _tf.tf_keras().layers
    network = _tf.tf_keras().Sequential(
        [
            layers.Input((10, 6), batch_size=batch),
            layers.Dense(5),
            layers.Conv1D(4, 3, dilation_rate=2, padding="same"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )
    assert tflite.count_macs(tflite.read(converted(filled(network), "float32"))) == 10 * 6 * 5 + 10 * 4 * 3 * 5 + 4 * 3


@pytest.mark.parametrize("batch", [1, None])
def test_macs_of_attention(batch: int | None) -> None:
    keras = _tf.tf_keras()
    x = keras.layers.Input((10, 8), batch_size=batch)
    model = keras.Model(x, keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x))
    projections, scores = 4 * 10 * 8 * 8, 2 * (2 * 10 * 10 * 4)
    assert tflite.count_macs(tflite.read(converted(filled(model), "float32"))) == projections + scores


def test_macs_of_grouped_and_transposed_convolutions() -> None:
    layers = _tf.tf_keras().layers
    network = _tf.tf_keras().Sequential(
        [
            layers.Input((8, 8, 4), batch_size=1),
            layers.Conv2D(8, 3, groups=2, padding="same"),
            layers.Conv2DTranspose(5, 3, strides=2, padding="same"),
            layers.Reshape((4, 8, 8, 5)),
            layers.Conv3D(2, (1, 3, 3), padding="same"),
        ]
    )
    grouped, transposed, volume = 8 * 8 * 8 * 9 * 2, 8 * 8 * 8 * 9 * 5, 4 * 8 * 8 * 2 * 9 * 5
    assert tflite.count_macs(tflite.read(converted(filled(network), "float32"))) == grouped + transposed + volume


def test_open_shapes_have_no_macs() -> None:
    layers = _tf.tf_keras().layers
    network = _tf.tf_keras().Sequential([layers.Input((None, None, 3), batch_size=1), layers.Conv2D(8, 3)])
    assert tflite.count_macs(tflite.read(converted(network, "float32"))) is None


def test_damaged_real_files_give_a_result_or_a_model_error(files: dict[str, Path], tmp_path: Path) -> None:
    rng = random.Random(11)
    path = tmp_path / "damaged.tflite"
    refused = 0
    for scheme in ("float32", "int8"):
        data = files[scheme].read_bytes()
        for length in rng.sample(range(len(data)), 60):
            path.write_bytes(data[:length])
            with pytest.raises(ModelError):
                tflite.inspect(path)
        for _ in range(250):
            damaged = bytearray(data)
            for _ in range(rng.choice((1, 8))):
                damaged[rng.randrange(len(data))] = rng.randrange(256)
            path.write_bytes(damaged)
            try:
                json.dumps(tflite.inspect(path).as_dict(), allow_nan=False)
            except ModelError:
                refused += 1
    assert refused > 50


def test_inspecting_needs_no_tensorflow(files: dict[str, Path]) -> None:
    code = "import sys; from pathlib import Path; from edgekit import tflite;"
    code += f"tflite.inspect(Path({str(files['int8'])!r}));"
    code += "sys.exit(any(n in sys.modules for n in ('tensorflow', 'keras', 'tf_keras')))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


PUBLISHED = {
    "ic/pretrainedResnet.tflite": ("float32", 12_501_632, 77_706),
    "ic/pretrainedResnet_quant.tflite": ("int8", 12_501_632, 77_706),
    "kws/kws_ref_model_float32.tflite": ("dynamic", 2_656_768, 22_604),
    "kws/kws_ref_model_int8.tflite": ("int8", 2_656_768, 22_604),
    "tflite/hello_world_float.tflite": ("float32", 288, 321),
    "tflite/keras_lstm_mnist_ptq.tflite": ("int8", 28 * 80 * 48 + 560 * 10, 80 * 48 + 80 + 5600 + 10),
    "tflite/mobilenet_v1_0.25_128_quant.tflite": ("uint8", 13_570_304, 467_593),
    "tflite/split_concat.tflite": ("uint8", 0, 0),
}


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models(name: str) -> None:
    found: tflite.Inspection = tflite.inspect(DATA / "models" / name)
    assert (found.quantization, found.macs, found.params) == PUBLISHED[name]
