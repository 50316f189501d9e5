"""What `attack.py` enumerates: names of the sources of Keras and TensorFlow, keys of the table, mutants of files."""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _attack_files import layer_config, model_config

from edgekit.keras.files.functions import OPERATIONS
from edgekit.keras.files.kinds import KINDS


def named() -> Iterator[tuple[str, str, Any]]:
    """Where a name stands, the name, and a configuration with it there."""
    for module, name in sorted({*defined("keras"), *defined("tf_keras")}):
        for node in (layer_config(name), {**layer_config(name), "module": module, "registered_name": name}):
            yield "operation" if node.get("module") in OPERATIONS else "layer", name, model_config(node)
        for code in (name, {"module": module, "class_name": "function", "config": name, "registered_name": name}):
            yield "activation", name, model_config(layer_config("Dense", activation=code))
        inner = {"module": module, "class_name": name, "config": {}, "registered_name": name}
        yield "layer", name, model_config(layer_config("Dense", activation=inner))
    for symbol in sorted({*tensorflow_symbols(), *(f"{m}.{n}".partition(".")[2] for m, n in defined("keras"))}):
        for kind in ("TFOpLambda", "SlicingOpLambda"):
            yield "function", symbol, model_config(layer_config(kind, function=symbol))
    for module in sorted(sys.stdlib_module_names):
        for name in ("system", "Dense", "loads", "open"):
            node = {"module": module, "class_name": name, "config": {"name": "x"}, "registered_name": name}
            yield "layer", name, model_config(node)


def keyed() -> Iterator[tuple[str, str, Any]]:
    """What a key holds, the key, and a configuration with it."""
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
    large, seen = {"depth", "100,000 numbers"}, set()  # once for each name of a key: they take their time
    for kind, row in KINDS.items():
        for key in row.keys:
            for name, value in values.items():
                if name not in large or key not in seen:
                    yield name, key, model_config({"class_name": kind, "config": {"name": "inner", key: value}})
            seen.add(key)


def defined(package: str) -> Iterator[tuple[str, str]]:
    spec = importlib.util.find_spec(package)
    assert spec and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    for path in root.rglob("*.py"):
        module = ".".join([package, *path.relative_to(root).with_suffix("").parts])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield module, node.name


def tensorflow_symbols() -> Iterator[str]:
    spec = importlib.util.find_spec("tensorflow")
    assert spec and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0]) / "_api" / "v2"
    for path in root.rglob("__init__.py"):
        place = ".".join(path.parent.relative_to(root).parts)
        for name in re.findall(r"^from \S+ import (?:\w+ as )?(\w+)", path.read_text(), re.MULTILINE):
            yield f"{place}.{name}" if place else name


def tensorflow_operators() -> set[str]:
    """Every operator that TensorFlow's own wrappers name; TensorFlow is not loaded for it."""
    spec = importlib.util.find_spec("tensorflow")
    assert spec and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    calls = re.compile(r'_apply_op_helper\(\s*"(\w+)"')
    return {name for path in root.rglob("gen_*.py") for name in calls.findall(path.read_text(encoding="utf-8"))}


def mutated_values(text: bytes, rng: random.Random) -> bytes:
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


def manifest() -> bytes:
    """A small whole one."""
    from edgekit.pipeline.manifest import Manifest, ModelRecord, Trivial
    from edgekit.pipeline.step import Step

    parity = {"sqnr_db": 60.0, "agreement": 1.0, "steps": None, "samples": 64, "data": "random", "accepted_db": None}
    step = Step(
        name="baseline", format="float32", input_dtype="float32", output_dtype="float32", metric="top1", accuracy=0.5,
        accuracy_low=0.4, accuracy_high=0.6, agreement=None, parity=parity, operators_db=None, state="none",
        params=9, nonzero_params=9,
        answers={"classes": 2, "samples": 4, "cells": [[0, 0, 1], [0, 1, 2], [1, 1, 1]]},
        macs=9, model_bytes=99, gzip_bytes=88, seconds=1.0, sha256="0" * 64, parent="1" * 64, keras_parent=None,
        correct_sha256=None, figures={"arena_bytes": 7},
    )  # fmt: skip
    model = ModelRecord(
        path="models/m.tflite", format="float32", bytes=99, gzip_bytes=88, sha256="0" * 64, accuracy=0.5,
        accuracy_low=0.4, accuracy_high=0.6, accuracy_drop=0.0, drop_low=None, drop_high=None, agreement=None,
        parity=parity, nonzero_params=9, params=9, latency_ms=None, figures={}, made_from="baseline", state="none",
        violations=(),
    )  # fmt: skip
    artifact = {
        "path": "models/m.tflite", "kind": "tflite", "sha256": "0" * 64, "bytes": 99, "parent": None,
        "made_by": "convert float32",
    }  # fmt: skip
    environment = {
        "cpu": "c",
        "cores": 2,
        "platform": "p",
        "packages": {"numpy": "1"},
        "data": "d",
        "seed": 0,
        "threads": 2,
    }
    whole = Manifest(
        output="x", metric="top1", samples=3, steps=(step,), models=(model,),
        trivial=Trivial("most frequent class", 0.3, True), selected="models/m.tflite",
        budget={"met": True, "violations": []}, artifacts=(artifact,), recipe={"model": "m"}, environment=environment,
    )  # fmt: skip
    return json.dumps(whole.as_dict()).encode()


def mutant(whole: bytes, rng: random.Random) -> bytes:
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
