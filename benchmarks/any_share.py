"""How much of the package's types is `Any`: among annotated parameters, and among the expressions that mypy types.

    python benchmarks/any_share.py [FOLDER...]

Parameters are counted over the syntax trees: those whose annotation is `Any` itself, and those that have it inside
(`list[Any]`). What would only hide it is counted beside: `object` in place of `Any`, calls of `cast`, and protocols or
classes with a catch-all `__getattr__`. Expressions are mypy's own count (`--any-exprs-report`), by room.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, default=[ROOT / "edgekit", ROOT / "converters"])
    parser.add_argument("--by-file", action="store_true", help="list the files with parameters of Any, most first")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    files = {path: counted(path) for folder in arguments.folders for path in folder.rglob("*.py")}
    counts = sum(files.values(), Counter[str]())
    if arguments.by_file:
        for path, of_file in sorted(files.items(), key=lambda item: -item[1]["any"]):
            if of_file["any"]:
                print(f"{of_file['any']:4} {path}")
    result: dict[str, Any] = {
        "parameters": dict(counts),
        "any_share_of_parameters": counts["any"] / counts["annotated"],
        "expressions": expressions(),
    }
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"parameters: {counts['any']} of {counts['annotated']} are Any, {result['any_share_of_parameters']:.1%}")
    print(f"            {counts['any_inside']} have it inside; {counts['object']} object, {counts['cast']} casts,")
    print(f"            {counts['catch_all']} catch-all __getattr__")
    for room, (some, total) in result["expressions"].items():
        print(f"{room:24} {some:6} of {total:6} expressions, {some / max(total, 1):.1%}")


def counted(path: Path) -> Counter[str]:
    """Parameters by annotation, and what would hide `Any`."""
    counts: Counter[str] = Counter(annotated=0, any=0, any_inside=0, object=0, cast=0, catch_all=0)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for written in annotations(node):
                counts["annotated"] += 1
                counts["any"] += written == "Any"
                counts["any_inside"] += written != "Any" and re.search(r"\bAny\b", written) is not None
                counts["object"] += written == "object"
        elif isinstance(node, ast.ClassDef):
            counts["catch_all"] += any(getattr(part, "name", "") == "__getattr__" for part in node.body)
        elif isinstance(node, ast.Call):
            counts["cast"] += ast.unparse(node.func) in ("cast", "typing.cast")
    return counts


def annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    yield from (ast.unparse(one.annotation) for one in every if one is not None and one.annotation is not None)


def expressions() -> dict[str, tuple[int, int]]:
    """By room, how many expressions have a type with `Any` in it, and of how many."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mypy", "--any-exprs-report", folder, "--cache-dir", f"{folder}/cache"]
        subprocess.run(
            [*command, "edgekit", "converters/edgekit_converters"], cwd=ROOT, capture_output=True, check=True
        )
        lines = (Path(folder) / "any-exprs.txt").read_text(encoding="utf-8").splitlines()
    rooms: dict[str, tuple[int, int]] = {}
    for line in lines:
        if match := re.match(r"\s*(edgekit\S*)\s+(\d+)\s+(\d+)\s", line):
            module, some, total = match[1], int(match[2]), int(match[3])
            for room in ("total", ".".join(module.split(".")[:2])):
                before = rooms.get(room, (0, 0))
                rooms[room] = before[0] + some, before[1] + total
    return rooms


if __name__ == "__main__":
    main()
