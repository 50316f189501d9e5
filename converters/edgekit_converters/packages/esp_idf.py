"""esp-idf: a component of Espressif's IDF, with a project as its example."""

from __future__ import annotations

import json
from collections.abc import Mapping

from edgekit_converters.packages import Package, _parts

__all__ = ["arrange"]


def arrange(package: Package, sources: Mapping[str, str]) -> dict[str, str]:
    """The component, its manifest, and the project."""
    return {
        "CMakeLists.txt": _component(sources),
        "idf_component.yml": _manifest(package),
        "README.md": _parts.readme(
            package,
            "ESP-IDF",
            [
                "# As a component: a folder in the project's components/, or a path in its idf_component.yml.",
                "cd examples/selftest",
                "idf.py set-target esp32s3 build flash monitor",
            ],
        ),
        "examples/selftest/CMakeLists.txt": _project(package),
        "examples/selftest/main/CMakeLists.txt": f'{_parts.heading()}\nidf_component_register(SRCS "main.c")\n',
        "examples/selftest/main/main.c": _main(package),
        **_parts.placed(sources, include="include", src="src"),
    }


def _component(sources: Mapping[str, str]) -> str:
    files = "\n".join(f'       "src/{file}"' for file in _parts.compiled(sources))
    return f"""\
{_parts.heading()}
idf_component_register(
  SRCS
{files}
  INCLUDE_DIRS "include"
)
# A fused multiply-add rounds once where the model was tested with two roundings.
target_compile_options(${{COMPONENT_LIB}} PRIVATE -ffp-contract=off)
"""


def _manifest(package: Package) -> str:
    return f"""\
{_parts.heading()}
version: {json.dumps(package.version)}
description: {json.dumps(package.about)}
license: {_parts.LICENSE}
maintainers:
  - {json.dumps(package.author)}
dependencies:
  idf: ">=4.4"
"""


def _project(package: Package) -> str:
    return f"""\
{_parts.heading()}
cmake_minimum_required(VERSION 3.16)
set(EXTRA_COMPONENT_DIRS "${{CMAKE_CURRENT_LIST_DIR}}/../..")
include($ENV{{IDF_PATH}}/tools/cmake/project.cmake)
project({package.name}_selftest)
"""


def _main(package: Package) -> str:
    """The program for a system whose main is called app_main and ends when that returns."""
    text = _parts.example(package, function="static int selftest(void)")
    return f"{text}\nvoid app_main(void)\n{{\n    (void)selftest();\n}}\n"
