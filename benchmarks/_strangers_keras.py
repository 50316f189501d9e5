"""What Keras alone says of one model file: whether it loads it, and what it answers.

    python _strangers_keras.py MODEL ANSWERS.npz
    python _strangers_keras.py MODEL ANSWERS.npz INT8.tflite

The second form writes what TensorFlow's own converter makes of it with the calibration samples of ANSWERS.

Prints one JSON object. It needs no EdgeKit, and runs with the TensorFlow that it finds (2.12 or later, Python 3.9 or
later). Files are of strangers: what holds code, or names a module outside of Keras, is told by its
configuration alone and is never given to Keras.
"""

import json
import os
import re
import resource
import sys
import tempfile
import zipfile

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
SAMPLES, CALIBRATION = 16, 96
LARGEST = 1 << 30
MEMORY = 12 << 30
"""Bytes that this process may take, whatever sizes a file asks for."""
CODE = ("Lambda", "TFSMLayer", "TFOpLambda", "__lambda__", "__marshal__", "py_function")
KERAS = re.compile(r"(keras|tf_keras|tensorflow\.keras|tensorflow\.python\.keras|builtins)(\.|$)")
OPEN = {1: (16,), 2: (16, 8), 3: (64, 64, 3)}
"""Sizes for dimensions that a model leaves open, by the rank of a sample."""
FROM_OLD = ("2.12", "2.13", "2.14")
"""They name the groups of weights in a `.keras` file unlike all later ones."""
WEIGHTS = "model.weights.h5"


class Refused(Exception):
    """Why Keras alone cannot load a file, as (kind, details)."""


def read(path):
    """(form, keras_version, config as text) of a file, without Keras."""
    import h5py

    with open(path, "rb") as stream:
        head = stream.read(8)
    if head == b"\x89HDF\r\n\x1a\n":
        with h5py.File(path, "r") as file:
            if hasattr(file, "visititems_links"):
                file.visititems_links(_own_link)
            version, config = (_text(file.attrs.get(key)) for key in ("keras_version", "model_config"))
        if not config:
            raise Refused("weights only" if version else "not Keras", "an HDF5 file without model_config")
        return "h5", version or "2", config
    if head[:2] == b"PK":
        with zipfile.ZipFile(path) as archive:
            if "config.json" not in archive.namelist() or "metadata.json" not in archive.namelist():
                raise Refused("not Keras", "an archive of " + ", ".join(archive.namelist()[:3]))
            if sum(info.file_size for info in archive.infolist()) > LARGEST:
                raise Refused("too large", "it unpacks to more than 1 GiB")
            version = json.loads(archive.read("metadata.json"))["keras_version"]
            return "keras", version, archive.read("config.json").decode()
    raise Refused("not Keras", f"it begins with {head!r}")


def _own_link(name, link):
    import h5py

    if isinstance(link, (h5py.ExternalLink, h5py.SoftLink)):
        raise Refused("code of its own", "the link " + name)


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def check(config):
    """Refuse code and classes of the file's own; returns the class names."""
    for word in CODE:
        if word in config:
            raise Refused("Lambda" if "ambda" in word else "code of its own", word)
    names = set()

    def walk(value):
        if isinstance(value, dict):
            module, registered = value.get("module"), value.get("registered_name")
            if isinstance(module, str) and not KERAS.match(module):
                raise Refused("own class", module)
            if "class_name" in value and isinstance(registered, str) and ">" in registered:
                raise Refused("own class", registered)
            names.add(value.get("class_name"))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(json.loads(config))
    return {name for name in names if isinstance(name, str)}


def load(path, version):
    """(name of the Keras, model)."""
    if version.startswith("3"):
        import keras
    else:
        try:
            import tf_keras as keras
        except ImportError:
            import keras  # an old one, which TensorFlow came with
    return f"{keras.__name__} {keras.__version__}", keras.models.load_model(path, compile=False, safe_mode=True)


def with_slashes(path, folder):
    """A copy of a `.keras` file whose groups of weights are parted by "/", where Keras 2 on Windows wrote a backslash.

    Keras looks for them with the separator of its own system, so that it reads such files on Windows only. None for
    other files.
    """
    import h5py

    copy, weights = os.path.join(folder, "with_slashes.keras"), os.path.join(folder, WEIGHTS)
    found = False
    with zipfile.ZipFile(path) as archive:
        archive.extract(WEIGHTS, folder)
        others = {name: archive.read(name) for name in ("config.json", "metadata.json")}
    with h5py.File(weights, "r") as old, h5py.File(os.path.join(folder, "new.h5"), "w") as new:

        def take(name, item):
            nonlocal found
            found |= "\\" in name
            name = name.replace("\\", "/")
            if isinstance(item, h5py.Dataset):
                new[name] = item[()]
            else:
                new.require_group(name)
            new[name].attrs.update(item.attrs)

        old.visititems(take)
    with zipfile.ZipFile(copy, "w") as archive:
        archive.write(os.path.join(folder, "new.h5"), WEIGHTS)
        for name, data in others.items():
            archive.writestr(name, data)
    return copy if found else None


