"""Attack by enumeration: what passes the checks of foreign files, what such files open, and what honest ones lose.

    python benchmarks/attack.py [--only names,keys,loading,operators,files,fuzz,honest] [--mutants N] [--every N]

- names: every class and function that the sources of both Keras define, and every TensorFlow symbol, as a layer, as an
  object inside one, as an activation and as a function of a graph, in both grammars, on the checking function. Neither
  Keras nor TensorFlow is loaded for it.
- keys: every key of every allowed class with a path, a URL, 10^9, code, JSON that holds code, and depth.
- loading: one file in each form of every name and key that passes these two, loaded with warm children under strace.
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
import json
import random
import shutil
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from _attack_files import (
    SECRET,
    SECRET_FILE,
    commands,
    in_every_form,
    layer_config,
    model_config,
    saved_model,
    traced,
    write_h5,
    write_keras,
)
from _attack_files import attacks as attack_files
from _attack_names import keyed, manifest, mutant, mutated_values, named, tensorflow_operators

from edgekit import sandbox, tflite
from edgekit.errors import EdgekitError, ModelError
from edgekit.keras import Loading, load_model
from edgekit.keras.files.check import check_config
from edgekit.keras.files.functions import ACTIVATIONS, OPERATIONS, TENSOR_FUNCTIONS
from edgekit.keras.files.kinds import KINDS
from edgekit.keras.files.reading import read_model
from edgekit.runtimes import PROBE

HONEST = model_config(layer_config("Dense", units=2))
SECTIONS = ("names", "keys", "loading", "operators", "files", "fuzz", "honest")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(SECTIONS))
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--every", type=int, default=1, help="Load one of so many of what passes.")
    arguments = parser.parse_args()
    target = Path(__file__).with_suffix(".json")
    for section in arguments.only.split(","):
        started = time.perf_counter()
        found = globals()[f"_{section}"](arguments)
        found["seconds"] = round(time.perf_counter() - started, 1)
        print(section, json.dumps(found)[:2000], flush=True)
        results = json.loads(target.read_text()) if target.is_file() else {"benchmark": "attack"}
        results[section] = found  # others may have been written meanwhile
        target.write_text(json.dumps(results, indent=2) + "\n")


def _names(_: Any) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    passed: dict[str, set[str]] = {"layer": set(), "operation": set(), "activation": set(), "function": set()}
    for place, name, config in named():
        _note(counts, passed[place], name, config)
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
    counts: Counter[str] = Counter()
    passed: dict[str, set[str]] = {}
    for value, key, config in keyed():
        _note(counts, passed.setdefault(value, set()), key, config)
    must_fail = ("code", "code in a list", "code in JSON", "a module")
    return {**counts, "passed_by_value": {k: sorted(v) for k, v in passed.items()},
            "code_passed": sum(len(passed[name]) for name in must_fail)}  # fmt: skip


def _loading(arguments: Any) -> dict[str, Any]:
    passing: dict[str, Any] = {}
    for place, name, config in (*named(), *keyed()):
        kind = config["config"]["layers"][1]["class_name"]
        with suppress(ModelError):
            check_config(config, file="m.h5")
            passing.setdefault(f"{place} {name} {kind}", config)
    chosen = list(passing.items())[:: arguments.every]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / SECRET_FILE).write_text(SECRET)
        usual = in_every_form(folder, "honest", HONEST)
        tried = [
            (title, file) for i, (title, config) in enumerate(chosen) for file in in_every_form(folder, str(i), config)
        ]
        found = traced(folder, [["load", str(folder / file)] for file in (*usual, *(file for _title, file in tried))])
    honest, found = found[: len(usual)], found[len(usual) :]
    acts = set().union(*(result["acts"] for result in honest))
    bad = [
        f"{title} as {file.partition('.')[2] or 'SavedModel'}: {result['code']} {sorted(result['acts'] - acts)[:5]} "
        f"{result['seconds']} s {result['said'][:200]}"
        for (title, file), result in zip(tried, found, strict=True)
        if result["acts"] - acts or result["code"] == "traceback" or result["seconds"] > 60 or SECRET in result["said"]
    ]
    return {"passing": len(passing), "one_of": arguments.every, "loaded": len(tried), "opened_more_or_broke": bad,
            "honest_built": sum(result["code"] == 0 for result in honest),
            "built": sum(result["code"] == 0 for result in found),
            "slowest_s": max(result["seconds"] for result in found)}  # fmt: skip


def _operators(_: Any) -> dict[str, Any]:
    from edgekit.keras.files.operators import ALLOWED, SAVER
    from edgekit.keras.files.protobuf import message_class
    from edgekit.keras.files.saved_model_graph import check_graph

    kind = message_class("tensorflow.core.protobuf.saved_model_pb2", "SavedModel")
    names = sorted(tensorflow_operators())
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
        sidecar = json.dumps({"schema": "edgekit.sidecar/2", "preprocessing": [{"rescale": {"scale": 0.1}}],
                              "label_names": ["a"], "task": "classification", "artifact": None})  # fmt: skip
        recipe = (
            "model: digits_cnn\ndata: {source: digits}\ntrain: {epochs: 3, learning_rate: 0.1}\n"
            "passes:\n- sparsify: {sparsity: 0.5}\nseed: 1\n"
        )
        (folder / "m.tflite").write_bytes(b"x")
        saved = folder / "saved"
        saved.mkdir()
        graph = saved_model()
        kinds: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
            "config.json": (config.encode(), lambda data: read_model(write_keras(folder / "c.keras", data))),
            "hdf5": ((folder / "m.h5").read_bytes(), lambda data: _given(folder / "f.h5", data, _in_a_child)),
            "saved_model": (graph, lambda data: _given(saved / "saved_model.pb", data, _checked)),
            "sidecar": (sidecar.encode(), lambda data: _given(folder / "m.tflite.json", data, _sidecar)),
            "manifest": (manifest(), lambda data: _given(folder / "manifest.json", data, _manifest)),
            "tflite": (PROBE.read_bytes(), tflite.read),
            "recipe": (recipe.encode(), lambda data: _given(folder / "r.yaml", data, load_recipe)),
        }  # fmt: skip
        for kind, (whole, parse) in kinds.items():
            for _i in range(arguments.mutants // len(kinds)):
                as_values = kind in ("config.json", "sidecar", "manifest") and rng.random() < 0.5
                data = mutated_values(whole, rng) if as_values else mutant(whole, rng)
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


def _honest(_: Any) -> dict[str, Any]:
    import _honest_models

    counts: Counter[str] = Counter()
    refused: list[str] = []
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), sandbox.warm():
        warnings.simplefilter("ignore")
        for number, (title, model, forms) in enumerate(_honest_models.models()):
            for form in forms:
                path = Path(name) / f"{number}{form}"
                try:
                    model.save(path, **({} if form else {"save_format": "tf"}))
                except Exception:  # Keras itself cannot
                    counts["keras cannot save"] += 1
                    continue
                _welcome(path, f"{title}{form or ' SavedModel'}", counts, refused)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in _honest_models.files():
            _welcome(path, path.name, counts, refused)
    return {**counts, "refused": len(refused), "which": refused}


def _keras_fails(path: Path) -> bool:
    try:
        load_model(path, Loading(unsafe=True))
    except EdgekitError as error:
        return "must be able to load" in str(error)
    return False


def _welcome(path: Path, title: str, counts: Counter[str], refused: list[str]) -> None:
    """Whether the allow list takes a model; that a layer has no form in tf_keras is another message."""
    try:
        load_model(path)
        counts["loaded"] += 1
    except EdgekitError as error:
        message = str(error)
        if "tf_keras" in message or "carried over" in message:
            counts["passed, without a form in tf_keras"] += 1
        elif "do not run on devices" in message:
            counts["passed, text and look-up layers, which are told to become preprocessing"] += 1
        elif "that Keras 2 can build" in message or _keras_fails(path):
            counts["Keras itself cannot load"] += 1
        else:
            refused.append(f"{title}: {message[:300]}")


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
    return sandbox.run("edgekit.keras.files.jobs.read", request, readable=[path], limits=limits, what="m.h5")


def _checked(path: Path) -> object:
    from edgekit.keras.files.saved_model import check_saved_model

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


if __name__ == "__main__":
    main()
