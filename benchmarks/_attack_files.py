"""The files of `attack.py`, and running EdgeKit on them under strace, with warm children."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ROOT = Path(__file__).parents[1]
SECRET = "TOP-SECRET-MARKER"
SECRET_FILE = "secret.txt"
MARKER = "/attack-number/"
RUNNER = """
import io, json, os, sys, time
from contextlib import redirect_stderr, redirect_stdout, suppress
from edgekit import sandbox
from edgekit.cli import main
from edgekit.errors import EdgekitError
from edgekit.keras import load_model
results = []
with sandbox.warm(), open(sys.argv[1]) as runs:
    for number, arguments in enumerate(json.load(runs)):
        with suppress(OSError):
            os.open(f"/attack-number/{number}", os.O_RDONLY)
        said, code, started = io.StringIO(), 0, time.perf_counter()
        with redirect_stdout(said), redirect_stderr(said):
            try:
                load_model(arguments[1]) if arguments[0] == "load" else main(arguments)
            except SystemExit as end:
                code = end.code or 0
            except EdgekitError as error:
                code, _ = 1, said.write(str(error))
            except BaseException as error:
                code, _ = "traceback", said.write(repr(error))
        results.append([code, round(time.perf_counter() - started, 2), said.getvalue()])
    with suppress(OSError):
        os.open("/attack-number/end", os.O_RDONLY)
print(json.dumps(results))
"""


def layer_config(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": "inner", **config}}


def model_config(*layers: Any) -> dict[str, Any]:
    first = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 3]}}
    return {"class_name": "Sequential", "config": {"name": "m", "layers": [first, *layers]}}


def write_h5(path: Path, config: Any, more: Callable[[h5py.File], None] = lambda file: None) -> None:
    with h5py.File(path, "w") as file:
        file.attrs.create("model_config", json.dumps(config), dtype=h5py.string_dtype())
        file.attrs["keras_version"] = "2.15.0"
        weighted = _has_dense(config)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"dense"] if weighted else np.array([], "S1")
        if weighted:
            group = group.create_group("dense")
            group.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
            group["dense/kernel:0"], group["dense/bias:0"] = np.ones((3, 2), np.float32), np.zeros(2, np.float32)
        more(file)


def write_keras(path: Path, config: Any) -> Path:
    """A `.keras` of Keras 3; the configuration may be the text of config.json."""
    text = config if isinstance(config, bytes) else json.dumps(_with_modules(config)).encode()
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_group("layers")
        if isinstance(config, bytes) or _has_dense(config):
            file["layers/dense/vars/0"], file["layers/dense/vars/1"] = np.ones((3, 2), "f4"), np.zeros(2, "f4")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", text)
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.10.0", "date_saved": ""}))
        archive.writestr("model.weights.h5", weights.getvalue())
    return path


def _has_dense(config: Any) -> bool:
    """Whether the model's layer is the one that the file has weights for."""
    return any(layer["class_name"] == "Dense" for layer in config["config"]["layers"])


