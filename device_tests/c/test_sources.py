"""What a firmware engineer's build makes of exported C: compilers, sections, symbols, hooks, arenas that do not do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from drawn_layers import DRAWN, drawn_layers, model_of_layers
from looping_models import Looping, looping_model
from random_products import random_model

from edgekit import tflite
from edgekit.golden import Golden
from edgekit.runtimes import load_runtime
from edgekit_converters.c.files import files
from edgekit_converters.c.firmware import firmware_of
from edgekit_converters.c.samples import drawn

MODELS = {
    "layers": lambda: model_of_layers(drawn_layers(3, 2 * len(DRAWN))),
    "lstm": lambda: random_model(["LSTM"], "int8", 0),
    "words": lambda: random_model(["CONV_2D", "FULLY_CONNECTED", "SOFTMAX"], "int16", 0),
    "state": lambda: looping_model(Looping(kept=True)),
    "rows": lambda: looping_model(Looping(written="rows")),
}
STRICT = "-pedantic -Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off -c".split()
ARM, HARD = "-mthumb -mcpu={}", " -mfloat-abi=hard"
BUILDS = {
    "clang": "clang -std=c99 -O2",
    "clang++": "clang++ -x c++ -std=c++11",
    "g++": "g++ -x c++ -std=c++11",
    "gcc gnu11": "gcc -std=gnu11 -O2",
    "portable on M4": f"arm-none-eabi-gcc -std=c99 -O2 {ARM.format('cortex-m4')} -DNET_PORTABLE",
    **{
        core: f"arm-none-eabi-gcc -std=c99 -O2 {ARM.format(core)}{HARD if core == 'cortex-m55' else ''}"
        for core in ("cortex-m0", "cortex-m4", "cortex-m33", "cortex-m55")
    },
    "C++ on M4": f"arm-none-eabi-g++ -x c++ -std=c++11 -O2 {ARM.format('cortex-m4')}",
    "C++ on M55": f"arm-none-eabi-g++ -x c++ -std=c++11 -O2 {ARM.format('cortex-m55')}{HARD}",
}
LIBRARY = {"memcpy", "memmove", "memset"}


def needed(*tools: str) -> None:
    lacking = [tool for tool in tools if shutil.which(tool) is None]
    if lacking:
        reason = f"missing: {', '.join(lacking)}; apt-get install gcc clang gcc-arm-none-eabi libnewlib-arm-none-eabi"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def written(model: tflite.Model, folder: Path, name: str = "net", *, golden: bool = False) -> Path:
    firmware, vectors = firmware_of(model, name), None
    folder.mkdir(exist_ok=True)
    if golden:
        (path := folder / f"{name}.tflite").write_bytes(model.content)
        inputs = drawn(firmware.inputs, 1)
        with load_runtime("tflm").open(tflite.read(path)) as session:
            answers = session.run([values[0] for values in inputs])
        vectors = Golden(tuple(inputs), tuple(answer[None] for answer in answers), "tflm", ())
    for file, text in files(firmware, vectors).items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def symbols(object_file: Path) -> list[tuple[str, str]]:
    """The letters of nm, and names."""
    lines = subprocess.run(["nm", object_file], capture_output=True, text=True, check=True).stdout.splitlines()
    return [(line.split()[-2], line.split()[-1]) for line in lines]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("name", MODELS)
def test_it_compiles_without_a_warning(name: str, build: str, tmp_path: Path) -> None:
    command = BUILDS[build].split()
    needed(command[0])
    folder = written(MODELS[name](), tmp_path)
    done = subprocess.run([*command, *STRICT, "net.c", "-o", "net.o"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr[:2000]


@pytest.mark.parametrize("name", MODELS)
def test_symbols_carry_the_name_and_nothing_is_written_or_asked_of_a_library(name: str, tmp_path: Path) -> None:
    needed("gcc", "nm")
    folder = written(MODELS[name](), tmp_path)
    subprocess.run(["gcc", "-fno-pie", "-std=c99", "-O1", *STRICT, "net.c", "-o", "net.o"], cwd=folder, check=True)
    found = symbols(folder / "net.o")
    assert {symbol for kind, symbol in found if kind == "U"} <= LIBRARY
    assert all(symbol.startswith("net_") for kind, symbol in found if kind != "U"), found
    assert not [symbol for kind, symbol in found if kind in "BbDdCc"], "no globals that are written"
    defined = re.findall(r"^#define (\w+)", (folder / "net.c").read_text(), re.MULTILINE)
    assert all(macro.startswith("NET_") for macro in defined)


@pytest.mark.parametrize("name", MODELS)
def test_constants_and_code_lie_where_macros_say(name: str, tmp_path: Path) -> None:
    needed("gcc", "objdump")
    folder = written(MODELS[name](), tmp_path)
    where = [f'-DNET_{macro}=__attribute__((section("{section}")))' for macro, section in
             (("WEIGHTS", ".qspi"), ("CODE", ".itcm"))]  # fmt: skip
    subprocess.run(["gcc", "-std=c99", "-O1", *STRICT, *where, "net.c", "-o", "net.o"], cwd=folder, check=True)
    table = subprocess.run(["objdump", "-t", "net.o"], cwd=folder, capture_output=True, text=True, check=True).stdout
    places: dict[str, set[str]] = {}
    for section, symbol in re.findall(r" (\.[\w.]+)\s+[0-9a-f]+ (net_\w+)", table):
        places.setdefault(section, set()).add(re.sub(r"_\d+$", "", symbol))
    assert places[".qspi"] and places[".qspi"] <= {"net_constant", "net_initial"}
    assert "net_run" in places[".itcm"] and not places.get(".text")
    assert not places.get(".rodata", set()) & {"net_constant", "net_initial"}


ARENA = """
#include <stdio.h>
#include "net.h"
static int hooks[2];
static void hook(int layer) { hooks[0] += layer != hooks[1]; hooks[1] = layer + 1; }
#define NET_LAYER_HOOK(layer) hook(layer)
#include "net.c"
int main(void) {
    static uint64_t memory[NET_ARENA_BYTES / 8 + 4];
    uint8_t *const arena = (uint8_t *)memory + (16 - (uintptr_t)memory % 16) % 16;
    net_inputs inputs = {0};
    net_outputs outputs = {0};
    static int8_t sample[1 << 16];
    SAMPLES
    printf("%d ", net_run(&inputs, &outputs, NULL, arena, NET_ARENA_BYTES));
    printf("%d ", hooks[0] || hooks[1] != NET_LAYERS);
    printf("%d ", net_run(&inputs, &outputs, NULL, arena, NET_ARENA_BYTES - 1));
    printf("%d ", net_run(&inputs, &outputs, NULL, arena + 8, NET_ARENA_BYTES));
    printf("%d ", net_run(&inputs, &outputs, NULL, NULL, NET_ARENA_BYTES));
    inputs.input_0 = NULL;
    printf("%d ", net_run(&inputs, &outputs, NULL, arena, NET_ARENA_BYTES));
    printf("%d", net_run(NULL, &outputs, NULL, arena, NET_ARENA_BYTES));
    return 0;
}
"""


def test_each_layer_calls_the_hook_and_a_wrong_arena_is_an_error_code(tmp_path: Path) -> None:
    needed("gcc")
    model = MODELS["layers"]()
    folder = written(model, tmp_path)
    names = "\n".join(f"    inputs.input_{k} = sample;" for k in range(len(model.graphs[0].inputs)))
    (folder / "main.c").write_text(ARENA.replace("    SAMPLES", names))
    sanitized = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run(["gcc", "-std=c99", *sanitized, "main.c", "-o", "main"], cwd=folder, check=True)
    done = subprocess.run(["./main"], cwd=folder, capture_output=True, text=True)
    assert done.stdout == "0 0 -2 -3 -1 -1 -1" and done.returncode == 0, done.stdout + done.stderr


def test_three_exports_link_into_one_image(tmp_path: Path) -> None:
    needed("gcc")
    names = {"one": "layers", "two": "lstm", "three": "rows"}
    for name, model in names.items():
        written(MODELS[model](), tmp_path, name, golden=True)
    tests = "".join(
        f"    {{ static uint64_t memory[{name.upper()}_ARENA_BYTES / 8 + 4];\n"
        f"      failed += {name}_selftest((uint8_t *)memory + (16 - (uintptr_t)memory % 16) % 16, "
        f"{name.upper()}_ARENA_BYTES); }}\n"
        for name in names
    )
    includes = "".join(f'#include "{name}.h"\n' for name in names)
    (tmp_path / "main.c").write_text(
        f"{includes}int main(void) {{\n    int failed = 0;\n{tests}    return failed;\n}}\n"
    )
    sources = [f"{name}{part}.c" for name in names for part in ("", "_selftest")]
    flags = [flag for flag in STRICT if flag != "-c"]
    subprocess.run(["gcc", "-std=c99", *flags, *sources, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    assert subprocess.run(["./main"], cwd=tmp_path).returncode == 0
