"""zephyr: a module of the Zephyr RTOS with a symbol in Kconfig, a sample, and a manifest for west."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit_converters.packages import Package, _parts

__all__ = ["arrange"]


def arrange(package: Package, sources: Mapping[str, str]) -> dict[str, str]:
    """The module, its sample, and west.yml."""
    symbol = f"EDGEKIT_{package.prefix}"
    return {
        "zephyr/module.yml": _module(package),
        "zephyr/CMakeLists.txt": _library(package, sources, symbol),
        "zephyr/Kconfig": _kconfig(package, symbol),
        "west.yml": _manifest(package),
        "README.md": _parts.readme(
            package,
            "Zephyr",
            [
                "# In a workspace of its own, whose manifest is west.yml here; a name for the folder is free:",
                "west init -l . && west update",
                "west build -b mps2/an385 samples/selftest && west build -t run",
                "",
                "# In a workspace of yours: this folder as a project, or -DZEPHYR_EXTRA_MODULES=$PWD,",
                f"# and CONFIG_{symbol}=y in prj.conf.",
            ],
        ),
        "samples/selftest/CMakeLists.txt": _application(package),
        "samples/selftest/prj.conf": f"{_parts.heading()}CONFIG_{symbol}=y\nCONFIG_MAIN_STACK_SIZE=4096\n",
        "samples/selftest/sample.yaml": _sample(package),
        "samples/selftest/src/main.c": _parts.example(package),
        **_parts.placed(sources, include="include", src="src"),
    }


def _module(package: Package) -> str:
    return f"""\
{_parts.heading()}
name: edgekit_{package.name}
build:
  cmake: zephyr
  kconfig: zephyr/Kconfig
samples:
  - samples
"""


def _library(package: Package, sources: Mapping[str, str], symbol: str) -> str:
    files = "\n".join(f"    ../src/{file}" for file in _parts.compiled(sources))
    return f"""\
{_parts.heading()}
if(CONFIG_{symbol})
  zephyr_include_directories(../include)
  zephyr_library_named(edgekit_{package.name})
  zephyr_library_sources(
{files}
  )
  # A fused multiply-add rounds once where the model was tested with two roundings.
  zephyr_library_compile_options(-ffp-contract=off)
endif()
"""


def _kconfig(package: Package, symbol: str) -> str:
    return f"""\
{_parts.heading()}
config {symbol}
\tbool "The model {package.name}, as C without an interpreter"
\thelp
\t  Compile the model {package.name} {package.version}.
\t  {package.prefix}_ARENA_BYTES in {package.name}.h is the RAM that a run needs.
"""


def _manifest(package: Package) -> str:
    return f"""\
{_parts.heading()}
manifest:
  remotes:
    - name: zephyrproject-rtos
      url-base: https://github.com/zephyrproject-rtos
  projects:
    - name: zephyr
      remote: zephyrproject-rtos
      revision: v4.1.0
      import:
        name-allowlist:
          - cmsis
          - cmsis_6
"""


def _application(package: Package) -> str:
    return f"""\
{_parts.heading()}
cmake_minimum_required(VERSION 3.20.0)
list(APPEND ZEPHYR_EXTRA_MODULES "${{CMAKE_CURRENT_SOURCE_DIR}}/../..")
find_package(Zephyr REQUIRED HINTS $ENV{{ZEPHYR_BASE}})
project({package.name}_selftest C)
target_sources(app PRIVATE src/main.c)
"""


def _sample(package: Package) -> str:
    return f"""\
{_parts.heading()}
sample:
  name: The self-test of the model {package.name}
tests:
  edgekit.{package.name}.selftest:
    tags: edgekit
    integration_platforms:
      - mps2/an385
    harness: console
    harness_config:
      type: one_line
      regex:
        - "{package.name}: self-test passed"
"""
