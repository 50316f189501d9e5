"""Attack by enumeration: what passes the checks of foreign files, what such files open, and what honest ones lose.

    python benchmarks/attack.py [--only names,keys,operators,files,fuzz,honest] [--mutants N]

- names: every class and function that the sources of both Keras define, and every TensorFlow symbol, as a layer, as an
  object inside one, as an activation and as a function of a graph, in both grammars, on the checking function. Neither
  Keras nor TensorFlow is loaded for it.
- keys: every key of every allowed class with a path, a URL, 10^9, code, JSON that holds code, and depth.
- operators: every TensorFlow operator in a function, in an initialiser and in the graph of a SavedModel.
- files: one file of each attack, the public proofs against Keras among them, through `convert`, `evaluate`,
  `sensitivity`, `compress` and `inspect` in one process with warm children under strace: files opened outside of the
  model and the installation, programs started and connections, compared with an honest model.
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
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from _attack_files import (
    SECRET,
    SECRET_FILE,
    commands,
    layer_config,
    model_config,
    saved_model,
    traced,
    write_h5,
    write_keras,
)
from _attack_files import attacks as attack_files

from edgekit import sandbox
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras.check import check_config
from edgekit.keras.functions import ACTIVATIONS, OPERATIONS, TENSOR_FUNCTIONS
from edgekit.keras.kinds import KINDS
from edgekit.keras.reading import read_model

ROOT = Path(__file__).parents[1]
HONEST = model_config(layer_config("Dense", units=2))
SECTIONS = ("names", "keys", "operators", "files", "fuzz", "honest")


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
        for node in (layer_config(name), {**layer_config(name), "module": module, "registered_name": name}):
            _note(
                counts, passed["operation" if node.get("module") in OPERATIONS else "layer"], name, model_config(node)
            )
        for code in (name, {"module": module, "class_name": "function", "config": name, "registered_name": name}):
            _note(counts, passed["activation"], name, model_config(layer_config("Dense", activation=code)))
        inner = {"module": module, "class_name": name, "config": {}, "registered_name": name}
        _note(counts, passed["layer"], name, model_config(layer_config("Dense", activation=inner)))
    for symbol in {*_tensorflow_symbols(), *(f"{m}.{n}".partition(".")[2] for m, n in _defined("keras"))}:
        for kind in ("TFOpLambda", "SlicingOpLambda"):
            _note(counts, passed["function"], symbol, model_config(layer_config(kind, function=symbol)))
    for module in sorted(sys.stdlib_module_names):
        for name in ("system", "Dense", "loads", "open"):
            node = {"module": module, "class_name": name, "config": {"name": "x"}, "registered_name": name}
            _note(counts, passed["layer"], name, model_config(node))
    operations = {name for names in OPERATIONS.values() for name in names}
    wrapped = {"QuantizeAwareActivation", "NoOpActivation"}  # activations of TF-MOT's
    allowed = {
        "layer": {*KINDS, *operations, *wrapped, "Functional", "Sequential", "Model"},
        "operation": {*KINDS, *operations},
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
    large, seen = {"depth", "100,000 numbers"}, set()  # once for each name of a key: they take their time
    for kind, row in KINDS.items():
        for key in row.keys:
            for name, value in values.items():
                if name not in large or key not in seen:
                    config = {"class_name": kind, "config": {"name": "inner", key: value}}
                    _note(counts, passed[name], key, model_config(config))
            seen.add(key)
    must_fail = ("code", "code in a list", "code in JSON", "a module")
    return {**counts, "passed_by_value": {k: sorted(v) for k, v in passed.items()},
            "code_passed": sum(len(passed[name]) for name in must_fail)}  # fmt: skip


def _operators(_: Any) -> dict[str, Any]:
    from edgekit.keras.operators import ALLOWED, SAVER
    from edgekit.keras.protobuf import message_class
    from edgekit.keras.saved_model_graph import check_graph

    kind = message_class("tensorflow.core.protobuf.saved_model_pb2", "SavedModel")
    names = sorted(_tensorflow_operators())
    passed: dict[str, set[str]] = {"function": set(), "initialiser": set(), "graph": set()}
    for name in names:
        for place, through in passed.items():
            meta = kind().meta_graphs.add()
            if place == "graph":
                meta.graph_def.node.add(name="n", op=name)
            else:
                function = meta.graph_def.library.function.add()
                function.signature.name = "__inference__initializer_1" if place == "initialiser" else "f"
                function.node_def.add(name="n", op=name)
            if place == "initialiser":
                call = meta.graph_def.node.add(name="call", op="StatefulPartitionedCall")
                call.attr["f"].func.name = "__inference__initializer_1"
                meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name = "call"
            with suppress(ModelError):
                check_graph(Path("m"), meta)
                through.add(name)
    beyond = {place: sorted(through - ALLOWED) for place, through in passed.items()}
    return {"operators": len(names), "tried": 3 * len(names), "allowed": len(ALLOWED), "of_the_saver": len(SAVER),
            "passed_by_place": {k: len(v) for k, v in passed.items()}, "beyond_the_list": beyond}  # fmt: skip


def _files(_: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / SECRET_FILE).write_text(SECRET)
        attacks = [title for title, _none in attack_files(folder)]
        runs = [(title, *item) for title in ("honest.h5", *attacks) for item in commands(folder, title).items()]
        found = traced(folder, [arguments for _title, _command, arguments in runs])
    honest = {command: result["acts"] for (title, command, _), result in zip(runs, found, strict=True)
              if title == "honest.h5"}  # fmt: skip
    usual = set().union(*honest.values())
    results = {
        f"{command} {title}": {
            "code": result["code"], "seconds": result["seconds"], "new": sorted(result["acts"] - usual),
            "traceback": result["code"] == "traceback" or "Traceback" in result["said"],
            "leaked": SECRET in result["said"], "said": result["said"][-300:],
        }
        for (title, command, _), result in zip(runs, found, strict=True) if title != "honest.h5"
    }  # fmt: skip
    bad = [k for k, v in results.items()
           if v["new"] or v["code"] == 0 or v["traceback"] or v["leaked"] or v["seconds"] > 60]  # fmt: skip
    return {"attacks": len(attacks), "tried": len(results), "opened_more_or_passed": bad,
            "slowest_s": max(v["seconds"] for v in results.values()), "results": results}  # fmt: skip


def _fuzz(arguments: Any) -> dict[str, Any]:
    from edgekit.recipe import load_recipe

    rng = random.Random(0)
    counts: Counter[str] = Counter()
    others: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), sandbox.warm():
        warnings.simplefilter("ignore")
        folder = Path(name)
        write_h5(folder / "m.h5", HONEST)
        config = json.dumps(HONEST)
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
        graph = saved_model()
        kinds: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
            "config.json": (config.encode(), lambda data: read_model(write_keras(folder / "c.keras", data))),
            "hdf5": ((folder / "m.h5").read_bytes(), lambda data: _given(folder / "f.h5", data, _in_a_child)),
            "saved_model": (graph, lambda data: _given(saved / "saved_model.pb", data, _checked)),
            "sidecar": (sidecar.encode(), lambda data: _given(folder / "m.tflite.json", data, _sidecar)),
            "manifest": (manifest, lambda data: _given(folder / "manifest.json", data, _manifest)),
            "recipe": (recipe.encode(), lambda data: _given(folder / "r.yaml", data, load_recipe)),
        }  # fmt: skip
        for kind, (whole, parse) in kinds.items():
            for _i in range(arguments.mutants // len(kinds)):
                as_values = kind in ("config.json", "sidecar", "manifest") and rng.random() < 0.5
                data = _mutated_values(whole, rng) if as_values else _mutant(whole, rng)
                started = time.perf_counter()
                try:
                    parse(data)
                    counts[f"{kind} passed"] += 1
                except EdgekitError as error:
                    how = next((why for sign, why in _ENDED.items() if sign in str(error)), "refused")
                    counts[f"{kind} {how}"] += 1
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


def _honest(_: Any) -> dict[str, Any]:
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


def _tensorflow_operators() -> set[str]:
    """Every operator that TensorFlow's own wrappers name; TensorFlow is not loaded for it."""
    spec = importlib.util.find_spec("tensorflow")
    assert spec and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    calls = re.compile(r'_apply_op_helper\(\s*"(\w+)"')
    return {name for path in root.rglob("gen_*.py") for name in calls.findall(path.read_text(encoding="utf-8"))}


