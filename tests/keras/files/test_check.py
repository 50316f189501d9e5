"""What a configuration may name. Nothing here loads Keras: the check runs before Keras does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from edgekit.errors import ModelError
from edgekit.keras.files.check import check_config, check_sizes
from edgekit.keras.files.functions import ACTIVATIONS, OPERATIONS, TENSOR_FUNCTIONS
from edgekit.keras.files.kinds import KINDS
from edgekit.keras.files.refused import REASONS

V3 = {"module": "keras.layers", "registered_name": None}
PLACES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "a layer": lambda code: model(code),
    "inside a wrapper": lambda code: model(layer("TimeDistributed", layer=code)),
    "inside a nested model": lambda code: model(model(code)),
    "the backward layer": lambda code: model(layer("Bidirectional", layer=layer("LSTM"), backward_layer=code)),
    "a cell": lambda code: model(layer("RNN", cell=[layer("LSTMCell"), code])),
    "an activation": lambda code: model(layer("Dense", activation=code)),
    "an initializer": lambda code: model(layer("Dense", kernel_initializer=code)),
    "a regularizer": lambda code: model(layer("Dense", kernel_regularizer=code)),
    "a constraint": lambda code: model(layer("Dense", kernel_constraint=code)),
    "a dtype": lambda code: model(layer("Dense", dtype=code)),
    "a name": lambda code: model(layer("Dense", name=code)),
    "a size": lambda code: model(layer("Dense", units=code)),
    "a vocabulary": lambda code: model(layer("StringLookup", vocabulary=code)),
    "a quantizer": lambda code: model(layer("QuantizeLayer", quantizer=code)),
    "a schedule": lambda code: model(layer("PruneLowMagnitude", layer=layer("Dense"), pruning_schedule=code)),
    "between layers": lambda code: model({**layer("Dense"), "inbound_nodes": [[["in", 0, 0, {"scale": code}]]]}),
    "a shape to build for": lambda code: model({**layer("Dense"), "build_config": {"input_shape": code}}),
    "JSON in a text": lambda code: model(layer("Dense", name=json.dumps(code))),
    "the whole": lambda code: code,
    "a key of the model": lambda code: {**model(), "config": {**model()["config"], "extra": code}},
    "a class of the user's": lambda code: model(layer("Mine", inner={"deep": [code]})),
}
CODE: dict[str, dict[str, Any]] = {
    "Lambda": {"class_name": "Lambda", "config": {"name": "evil", "function": ["4wEAAA", None, None]}},
    "__lambda__": {"class_name": "__lambda__", "config": {"value": ["4wEAAA", None, None]}},
    "a module": {"module": "os", "class_name": "system", "config": "id", "registered_name": "system"},
    "a function of a module": {"module": "os", "class_name": "function", "config": "system", "registered_name": "x"},
    "get_file": {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "x"},
    "model_from_json": {"module": "keras.models", "class_name": "model_from_json", "config": {"json_string": "{}"}},
    "TFSMLayer": {"class_name": "TFSMLayer", "config": {"filepath": "/tmp/evil", "name": "evil"}, **V3},
    "torch": {"class_name": "TorchModuleWrapper", "config": {"module": "UEsDBA==", "name": "evil"}, **V3},
    "a type": {"class_name": "TypeSpec", "type_spec": "tf.TensorSpec", "serialized": []},
    "__typespec__": {"class_name": "__typespec__", "spec_name": "system", "module": "os", "config": []},
    "an unsafe switch": {
        "module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization",
        "registered_name": "enable_unsafe_deserialization",
    },
    "a passive object": {"class_name": "Lambda", "__passive_serialization__": True, "config": {}},
}  # fmt: skip


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": "inner", **config}}


def model(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    first = layer("InputLayer", batch_input_shape=[None, 3])
    return {"class_name": "Functional", "config": {"name": "m", "layers": [first, *layers], **more}}


def passes(config: Any, **options: Any) -> bool:
    try:
        check_config(config, file="m.h5", **options)
    except ModelError as error:
        assert "Received: m.h5" in str(error)
        return False
    return True


@pytest.mark.parametrize("code", CODE)
@pytest.mark.parametrize("place", PLACES)
def test_code_stands_nowhere(place: str, code: str) -> None:
    assert not passes(PLACES[place](CODE[code]), custom=["Mine"])


def test_what_is_left_of_the_places_without_code() -> None:
    """So that the test above refuses the code and not the place."""
    harmless: dict[str, Any] = {
        "an activation": "relu", "an initializer": "zeros", "a regularizer": "l2", "a constraint": "max_norm",
        "a dtype": "float32", "a name": "dense", "a size": 3, "a vocabulary": ["a"], "between layers": 1.0,
        "a shape to build for": [None, 3], "a class of the user's": 1, "a cell": layer("LSTMCell"),
        "the backward layer": layer("LSTM"),
        "a quantizer": {"class_name": "NoQuantizer", "config": {}},
        "a schedule": {"class_name": "ConstantSparsity", "config": {"target_sparsity": 0.5}},
    }  # fmt: skip
    for place, make in PLACES.items():
        if place not in ("the whole", "a key of the model", "JSON in a text"):
            assert passes(make(harmless.get(place, layer("Dense", units=2))), custom=["Mine"]), place


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("units", 10**9), ("units", 1e300), ("units", "/etc/passwd"), ("units", [[10**9]]),
        ("activation", "deserialize"), ("activation", "get"), ("activation", "/etc/passwd"), ("activation", ["relu"]),
        ("activation", {"class_name": "function", "config": "serialize", "module": "builtins"}),
        ("kernel_initializer", "deserialize"), ("kernel_regularizer", "get"), ("kernel_constraint", "os.system"),
        ("use_bias", "yes"), ("name", "x" * 10_000), ("name", '{"class_name": "Lambda"}'), ("name", ["a"]),
        ("dtype", "https://example.org"), ("dtype", {"class_name": "Lambda", "config": {}}),
        ("quantization_config", {"class_name": "Lambda"}), ("weights", [[1.0]]), ("never_heard_of", 1),
    ],
)  # fmt: skip
def test_each_key_holds_what_the_table_says(key: str, value: object) -> None:
    assert not passes(model(layer("Dense", **{key: value})))


@pytest.mark.parametrize("value", ["/etc/passwd", "https://example.org/words.txt", "words.txt", {"a": 1}, 3])
@pytest.mark.parametrize("kind", ["StringLookup", "IntegerLookup", "TextVectorization"])
@pytest.mark.parametrize("key", ["vocabulary", "idf_weights"])
def test_vocabularies_are_lists(kind: str, key: str, value: object) -> None:
    with pytest.raises(ModelError, match="as a list"):
        check_config(model(layer(kind, **{key: value})), file="m.h5")
    assert passes(model(layer(kind, **{key: ["a", "b"] if key == "vocabulary" else [1.0, 2.0]})))


@pytest.mark.parametrize("kind", ["TFOpLambda", "SlicingOpLambda"])
@pytest.mark.parametrize(
    "function",
    [
        "keras.models.model_from_json", "io.write_file", "io.read_file", "io.gfile.copy", "py_function", "print",
        "numpy_function", "load_op_library", "map_fn", "cond", "while_loop", "saved_model.load", "keras.utils.get_file",
        "random.fixed_unigram_candidate_sampler", "io.decode_image", "raw_ops.ReadFile", "data.TextLineDataset",
        "Variable", "function", "keras.backend.set_floatx", "os.system", "compat.v1.py_func", "", 3, None,
        {"class_name": "function", "config": "add"},
    ],
)  # fmt: skip
def test_functions_are_pure_tensor_functions(kind: str, function: object) -> None:
    if function is None:
        assert passes(model(layer(kind, function=None)))
        return
    assert not passes(model(layer(kind, function=function)))


def test_honest_functions_pass() -> None:
    for name in sorted(TENSOR_FUNCTIONS):
        assert passes(model(layer("TFOpLambda", function=name)))
    for name in ACTIVATIONS:
        assert passes(model(layer("Activation", activation=name)))


@pytest.mark.parametrize("name", sorted(set(REASONS) - {name for names in OPERATIONS.values() for name in names}))
def test_a_class_that_is_left_out_is_refused_with_its_reason(name: str) -> None:
    for node in (layer(name), {**layer(name), **V3}, {**layer(name), "module": f"tf_keras.src.{name}"}):
        with pytest.raises(ModelError) as refused:
            check_config(model(node), file="m.h5")
        assert "Lambda layer" in str(refused.value) or REASONS[name] in str(refused.value)


def test_a_module_of_the_file_never_travels() -> None:
    """The copy names the module that the table says, whatever the file says."""
    for module in ("os", "subprocess", "keras.src.saving.saving_lib", "__main__", 3, ["os"], None):
        node = {**layer("Dense", units=2), "module": module, "registered_name": "evil>Dense"}
        clean = check_config({**model(node), "module": module, "registered_name": "x"}, file="m.h5").config
        dense = clean["config"]["layers"][1]  # type: ignore[index,call-overload]
        assert dense["module"] == "keras.layers" and dense["registered_name"] is None  # type: ignore[index,call-overload]
        assert clean["module"] == "keras.src.models.functional"


def test_settings_of_training_are_left_out() -> None:
    config = {**model(layer("Dense", units=2)), "module": "keras", "compile_config": CODE["Lambda"]}
    assert "compile_config" not in check_config(config, file="m.h5").config


@pytest.mark.parametrize("home", OPERATIONS)
def test_operations_stand_in_their_own_module_only(home: str) -> None:
    for name in OPERATIONS[home]:
        node = {**layer(name), "module": home, "registered_name": name}
        assert passes(model(node))
        if name not in KINDS:
            assert not passes(model({**node, "module": "keras.layers"}))


def test_custom_classes_are_those_that_are_handed_over() -> None:
    config = model(
        {**layer("Mine", size=3, inner=layer("Dense", units=2)), "registered_name": "pkg>Mine", "module": "x"}
    )
    assert not passes(config)
    checked = check_config(config, file="m.keras", custom=["Mine"])
    assert checked.custom == {"Mine"}
    with pytest.raises(ModelError, match=r"class 'Mine' in the layer 'inner'.*module:function.*custom_objects"):
        check_config(config, file="m.keras")


@pytest.mark.parametrize(
    ("node", "shapes"),
    [
        (layer("Dense", units=5), [(3, 4)]),
        (layer("Conv2D", filters=4, kernel_size=[3, 3]), [(3, 3, 1, 5), (5, 5, 1, 4)]),
        (layer("Conv2D", filters=4, kernel_size=3), [(3, 3, 1, 5)]),
        (layer("Conv2DTranspose", filters=4, kernel_size=3), [(3, 3, 5, 1)]),
        (layer("DepthwiseConv2D", kernel_size=3, depth_multiplier=2), [(3, 3, 8, 1)]),
        (layer("Embedding", input_dim=10**6, output_dim=8), [(100, 8)]),
        (layer("LSTM", units=8), [(4, 8)]),
        (layer("GRU", units=8), [(4, 32)]),
        (layer("Bidirectional", layer=layer("LSTM", units=8)), [(4, 31)]),
        (layer("TimeDistributed", layer=layer("Dense", units=8)), [(4, 7)]),
        (layer("MultiHeadAttention", num_heads=2, key_dim=3), [(4, 2, 4)]),
        (layer("SeparableConv2D", filters=2, kernel_size=3, depth_multiplier=1), [(3, 3, 4, 2)]),
        (layer("QuantizeWrapperV2", layer=layer("Dense", units=5), quantize_config=None), [(3, 4)]),
    ],
)
def test_sizes_are_those_of_the_weights_in_the_file(node: dict[str, Any], shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ModelError, match="A layer's sizes are those of its weights"):
        check_sizes(check_config(model(node), file="m.h5"), shapes, file="m.h5")
    assert passes(model(node))  # only where there are arrays to compare with


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("UpSampling2D", {"size": [10**6, 1]}),
        ("ZeroPadding2D", {"padding": [[10**9, 0], [0, 0]]}),
        ("RepeatVector", {"n": 10**9}),
        ("CategoryEncoding", {"num_tokens": 10**9}),
        ("STFTSpectrogram", {"fft_length": 10**6}),
        ("SpectralNormalization", {"power_iterations": 10**6}),
        ("Reshape", {"target_shape": [10**12]}),
        ("InputLayer", {"batch_shape": [None, 10**12]}),
    ],
)
def test_numbers_that_ask_for_memory_are_bounded(kind: str, config: dict[str, Any]) -> None:
    assert not passes(model(layer(kind, **config)))


@pytest.mark.parametrize(
    "whole", [None, [], "text", 3, {}, {"class_name": 3, "config": {}}, {"class_name": "Functional"}]
)
def test_other_forms_are_refused(whole: object) -> None:
    assert not passes(whole)


def test_depth_and_number_are_bounded() -> None:
    deep: dict[str, Any] = layer("Dense", units=1)
    for _ in range(5000):
        deep = layer("TimeDistributed", layer=deep)
    assert not passes(model(deep))
    values: Any = 1
    for _ in range(5000):
        values = [values]
    assert not passes(model({**layer("Dense"), "inbound_nodes": values}))
    assert not passes(model(layer("Discretization", bin_boundaries=values)))


def test_reading_loads_no_keras() -> None:
    script = "import sys, edgekit.keras.files.reading; print(*{n.partition('.')[0] for n in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"keras", "tf_keras", "tensorflow"} & set(loaded)
