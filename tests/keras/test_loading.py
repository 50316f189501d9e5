from __future__ import annotations

import json
import random
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import edgekit
from edgekit import _tf
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras import Loading, load_model, save_model
from edgekit.keras.files import building
from edgekit.measure.predict import predict
from edgekit.sandbox import limits

pytestmark = pytest.mark.filterwarnings("ignore:.*HDF5:UserWarning")


def small(keras: Any, layer: Any = None) -> Any:
    """3 numbers in, 2 classes out, by either Keras."""
    middle = [layer] if layer is not None else []
    return keras.Sequential([keras.layers.Input((3,)), *middle, keras.layers.Dense(2, name="scores")], name="small")


WRITERS: dict[str, Callable[[Path], Any]] = {
    "keras2.h5": lambda path: save(small(_tf.tf_keras()), path),
    "keras2.keras": lambda path: save(small(_tf.tf_keras()), path),
    "keras3.h5": lambda path: save(small(_tf.keras3()), path),
    "keras3.keras": lambda path: save(small(_tf.keras3()), path),
    "saved_model": lambda path: save(small(_tf.tf_keras()), path, save_format="tf"),
}


def save(model: Any, path: Path, **options: Any) -> Any:
    model.save(path, **options)
    return model


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_comes_back_as_the_same_tf_keras_model(name: str, tmp_path: Path) -> None:
    original = WRITERS[name](tmp_path / name)
    loaded = load_model(tmp_path / name)
    assert isinstance(loaded, _tf.tf_keras().Model)
    x = np.random.default_rng(0).random((5, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded(x).numpy(), np.asarray(original(x)), atol=1e-6)


def scaled(keras: Any) -> Any:
    """A class as users write them: weights of its own, and a configuration."""

    class Scaled(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, factor: float = 1.0, **options: Any) -> None:
            super().__init__(**options)
            self.factor = factor

        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(shape[-1],), initializer="ones")
            super().build(shape)

        def call(self, x: Any) -> Any:
            return x * self.scale * self.factor

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    return Scaled


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
@pytest.mark.parametrize("which", ["tf_keras", "keras3"])
def test_classes_that_the_user_hands_over(which: str, name: str, tmp_path: Path) -> None:
    keras = getattr(_tf, which)()
    kind, x = scaled(keras), np.random.default_rng(0).random((5, 3)).astype(np.float32)
    original = small(keras, kind(2.0, name="mine"))
    original.get_layer("mine").set_weights([np.array([1, 2, 3], np.float32)])
    save(original, tmp_path / name)
    with pytest.raises(ModelError, match=r"Scaled.*mine.*module:function.*custom_objects"):
        load_model(tmp_path / name)
    with pytest.raises(ModelError, match="Scaled"):
        load_model(tmp_path / name, Loading(custom_objects={"Other": kind}))
    handed = Loading(custom_objects={"Scaled": kind})
    loaded = load_model(tmp_path / name, handed)
    np.testing.assert_allclose(loaded(x).numpy(), np.asarray(original(x)), atol=1e-6)
    file = tmp_path / "m.tflite"
    edgekit.convert(tmp_path / name, file, format="float32", custom_objects={"Scaled": kind})
    np.testing.assert_allclose(predict(file, x), np.asarray(original(x)), atol=1e-5)


@pytest.mark.parametrize("name", [n for n in WRITERS if "." in n])
def test_damaged_files_are_refused_and_never_break_out(name: str, tmp_path: Path) -> None:
    path, rng = tmp_path / name, random.Random(0)
    WRITERS[name](path)
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.95):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ModelError, match="damaged or truncated"):
            load_model(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="Received: .*, an empty file"):
        load_model(path)
    path.write_bytes(b"this is no model at all" * 20)
    with pytest.raises(ModelError, match="must be a complete"):
        load_model(path)
    for _ in range(6):
        copy = bytearray(whole)
        for _ in range(10):
            copy[rng.randrange(len(copy))] ^= 1 << rng.randrange(8)
        path.write_bytes(copy)
        try:
            load_model(path)
        except EdgekitError as error:
            assert "Received" in str(error)


def doubling(levels: int) -> dict[str, Any]:
    """A model that calls a model twice that calls a model twice, and so on: a line of the file doubles the work."""
    options = {"batch_input_shape": [None, 3], "dtype": "float32", "sparse": False, "ragged": False}
    model: dict[str, Any] = {}
    for level in range(levels):
        first, name = f"in{level}", f"model{level}"
        inner = {"class_name": "Functional", "config": {**model, "name": name}} if model else {"class_name": "ReLU"}
        inner.setdefault("config", {"name": name})
        layers = [
            {"class_name": "InputLayer", "name": first, "config": {"name": first, **options}, "inbound_nodes": []},
            {**inner, "name": name, "inbound_nodes": [[[first, 0, 0, {}]], [[name, 1 if model else 0, 0, {}]]]},
        ]
        model = {"name": "m", "trainable": True, "layers": layers, "input_layers": [[first, 0, 0]]}
        model["output_layers"] = [[name, 2 if level else 1, 0]]
    return {"class_name": "Functional", "config": model}


@pytest.mark.parametrize("levels", [3, 24])
def test_models_that_double_are_bounded(levels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "MOST_CALLS", 500)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(doubling(levels)), "2.15.0"
        file.create_group("model_weights").attrs["layer_names"] = np.array([], "S1")
    if levels == 3:
        x = np.array([[-1, 0, 2]], np.float32)
        np.testing.assert_array_equal(load_model(tmp_path / "m.h5")(x), [[0, 0, 2]])
        return
    with pytest.raises(ModelError, match="^A model makes at most 500 calls of layers.*m.h5, more at 'model"):
        load_model(tmp_path / "m.h5")


