"""platformio: a library for PlatformIO, with a project for this computer and boards as its example."""

from __future__ import annotations

import json
from collections.abc import Mapping

from edgekit_converters.packages import Package, _parts

__all__ = ["arrange"]


def arrange(package: Package, sources: Mapping[str, str]) -> dict[str, str]:
    """The library, its manifest, and the project."""
    return {
        "library.json": _manifest(package, sources),
        "README.md": _parts.readme(
            package,
            "PlatformIO",
            [
                "cd examples/selftest",
                "pio run -e native && .pio/build/native/program",
                "",
                "# For a board: an environment of its own in platformio.ini, as [env:nano33ble] is one.",
                "pio run -e nano33ble -t upload && pio device monitor -b 115200",
            ],
        ),
        "examples/selftest/platformio.ini": _project(),
        "examples/selftest/src/main.cpp": _main(package),
        **_parts.placed(sources, include="include", src="src"),
    }


def _manifest(package: Package, sources: Mapping[str, str]) -> str:
    manifest = {
        "name": package.name,
        "version": package.version,
        "description": package.about,
        "keywords": ["machine-learning", "tflite", "edgekit"],
        "authors": [{"name": package.author}],
        "license": _parts.LICENSE,
        "frameworks": "*",
        "platforms": "*",
        "headers": _parts.headers(sources),
        "build": {"srcDir": "src", "includeDir": "include", "flags": ["-ffp-contract=off"]},
        "examples": [
            {"name": "selftest", "base": "examples/selftest", "files": ["platformio.ini", "src/main.cpp"]},
        ],
    }
    return json.dumps(manifest, indent=2) + "\n"


def _project() -> str:
    return f"""\
{_parts.heading(";")}
[env]
lib_deps = symlink://../..
monitor_speed = 115200

[env:native]
platform = native

[env:nano33ble]
platform = nordicnrf52
board = nano33ble
framework = arduino
"""


def _main(package: Package) -> str:
    """One program for this computer and for boards with Arduino's functions."""
    name = package.name
    return f"""\
{_parts.heading("//")}// Prints whether the model answers on this device as it must.

{_parts.arena(package)}
#ifdef ARDUINO

#include <Arduino.h>

void setup() {{
  Serial.begin(115200);
  while (!Serial) {{
  }}
}}

{_parts.loop(package)}
#else

#include <cstdio>

int main() {{
  const int verdict = {name}_selftest(arena, sizeof arena);
  if (verdict == 0) {{
    std::printf("{name}: self-test passed\\n");
  }} else if (verdict > 0) {{
    std::printf("{name}: self-test FAILED, samples that differ: %d\\n", verdict);
  }} else {{
    std::printf("{name}: self-test FAILED, error %d of {name}.h\\n", verdict);
  }}
  return verdict == 0 ? 0 : 1;
}}

#endif
"""
