"""Attack by enumeration: what passes the checks of foreign files, what such files open, and what honest ones lose.

    python benchmarks/attack.py [--only names,keys,files,fuzz,honest] [--mutants N]

- names: every class and function that the sources of both Keras define, and every TensorFlow symbol, as a layer, as an
  object inside one, as an activation and as a function of a graph, in both grammars, on the checking function. Neither
  Keras nor TensorFlow is loaded for it.
- keys: every key of every allowed class with a path, a URL, 10^9, code, JSON that holds code, and depth.
- files: one file of each attack through `convert`, `evaluate` and `sensitivity` under strace: files opened outside of
  the model and the installation, programs started and connections, compared with an honest model.
- fuzz: mutants of config.json, HDF5 attributes, SavedModel messages, sidecars, manifests and recipes.
- honest: a model for every layer class and operation, saved by both Keras in both forms; how many the list refuses.

Writes benchmarks/attack.json.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from edgekit.errors import EdgekitError, ModelError
from edgekit.keras.check import check_config
from edgekit.keras.functions import ACTIVATIONS, OPERATIONS, TENSOR_FUNCTIONS
from edgekit.keras.kinds import KINDS
from edgekit.keras.reading import read_model

ROOT = Path(__file__).parents[1]
SECTIONS = ("names", "keys", "files", "fuzz", "honest")
SECRET = "TOP-SECRET-MARKER"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(SECTIONS))
    parser.add_argument("--mutants", type=int, default=10_000)
    arguments = parser.parse_args()
    target = Path(__file__).with_suffix(".json")
    results = json.loads(target.read_text()) if target.is_file() else {"benchmark": "attack"}
    for section in arguments.only.split(","):
        started = time.perf_counter()
        results[section] = globals()[f"_{section}"](arguments)
        results[section]["seconds"] = round(time.perf_counter() - started, 1)
        print(section, json.dumps(results[section])[:2000], flush=True)
        target.write_text(json.dumps(results, indent=2) + "\n")


def _names(_: Any) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    passed: dict[str, set[str]] = {"layer": set(), "operation": set(), "activation": set(), "function": set()}
    for module, name in {*_defined("keras"), *_defined("tf_keras")}:
        for node in (_layer(name), {**_layer(name), "module": module, "registered_name": name}):
            _note(counts, passed["operation" if node.get("module") in OPERATIONS else "layer"], name, _model(node))
        for code in (name, {"module": module, "class_name": "function", "config": name, "registered_name": name}):
            _note(counts, passed["activation"], name, _model(_layer("Dense", activation=code)))
        inner = {"module": module, "class_name": name, "config": {}, "registered_name": name}
        _note(counts, passed["layer"], name, _model(_layer("Dense", activation=inner)))
    for symbol in {*_tensorflow_symbols(), *(f"{m}.{n}".partition(".")[2] for m, n in _defined("keras"))}:
        for kind in ("TFOpLambda", "SlicingOpLambda"):
            _note(counts, passed["function"], symbol, _model(_layer(kind, function=symbol)))
    for module in sorted(sys.stdlib_module_names):
        for name in ("system", "Dense", "loads", "open"):
            node = {"module": module, "class_name": name, "config": {"name": "x"}, "registered_name": name}
            _note(counts, passed["layer"], name, _model(node))
    allowed = {
        "layer": set(KINDS) | {"Functional", "Sequential", "Model"} | {"QuantizeAwareActivation", "NoOpActivation"},
        "operation": {name for names in OPERATIONS.values() for name in names} | set(KINDS),
        "activation": set(ACTIVATIONS),
        "function": set(TENSOR_FUNCTIONS),
    }
    beyond = {kind: sorted(names - allowed[kind]) for kind, names in passed.items()}
    return {**counts, "passed_by_kind": {k: len(v) for k, v in passed.items()}, "beyond_the_tables": beyond}


def _keys(_: Any) -> dict[str, Any]:
    code: Any = {"class_name": "Lambda", "config": {"name": "x", "function": ["4wEA", None, None]}}
    deep: Any = 1
    for _i in range(900):
        deep = [deep]
    values: dict[str, Any] = {
        "a path": "/etc/passwd", "a URL": "https://example.org/x", "10^9": 10**9, "10^30": 10**30, "code": code,
        "code in a list": [code], "code in JSON": json.dumps(code),
        "a module": {"module": "os", "class_name": "system"},
        "depth": deep, "100,000 numbers": [1] * 100_000,
    }  # fmt: skip
    counts: Counter[str] = Counter()
    passed: dict[str, set[str]] = {name: set() for name in values}
    for kind, row in KINDS.items():
        for key in row.keys:
            for name, value in values.items():
                config = {"class_name": kind, "config": {"name": "inner", key: value}}
                _note(counts, passed[name], key, _model(config))
    must_fail = ("code", "code in a list", "code in JSON", "a module")
    return {**counts, "passed_by_value": {k: sorted(v) for k, v in passed.items()},
            "code_passed": sum(len(passed[name]) for name in must_fail)}  # fmt: skip


def _files(_: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secret.txt").write_text(SECRET)
        attacks = dict(_attacks(folder))
        honest = {command: _traced(folder, "honest.h5", command)[0] for command in ("convert", "evaluate")}
        results: dict[str, Any] = {}
        for attack in attacks:
            for command in ("convert", "evaluate", "sensitivity") if attack.startswith("lambda") else ("convert",):
                opened, code, said, seconds = _traced(folder, attack, command)
                new = sorted(opened - honest["convert"] - honest["evaluate"])
                results[f"{command} {attack}"] = {
                    "code": code, "seconds": round(seconds, 1), "new": new,
                    "traceback": "Traceback" in said, "leaked": SECRET in said, "said": said[-300:],
                }  # fmt: skip
    bad = [k for k, v in results.items() if v["new"] or v["code"] == 0 or v["traceback"] or v["seconds"] > 60]
    return {"tried": len(results), "opened_more_or_passed": bad, "slowest": max(v["seconds"] for v in results.values()),
            "results": results}  # fmt: skip


def _fuzz(arguments: Any) -> dict[str, Any]:
    from edgekit.recipe import load_recipe

    rng = random.Random(0)
    counts: Counter[str] = Counter()
    others: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        _write_h5(folder / "m.h5", _honest())
        config = json.dumps(_honest())
        sidecar = json.dumps({"schema": "edgekit.sidecar/1", "preprocessing": [{"rescale": {"scale": 0.1}}],
                              "label_names": ["a"], "task": "classification", "artifact": None})  # fmt: skip
        recipe = (
            "model: digits_cnn\ndata: {source: digits}\ntrain: {epochs: 3, learning_rate: 0.1}\n"
            "passes:\n- sparsify: {sparsity: 0.5}\nseed: 1\n"
        )
        manifest = b'{"schema": "edgekit.compress/1", "output": "x", "steps": [], "models": []}'
        (folder / "m.tflite").write_bytes(b"x")
        saved = folder / "saved"
        saved.mkdir()
        graph = _saved_model()
        kinds: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
            "config.json": (config.encode(), lambda data: check_config(json.loads(data), file="m.keras")),
            "hdf5": ((folder / "m.h5").read_bytes(), lambda data: _given(folder / "f.h5", data, read_model)),
            "saved_model": (graph, lambda data: _given(saved / "saved_model.pb", data, _checked)),
            "sidecar": (sidecar.encode(), lambda data: _given(folder / "m.tflite.json", data, _sidecar)),
            "manifest": (manifest, lambda data: _given(folder / "manifest.json", data, _manifest)),
            "recipe": (recipe.encode(), lambda data: _given(folder / "r.yaml", data, load_recipe)),
        }  # fmt: skip
        for kind, (whole, parse) in kinds.items():
            for _i in range(arguments.mutants // len(kinds)):
                data = _mutant(whole, rng)
                started = time.perf_counter()
                try:
                    parse(data)
                    counts[f"{kind} passed"] += 1
                except EdgekitError:
                    counts[f"{kind} refused"] += 1
                except (ValueError, RecursionError) as error:
                    if kind != "config.json":  # whose text the reader parses
                        others[f"{kind}: {type(error).__name__}: {str(error)[:80]}"] += 1
                except Exception as error:  # what the fuzzing is after
                    others[f"{kind}: {type(error).__name__}: {str(error)[:80]}"] += 1
                slowest = max(slowest, time.perf_counter() - started)
    total = sum(counts.values()) + sum(others.values())
    return {"mutants": total, **counts, "other_errors": others, "slowest_s": round(slowest, 2)}


def _honest_models() -> Iterator[tuple[str, Any]]:
    sys.path.insert(0, str(ROOT / "tests" / "keras"))
    import honest

    from edgekit import _tf

    for tag, keras in (("keras3", _tf.keras3()), ("tf_keras", _tf.tf_keras())):
        for name, model in honest.layer_models(keras):
            yield f"{tag} {name}", model
    for name, model in honest.operation_models(_tf.keras3()):
        yield f"keras3 ops {name}", model
    for name in ("MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "ConvNeXtTiny", "NASNetMobile"):
        for tag, keras in (("keras3", _tf.keras3()), ("tf_keras", _tf.tf_keras())):
            yield f"{tag} {name}", getattr(keras.applications, name)(weights=None, classes=5)


def _honest(_: Any = None) -> Any:
    if _ is None:
        return _model(_layer("Dense", units=2))
    counts: Counter[str] = Counter()
    refused = []
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, (title, model) in enumerate(_honest_models()):
            for form in ("keras", "h5"):
                path = Path(name) / f"{number}.{form}"
                try:
                    model.save(path)
                except Exception:  # Keras itself cannot
                    counts["keras cannot save"] += 1
                    continue
                try:
                    read_model(path)
                    counts["welcome"] += 1
                except ModelError as error:
                    if "keras.ops are kept by" in str(error) or (" ops " in title and form == "h5"):
                        counts["operations in .h5, which Keras cannot load"] += 1
                    else:
                        refused.append(f"{title}.{form}: {str(error)[:200]}")
                path.unlink()
    return {**counts, "refused": len(refused), "which": refused}


def _defined(package: str) -> Iterator[tuple[str, str]]:
    spec = importlib.util.find_spec(package)
    assert spec and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    for path in root.rglob("*.py"):
        module = ".".join([package, *path.relative_to(root).with_suffix("").parts])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield module, node.name


def _tensorflow_symbols() -> Iterator[str]:
    spec = importlib.util.find_spec("tensorflow")
    assert spec and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0]) / "_api" / "v2"
    for path in root.rglob("__init__.py"):
        place = ".".join(path.parent.relative_to(root).parts)
        for name in re.findall(r"^from \S+ import (?:\w+ as )?(\w+)", path.read_text(), re.MULTILINE):
            yield f"{place}.{name}" if place else name


def _note(counts: Counter[str], passed: set[str], name: str, config: Any) -> None:
    counts["tried"] += 1
    try:
        check_config(config, file="m.h5")
    except ModelError:
        counts["refused"] += 1
    else:
        counts["passed"] += 1
        passed.add(name)


def _layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": "inner", **config}}


def _model(*layers: Any) -> dict[str, Any]:
    first = _layer("InputLayer", batch_input_shape=[None, 3])
    return {"class_name": "Functional", "config": {"name": "m", "layers": [first, *layers]}}


def _write_h5(path: Path, config: Any, more: Callable[[h5py.File], None] = lambda file: None) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.create("model_config", json.dumps(config), dtype=h5py.string_dtype())
        file.attrs["keras_version"] = "2.15.0"
        group = file.create_group("model_weights/dense")
        file["model_weights"].attrs["layer_names"] = [b"in", b"dense"]
        group.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        group["dense/kernel:0"], group["dense/bias:0"] = np.ones((3, 2), np.float32), np.zeros(2, np.float32)
        more(file)


def _attacks(folder: Path) -> Iterator[tuple[str, None]]:
    """Public proofs against Keras, and a file of each attack; written to the folder."""
    sequential = {"class_name": "Sequential", "config": {"name": "m", "layers": [
        _layer("InputLayer", batch_input_shape=[None, 3]),
        {"class_name": "Dense", "config": {"name": "dense", "units": 2}},
    ]}}  # fmt: skip
    _write_h5(folder / "honest.h5", sequential)
    secret = str(folder / "secret.txt")
    layers: dict[str, Any] = {
        "lambda (CVE-2024-3660, CVE-2025-9905)": _layer("Lambda", function=["4wEAAAA=", None, None]),
        "module (CVE-2025-1550)": {"module": "os", "class_name": "function", "config": "system",
                                   "registered_name": "x"},
        "get_file (CVE-2025-8747)": {"module": "keras.utils", "class_name": "function", "config": "get_file",
                                     "registered_name": "get_file"},
        "unsafe switch (CVE-2025-9906)": {"module": "keras.config", "class_name": "function",
                                          "config": "enable_unsafe_deserialization", "registered_name": "x"},
        "torch (CVE-2025-49655)": _layer("TorchModuleWrapper", module="UEsDBA=="),
        "vocabulary (CVE-2025-12058)": _layer("StringLookup", vocabulary=secret),
        "TFSMLayer": _layer("TFSMLayer", filepath=str(folder)),
        "function of io": _layer("TFOpLambda", function="io.read_file"),
        "model_from_json": _layer("TFOpLambda", function="keras.models.model_from_json"),
        "10^9 units": _layer("Dense", units=10**9),
        "10^9 rows": _layer("RepeatVector", n=10**9),
        "10^9 padding": _layer("ZeroPadding1D", padding=10**9),
    }  # fmt: skip
    for name, layer in layers.items():
        _write_h5(folder / f"{name}.h5", _model(layer))
        yield f"{name}.h5", None
    tampered: dict[str, Callable[[h5py.File], None]] = {
        "soft link": lambda f: f["model_weights"].__setitem__("x", h5py.SoftLink("/")),
        "external link": lambda f: f["model_weights"].__setitem__("x", h5py.ExternalLink(secret, "/")),
        "external storage": lambda f: _dataset(f, (8,), "u1", external=[(secret, 0, 8)]),
        "16 GB never written": lambda f: _dataset(f, (1 << 32,), "f4", fillvalue=1),
    }  # fmt: skip
    for name, more in tampered.items():
        _write_h5(folder / f"{name}.h5", sequential, more)
        yield f"{name}.h5", None
    reading = folder / "graph that reads a file"
    reading.mkdir()
    (reading / "saved_model.pb").write_bytes(_saved_model("ReadFile"))
    yield reading.name, None


def _dataset(file: h5py.File, *arguments: Any, **options: Any) -> None:
    file["model_weights"].create_dataset("x", *arguments, **options)


def _saved_model(operator: str = "AddV2") -> bytes:
    from edgekit.keras.protobuf import message_class

    message = message_class("tensorflow.core.protobuf.saved_model_pb2", "SavedModel")()
    graph = message.meta_graphs.add()
    function = graph.graph_def.library.function.add()
    function.signature.name = "f"
    function.node_def.add(name="n", op=operator)
    node = graph.object_graph_def.nodes.add()
    node.user_object.identifier, node.user_object.metadata = "_tf_keras_network", json.dumps(_honest())
    data: bytes = message.SerializeToString()
    return data


def _traced(folder: Path, name: str, command: str) -> tuple[set[str], int, str, float]:
    """Files opened outside of the model and the installation, programs and connections; exit code; what was said."""
    log = folder / "trace"
    data = ["--data", "digits"] if command != "convert" else []
    target = ["--format", "float32", "-o", str(folder / "out.tflite"), "--overwrite"] if command == "convert" else []
    started = time.perf_counter()
    run = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=open,openat,execve,connect", "-o", str(log), sys.executable, "-c",
         "from edgekit.cli import main; main()", command, str(folder / name), *data, *target],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    acts = set()
    for line in log.read_text(errors="replace").splitlines():
        match = re.search(r'(execve|connect|open|openat)\((?:AT_FDCWD, )?(?:"([^"]*)"|(.*))', line)
        if match and " = -1" not in line:
            path = match[2] or match[3] or ""
            inside = path.startswith(
                (sys.prefix, sys.base_prefix, str(ROOT), "/proc", "/sys", "/usr", "/lib", "/dev", "/etc/ld")
            )
            if (
                match[1] == "connect"
                or not inside
                and not path.startswith((str(folder / name), tempfile.gettempdir() + "/edgekit-"))
            ):
                acts.add(f"{match[1]} {re.sub(r'[0-9]+|[a-z0-9_]{8}$', '#', path)[:120]}")
    return acts, run.returncode, run.stdout + run.stderr, seconds


def _checked(path: Path) -> object:
    from edgekit.keras.saved_model import check_saved_model

    return check_saved_model(path.parent)


def _sidecar(path: Path) -> object:
    from edgekit.data.sidecar import read_sidecar

    return read_sidecar(path.with_suffix(""))


def _manifest(path: Path) -> object:
    from edgekit.pipeline.manifest import read_manifest

    return read_manifest(path.parent)


def _given(path: Path, data: bytes, parse: Callable[[Path], object]) -> object:
    path.write_bytes(data)
    return parse(path)


def _mutant(whole: bytes, rng: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data)) if data else 0
        act = rng.randrange(5)
        if act == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif act == 1:
            del data[at : at + rng.randrange(1, 30)]
        elif act == 2:
            data[at:at] = rng.choice(
                [b"null", b"[]", b"{}", b"-1", b"1e400", b'"x"', b"[[[[", b"\x00", b"\xff\xff", b"NaN"]
            )
        elif act == 3:
            data[at:at] = data[at : at + rng.randrange(1, 60)]
        else:
            data = data[:at] if rng.random() < 0.2 else data
    return bytes(data)


if __name__ == "__main__":
    main()