def _note(counts: Counter[str], passed: set[str], name: str, config: Any) -> None:
    counts["tried"] += 1
    try:
        check_config(config, file="m.h5")
    except ModelError:
        counts["refused"] += 1
    else:
        counts["passed"] += 1
        passed.add(name)


_ENDED = {"s of CPU time": "ended at its limit", "must not crash": "ended by a crash of its child"}


def _in_a_child(path: Path) -> object:
    """HDF5 is a library in C, which some files send round for ever: only a child bears that."""
    request = {"path": str(path), "name": "m.h5", "custom": [], "reading": 2.0}
    limits = sandbox.Limits(1 << 30, 60.0, reading=2.0)
    return sandbox.run("edgekit.keras.jobs.read", request, readable=[path], limits=limits, what="m.h5")


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


def _mutated_values(text: bytes, rng: random.Random) -> bytes:
    """JSON whose values were replaced, moved or renamed, so that mutants get past the parser."""
    root: dict[str, Any] = {"all": json.loads(text)}
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = [(root, "all"), *_places(root["all"])]
        holder, key = rng.choice(places)
        other, inner = rng.choice(places)
        act = rng.randrange(4)
        if act == 0:
            holder[key] = rng.choice([None, True, -1, 0.5, 10**30, "", "x", "Lambda", "/etc/passwd", [], {}, [[]], [1]])
        elif act == 1:
            holder[key] = json.loads(json.dumps(other[inner]))
        elif act == 2 and isinstance(holder, dict) and holder is not root:
            holder[rng.choice(["", "x", "config", "class_name", "module", "schema"])] = holder.pop(key)
        elif holder is not root:
            holder.pop(key)
    return json.dumps(root["all"]).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


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