def draw(model, rng, count):
    """Plausible inputs, an array [count, ...] for each input of a model, and whether it leaves sizes open."""
    layers = list(model._flatten_layers())
    words = [layer.input_dim for layer in layers if type(layer).__name__ == "Embedding"]
    scales = [np.max(layer.scale) for layer in layers if type(layer).__name__ == "Rescaling"]
    found, is_open = [], False
    for tensor in model.inputs:
        shape, dtype = tuple(tensor.shape)[1:], getattr(tensor.dtype, "name", tensor.dtype)
        usual = OPEN.get(len(shape), (16,) * len(shape))
        is_open |= None in shape
        shape = (count,) + tuple(size or usual[i] for i, size in enumerate(shape))
        if words and len(shape) == 2:
            values = rng.integers(1, min(words), shape)
            for i in range(1, count, 2):  # every other one is padded at its front, as pad_sequences does
                values[i, : rng.integers(0, shape[1] // 2 + 1)] = 0
        elif "int" in dtype or dtype == "bool":
            values = rng.integers(0, {"bool": 2, "uint8": 256}.get(dtype, 10), shape)
        elif len(shape) == 4:
            values = rng.random(shape) * (255 if scales and min(scales) < 0.02 else 1)
        else:
            values = rng.standard_normal(shape)
        found.append(values.astype(dtype))
    return found, is_open


def answers(model, inputs):
    """Outputs for samples one by one, each from fresh states: a list of arrays [count, ...]."""
    import tensorflow as tf

    layers = [layer for layer in model._flatten_layers() if getattr(layer, "stateful", False)]
    batch = tuple(model.inputs[0].shape)[0] or 1
    call = tf.function(lambda given: model(given, training=False))  # loops over time take minutes outside of graphs
    every = []  # by sample, then by output
    for i in range(len(inputs[0])):
        for layer in layers:
            for reset in ("reset_states", "reset_state"):
                if hasattr(layer, reset) and hasattr(layer, "cell"):
                    getattr(layer, reset)()
                    break
        given = [tf.constant(np.repeat(array[i : i + 1], batch, axis=0)) for array in inputs]
        found = call(given if len(given) > 1 else given[0])
        every.append([np.asarray(output)[:1] for output in tf.nest.flatten(found)])
    return [np.concatenate([found[i] for found in every]) for i in range(len(every[0]))]


def before_activation(model, inputs, outputs):
    """(softmax or sigmoid, logits), where the one output is a layer's activation of them; else ("", None)."""
    layer = model
    while getattr(layer, "layers", None):
        layer = layer.layers[-1]
    kind = getattr(getattr(layer, "activation", None), "__name__", "")
    if kind not in ("softmax", "sigmoid") or len(outputs) != 1:
        return "", None
    kept, layer.activation = layer.activation, lambda values: values
    logits = answers(model, inputs)[0]
    layer.activation = kept
    logits64 = logits.astype(np.float64)
    powers = np.exp(logits64 - logits64.max(axis=-1, keepdims=True))
    again = powers / powers.sum(axis=-1, keepdims=True) if kind == "softmax" else 1 / (1 + np.exp(-logits64))
    return (kind, logits) if np.allclose(again, outputs[0], atol=1e-4) else ("", None)


def plain_int8(path, answers, target):
    """An int8 file as TensorFlow's documentation makes one, with batch 1 and 64 calibration samples."""
    import tensorflow as tf

    form, version, config = read(path)
    check(config)
    with tempfile.TemporaryDirectory() as folder:
        copy = with_slashes(path, folder) if form == "keras" else None
        model = load(copy or path, version)[1]
    samples = np.load(answers)["calibration"][:64]
    one = tf.TensorSpec((1, *samples.shape[1:]), samples.dtype)
    function = tf.function(lambda values: model(values, training=False)).get_concrete_function(one)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with open(target, "wb") as stream:
        stream.write(converter.convert())


def main(path, target):
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    said = {"could_load": False}
    try:
        form, version, config = read(path)
        said.update(form=form, keras_version=version)
        names = check(config)
        said["recurrent"] = sorted(n for n in names if re.search("LSTM|GRU|RNN", n))
        with tempfile.TemporaryDirectory() as folder:
            copy = with_slashes(path, folder) if form == "keras" else None
            said["backslashes"] = copy is not None
            old = form == "keras" and version.startswith(FROM_OLD)
            try:
                keras, model = load(copy or path, version)
            except Exception as error:
                said["could_load"] = "old Keras only" if old else False
                unknown = re.search("Unknown (layer|object)|Could not (locate|find) (class|function)", str(error))
                kind = "old Keras only" if old else "own class" if unknown else "Keras cannot load"
                raise Refused(kind, f"{type(error).__name__}: {error}") from None
        said.update(could_load="on Windows only" if copy else True, keras=keras)
        print("\n" + json.dumps(said), flush=True)  # the last word, if what follows takes too long
        rng = np.random.default_rng(0)
        inputs, said["open_shape"] = draw(model, rng, SAMPLES)
        names = np.array([tensor.name.split(":")[0] for tensor in model.inputs])
        arrays = {"calibration": draw(model, rng, CALIBRATION)[0][0], "names": names}
        np.savez(target, **arrays)
        outputs = answers(model, inputs)
        if not all(np.isfinite(output).all() for output in outputs):
            raise Refused("not finite", "Keras answers NaN or infinity")
        kind, logits = before_activation(model, inputs, outputs)
        arrays.update({f"in{i}": array for i, array in enumerate(inputs)})
        arrays.update({f"out{i}": array for i, array in enumerate(outputs)})
        if kind:
            arrays["logits"] = logits
        np.savez(target, **arrays)
        said.update(answers=True, activation=kind, inputs=[list(a.shape[1:]) for a in inputs],
                    outputs=[list(a.shape[1:]) for a in outputs])  # fmt: skip
    except Refused as error:
        said.update(why=error.args[0], said=" ".join(error.args[1].split())[:300])
    except Exception as error:
        kind = "Keras fails to answer" if said["could_load"] else "damaged"
        said.update(why=kind, said=(type(error).__name__ + ": " + " ".join(str(error).split()))[:300])
    print("\n" + json.dumps(said))


if __name__ == "__main__":
    plain_int8(*sys.argv[1:]) if len(sys.argv) > 3 else main(*sys.argv[1:])