@pytest.mark.parametrize("way", ["load", "convert"])
def test_a_file_in_which_its_library_goes_round_for_ever(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 adds an object's size to its place in a heap of texts; this size, rounded up, comes to nothing."""
    path = tmp_path / "m.h5"
    WRITERS["keras2.h5"](path)
    content = path.read_bytes()
    first = content.index(b"GCOL") + 24  # after the heap's header: number, uses, nothing, size
    path.write_bytes(content[:first] + struct.pack("<Q", 2**64 - 16) + content[first + 8 :])
    monkeypatch.setattr(limits, "READING", 1.0)
    with pytest.raises(ModelError, match="read within 1 s of CPU time.*m.h5.*time_limit=SECONDS"):
        if way == "load":
            load_model(path)
        else:
            edgekit.convert(path, tmp_path / "m.tflite", format="float32")


@pytest.mark.parametrize("name", ["keras2.h5", "keras2.keras", "keras2_folder", "keras3.h5", "keras3.keras"])
def test_lambda_is_refused_by_name_and_accepted_with_unsafe(name: str, tmp_path: Path) -> None:
    keras = _tf.keras3() if name.startswith("keras3") else _tf.tf_keras()
    model = small(keras, keras.layers.Lambda(lambda x: x * 2.0, output_shape=(3,), name="twice"))
    save(model, tmp_path / name, **({"save_format": "tf"} if name.endswith("folder") else {}))
    with pytest.raises(ModelError, match=rf"{name} with the Lambda layer 'twice'.*--unsafe"):
        load_model(tmp_path / name)
    x = np.ones((1, 3), np.float32)
    loaded = load_model(tmp_path / name, Loading(unsafe=True))
    np.testing.assert_allclose(np.asarray(loaded(x)), np.asarray(model(x)), rtol=1e-5)


def test_lambda_inside_a_wrapper_is_found(tmp_path: Path) -> None:
    layers = _tf.tf_keras().layers
    inner = layers.TimeDistributed(layers.Lambda(lambda x: x, name="hidden"))
    save(_tf.tf_keras().Sequential([layers.Input((4, 3)), inner]), tmp_path / "m.h5")
    with pytest.raises(ModelError, match="Lambda layer 'hidden'"):
        load_model(tmp_path / "m.h5")


def test_refusal_comes_before_the_code_runs(tmp_path: Path) -> None:
    """The configuration is tampered with by hand: a Lambda whose bytes would crash any deserialiser."""
    save(small(_tf.tf_keras()), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = file.attrs["model_config"]
        text = config.decode() if isinstance(config, bytes) else config
        file.attrs["model_config"] = text.replace('"class_name": "Dense"', '"class_name": "Lambda"')
    with pytest.raises(ModelError, match="Lambda layer 'scores'"):
        load_model(tmp_path / "m.h5")


def test_weights_without_architecture(tmp_path: Path) -> None:
    small(_tf.tf_keras()).save_weights(tmp_path / "w.h5")
    with pytest.raises(ModelError, match="weights only.*Save the whole model"):
        load_model(tmp_path / "w.h5")


def test_archives_that_are_no_model(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelError, match="complete .keras archive"):
        load_model(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
    with pytest.raises(ModelError, match=r"complete .keras archive.*model.weights.h5"):
        load_model(tmp_path / "m.keras")


def test_unknown_layers_say_how_to_go_on(tmp_path: Path) -> None:
    keras = _tf.tf_keras()
    private = type("Private", (keras.layers.Layer,), {"call": lambda self, x: x})
    save(small(keras, private(name="mine")), tmp_path / "m.h5")
    with pytest.raises(ModelError, match="module:function that builds and loads it"):
        load_model(tmp_path / "m.h5")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent.h5", "must exist. Received: 'absent.h5'"),
        ("absent.keras", "must exist"),
        ("model.onnx", "a .h5 or .keras file, a SavedModel folder or module:function. Received: 'model.onnx'"),
        ("resnet9", "Did you mean 'resnet8'"),
        (".", "SavedModel. Received: . without saved_model.pb"),
    ],
)
def test_what_is_not_there(source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=message):
        load_model(source)


def test_damaged_saved_models_are_refused(tmp_path: Path) -> None:
    save(small(_tf.tf_keras()), tmp_path / "m", save_format="tf")
    whole = (tmp_path / "m" / "saved_model.pb").read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2]):
        (tmp_path / "m" / "saved_model.pb").write_bytes(content)
        with pytest.raises(ModelError, match="SavedModel"):
            load_model(tmp_path / "m")


def test_module_and_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user_model.py").write_text(
        "from edgekit import _tf\n"
        "def build():\n"
        "    k = _tf.tf_keras()\n"
        "    return k.Sequential([k.layers.Input((3,)), k.layers.Dense(2)])\n"
        "def number(): return 3\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert load_model("user_model:build").output_shape == (None, 2)
    with pytest.raises(ModelError, match="compresses Keras models. Received: int from user_model:number"):
        load_model("user_model:number")


def test_save_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refuses:
        def save(self, path: Path, **_: Any) -> None:
            path.write_bytes(b"half")
            raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        save_model(Refuses(), tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_real_resnet8(shared_data: Path) -> None:
    model = load_model(shared_data / "models" / "ic" / "pretrainedResnet.h5")
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 10)
    assert load_model(shared_data / "models" / "kws" / "kws_ref_model").output_shape[-1] == 12
