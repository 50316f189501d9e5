"""arduino: a library for the Arduino IDE and arduino-cli, with a sketch."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit_converters.packages import Package, _parts

__all__ = ["arrange"]


def arrange(package: Package, sources: Mapping[str, str]) -> dict[str, str]:
    """The library; a library of Arduino has no compiler flags of its own, so its sources turn contraction off."""
    name = package.name
    return {
        "library.properties": _properties(package),
        "keywords.txt": "".join(f"{name}_{function}\tKEYWORD2\n" for function in ("run", "selftest")),
        "README.md": _parts.readme(
            package,
            "Arduino",
            [
                "# The folder lies in the sketchbook's libraries/, or is given by --library:",
                "arduino-cli compile --fqbn arduino:mbed_nano:nano33ble --library . examples/SelfTest",
                "arduino-cli upload --fqbn arduino:mbed_nano:nano33ble -p /dev/ttyACM0 examples/SelfTest",
                "arduino-cli monitor -p /dev/ttyACM0 --config baudrate=115200",
            ],
        ),
        "examples/SelfTest/SelfTest.ino": _sketch(package),
        **{f"src/{file}": text for file, text in _parts.guarded(sources).items()},
    }


def _properties(package: Package) -> str:
    return f"""\
name={package.name}
version={package.version}
author={package.author}
maintainer={package.author}
sentence={package.about}
paragraph=Plain C that needs no interpreter and no heap; the example SelfTest checks it on the board.
category=Data Processing
url=https://example.com/{package.name}
architectures=*
includes={package.name}.h
license={_parts.LICENSE}
"""


def _sketch(package: Package) -> str:
    return f"""\
{_parts.heading("//")}// Prints whether the model answers on this board as it must.

{_parts.arena(package)}
void setup() {{
  Serial.begin(115200);
  while (!Serial) {{
  }}
}}

{_parts.loop(package)}"""
