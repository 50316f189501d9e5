"""TensorFlow Lite Micro from a tree of its sources, built with g++: a library of its reference kernels for this host.

The tree is a checkout whose own Makefile brought the libraries that it includes:

    git clone https://github.com/tensorflow/tflite-micro && cd tflite-micro
    make -f tensorflow/lite/micro/tools/make/Makefile third_party_downloads
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["DOWNLOADS", "FLAGS", "MISSING", "TREE", "built", "includes", "library", "sources"]

TREE = Path(os.environ.get("EDGEKIT_TFLM", "/nonexistent"))
MISSING = "EDGEKIT_TFLM names no tree of TensorFlow Lite Micro's sources"
DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"
FLAGS = (
    "-std=c++17", "-O2", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", "-ffp-contract=off",
    "-DTF_LITE_STATIC_MEMORY", "-DTF_LITE_DISABLE_X86_NEON",
)  # fmt: skip
"""As its Makefile has them: TF_LITE_STATIC_MEMORY decides what a TfLiteTensor holds."""
_FOLDERS = ("micro", "micro/arena_allocator", "micro/memory_planner", "micro/tflite_bridge", "micro/kernels")
_SHARED = ("lite/core", "lite/c", "lite/kernels", "lite/schema", "compiler")


def includes(tree: Path) -> list[str]:
    """The flags that name the folders of headers."""
    found = ("", "/gemmlowp", "/flatbuffers/include", "/ruy")
    folders = (tree, *(f"{tree / DOWNLOADS}{folder}" for folder in found))
    return [part for folder in folders for part in ("-isystem", str(folder))]  # warnings are of our sources alone


def library(tree: Path, cache: Path) -> Path:
    """The archive of the tree, built where `cache` does not hold it; minutes the first time.

    Raises:
        subprocess.CalledProcessError: A source does not compile.
    """
    found = sorted(sources(tree))
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for source in found:
        digest.update(source.read_bytes())
    archive = cache / f"libtflm-{digest.hexdigest()[:16]}.a"
    if not archive.is_file():
        objects = archive.with_suffix(".objects")  # kept: a build that is ended goes on where it was
        objects.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            made = list(threads.map(lambda pair: _compiled(tree, *pair, objects), enumerate(found)))
        whole = objects / archive.name
        whole.unlink(missing_ok=True)
        subprocess.run(["ar", "-rcs", whole, *made], check=True)
        os.replace(whole, archive)
        shutil.rmtree(objects)
    return archive


def built(folder: Path, tree: Path, archive: Path) -> Path:
    """The program of all C++ sources of a folder."""
    program = folder / "program"
    command = ["g++", *FLAGS, "-Wall", "-Wextra", *includes(tree), *sorted(folder.glob("*.cc")), archive, "-o", program]
    subprocess.run([*map(str, command), "-Wl,--gc-sections"], check=True)
    return program


def sources(tree: Path) -> Iterator[Path]:
    """What its Makefile compiles, less what only its own tests need."""
    tests = re.compile(r"_test$|^(test|fake|mock|recording)_|_profiler$|^hexdump$")
    root = tree / "tensorflow"
    found = [p for folder in _FOLDERS for p in (root / "lite" / folder).glob("*.cc")]
    found += [p for folder in _SHARED for p in (root / folder).rglob("*.cc")]
    yield from (path for path in found if not tests.search(path.stem))


def _compiled(tree: Path, number: int, source: Path, folder: Path) -> Path:
    made, half = (folder / f"{number}_{source.stem}.{end}" for end in ("o", "half.o"))
    if not made.is_file():
        command = ["g++", *FLAGS, "-ffunction-sections", "-fdata-sections", "-w", *includes(tree), "-c", str(source)]
        subprocess.run([*command, "-o", str(half)], check=True)
        os.replace(half, made)
    return made