def _with_modules(value: Any) -> Any:
    """A configuration as Keras 3 writes it: classes with the package that they are found in."""
    if isinstance(value, list):
        return [_with_modules(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {key: _with_modules(inner) for key, inner in value.items()}
    if isinstance(value.get("class_name"), str) and "config" in value and "module" not in value:
        found["module"] = "keras" if value["class_name"] == "Sequential" else "keras.layers"
        found["registered_name"] = None
    return found


def attacks(folder: Path) -> Iterator[tuple[str, None]]:
    """Public proofs against Keras, and a file of each attack; written to the folder."""
    sequential = {"class_name": "Sequential", "config": {"name": "m", "layers": [
        layer_config("InputLayer", batch_input_shape=[None, 3]),
        {"class_name": "Dense", "config": {"name": "dense", "units": 2}},
    ]}}  # fmt: skip
    write_h5(folder / "honest.h5", sequential)
    secret = str(folder / SECRET_FILE)
    layers: dict[str, Any] = {
        "lambda (CVE-2024-3660, CVE-2025-9905)": layer_config("Lambda", function=["4wEAAAA=", None, None]),
        "module (CVE-2025-1550)": {"module": "os", "class_name": "function", "config": "system",
                                   "registered_name": "x"},
        "get_file (CVE-2025-8747)": {"module": "keras.utils", "class_name": "function", "config": "get_file",
                                     "registered_name": "get_file"},
        "unsafe switch (CVE-2025-9906)": {"module": "keras.config", "class_name": "function",
                                          "config": "enable_unsafe_deserialization", "registered_name": "x"},
        "torch (CVE-2025-49655)": layer_config("TorchModuleWrapper", module="UEsDBA=="),
        "vocabulary (CVE-2025-12058)": layer_config("StringLookup", vocabulary=secret),
        "TFSMLayer": layer_config("TFSMLayer", filepath=str(folder)),
        "function of io": layer_config("TFOpLambda", function="io.read_file"),
        "model_from_json": layer_config("TFOpLambda", function="keras.models.model_from_json"),
        "10^9 units": layer_config("Dense", units=10**9),
        "10^9 rows": layer_config("RepeatVector", n=10**9),
        "10^9 padding": layer_config("ZeroPadding1D", padding=10**9),
    }  # fmt: skip
    for name, layer in layers.items():
        yield from ((file, None) for file in in_every_form(folder, name, model_config(layer)))
    tampered: dict[str, Callable[[h5py.File], None]] = {
        "soft link": lambda f: f["model_weights"].__setitem__("x", h5py.SoftLink("/")),
        "external link": lambda f: f["model_weights"].__setitem__("x", h5py.ExternalLink(secret, "/")),
        "external storage": lambda f: _dataset(f, (8,), "u1", external=[(secret, 0, 8)]),
        "16 GB never written": lambda f: _dataset(f, (1 << 32,), "f4", fillvalue=1),
    }  # fmt: skip
    for name, more in tampered.items():
        write_h5(folder / f"{name}.h5", sequential, more)
        yield f"{name}.h5", None
    content = (folder / "honest.h5").read_bytes()
    heap = content.index(b"GCOL") + 24  # a size that comes to nothing when it is rounded up: HDF5 goes round for ever
    (folder / "endless heap.h5").write_bytes(content[:heap] + (2**64 - 16).to_bytes(8, "little") + content[heap + 8 :])
    yield "endless heap.h5", None
    reading = folder / "graph that reads a file"
    reading.mkdir()
    (reading / "saved_model.pb").write_bytes(saved_model("ReadFile"))
    yield reading.name, None


def in_every_form(folder: Path, name: str, config: Any) -> list[str]:
    """Write a configuration as `.h5`, `.keras` and SavedModel; gives their names."""
    write_h5(folder / f"{name}.h5", config)
    write_keras(folder / f"{name}.keras", config)
    (folder / f"{name} saved").mkdir()
    (folder / f"{name} saved" / "saved_model.pb").write_bytes(saved_model(config=config))
    return [f"{name}{form}" for form in (".h5", ".keras", " saved")]


def _dataset(file: h5py.File, *arguments: Any, **options: Any) -> None:
    file["model_weights"].create_dataset("x", *arguments, **options)


def saved_model(operator: str = "AddV2", config: Any = None) -> bytes:
    """A SavedModel with one function of one operator, and a Keras configuration beside it."""
    from edgekit.keras.files.protobuf import message_class

    message = message_class("tensorflow.core.protobuf.saved_model_pb2", "SavedModel")()
    graph = message.meta_graphs.add()
    function = graph.graph_def.library.function.add()
    function.signature.name = "f"
    function.node_def.add(name="n", op=operator)
    node = graph.object_graph_def.nodes.add()
    node.user_object.identifier = "_tf_keras_network"
    node.user_object.metadata = json.dumps(config or model_config(layer_config("Dense", units=2)))
    data: bytes = message.SerializeToString()
    return data


def commands(folder: Path, name: str) -> dict[str, list[str]]:
    """What is run on a file, by command."""
    file, recipe = str(folder / name), folder / "recipe.yaml"
    recipe.write_text("data: digits\nconvert: [float32]\nmeasure: [litert]\n")
    return {
        "convert": ["convert", file, "--format", "float32", "-o", str(folder / "out.tflite"), "--overwrite"],
        "evaluate": ["evaluate", file, "--data", "digits"],
        "sensitivity": ["sensitivity", file, "--data", "digits"],
        "compress": ["compress", str(recipe), "--set", f"model={file}", "-o", str(folder / "run"), "--quiet"],
        "inspect": ["inspect", file],
    }


def traced(folder: Path, runs: list[list[str]]) -> list[dict[str, Any]]:
    """Run commands, one after the other, in one process with warm children, under strace; `load FILE` only loads.

    Returns:
        For each: the exit code, seconds, what was said, and what was opened outside of the models and the installation,
        started or connected to.
    """
    log, orders = folder / "trace", folder / "runs.json"
    orders.write_text(json.dumps(runs))
    run = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=open,openat,execve,connect", "-o", str(log), sys.executable, "-P",
         "-c", RUNNER, str(orders)],
        capture_output=True, text=True, cwd=folder, timeout=7200,
    )  # fmt: skip
    if run.returncode:
        raise SystemExit(run.stderr[-2000:])
    acts: list[set[str]] = [set() for _ in runs]
    number = None
    for line in _whole(log.read_text(errors="replace").splitlines()):
        if marked := re.search(rf'"{MARKER}(\d+|end)"', line):
            number = marked[1]
        elif number is not None and number != "end" and (act := _act(line, folder)):
            acts[int(number)].add(act)
    return [
        {"code": code, "seconds": seconds, "said": said, "acts": acts[i]}
        for i, (code, seconds, said) in enumerate(json.loads(run.stdout.splitlines()[-1]))
    ]


def _whole(lines: list[str]) -> Iterator[str]:
    """Calls that strace tells in two lines, since another process came between, in one, where they end."""
    begun: dict[str, str] = {}
    for line in lines:
        process = line.partition(" ")[0]
        if line.endswith("<unfinished ...>"):
            begun[process] = line.removesuffix("<unfinished ...>")
        elif re.search(r"<\.\.\. \w+ resumed>", line) and process in begun:
            yield begun.pop(process) + re.sub(r".*resumed>", "", line)
        else:
            yield line


def _act(line: str, folder: Path) -> str | None:
    """What a line of strace tells, if it succeeded and lies outside; names that differ from run to run made alike."""
    match = re.search(r'(execve|connect|open|openat)\((?:AT_FDCWD, )?(?:"([^"]*)"|(.*))', line)
    if match is None or " = -1" in line:
        return None
    path = match[2] or match[3] or ""
    if re.match(r'\d+, "[a-z]', path):  # below a folder that was opened, as the processor's below /sys
        return None
    home = (sys.prefix, sys.base_prefix, str(ROOT), "/proc", "/sys", "/usr", "/lib", "/dev", "/etc/ld")
    inside = path.startswith((*home, str(folder), tempfile.gettempdir() + "/edgekit-")) and SECRET_FILE not in path
    if inside and match[1] != "connect":
        return None
    alike = re.sub("(?<=/tmp)[a-z0-9_]{8}|[0-9]+", "#", path)
    return f"{match[1]} {alike[:120]}"
