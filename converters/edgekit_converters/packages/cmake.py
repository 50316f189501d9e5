"""cmake: a static library as a CMake project, for a host or by the toolchain file for Cortex-M that lies beside it."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit_converters.packages import Package, _parts

__all__ = ["arrange"]


def arrange(package: Package, sources: Mapping[str, str]) -> dict[str, str]:
    """The project, its example and the toolchain file."""
    return {
        "CMakeLists.txt": _lists(package, sources),
        "README.md": _parts.readme(
            package,
            "CMake",
            [
                f"cmake -S . -B build -D{package.prefix}_EXAMPLE=ON",
                f"cmake --build build && build/{package.name}_example",
                "",
                "# The library for a Cortex-M, with Arm's compiler:",
                "cmake -S . -B build-arm --toolchain cmake/arm-none-eabi.cmake -DCPU=cortex-m4",
                "cmake --build build-arm",
            ],
        ),
        "cmake/arm-none-eabi.cmake": _toolchain(),
        "example/main.c": _parts.example(package),
        **_parts.placed(sources, include="include", src="src"),
    }


def _lists(package: Package, sources: Mapping[str, str]) -> str:
    name, up = package.name, package.prefix
    files = "\n".join(f"  src/{file}" for file in _parts.compiled(sources))
    return f"""\
{_parts.heading()}
cmake_minimum_required(VERSION 3.16)
project({name} VERSION {package.version} LANGUAGES C)

add_library({name} STATIC
{files}
)
add_library({name}::{name} ALIAS {name})
target_include_directories({name} PUBLIC
  "$<BUILD_INTERFACE:${{CMAKE_CURRENT_SOURCE_DIR}}/include>"
  "$<INSTALL_INTERFACE:include>"
)
set_target_properties({name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)

# A fused multiply-add rounds once where the model was tested with two roundings.
if(MSVC)
  target_compile_options({name} PRIVATE /fp:precise)
else()
  target_compile_options({name} PRIVATE -ffp-contract=off)
endif()

# The functions of <math.h> that preprocessing calls.
if(UNIX OR CMAKE_SYSTEM_NAME STREQUAL "Generic")
  target_link_libraries({name} PUBLIC m)
endif()

option({up}_EXAMPLE "Build the program that prints the verdict of the self-test" OFF)
if({up}_EXAMPLE)
  add_executable({name}_example example/main.c)
  set_target_properties({name}_example PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)
  target_link_libraries({name}_example PRIVATE {name})
endif()

include(GNUInstallDirs)
install(TARGETS {name} EXPORT {name} ARCHIVE DESTINATION "${{CMAKE_INSTALL_LIBDIR}}")
install(DIRECTORY include/ DESTINATION include)
install(EXPORT {name} NAMESPACE {name}:: FILE {name}-config.cmake
  DESTINATION "${{CMAKE_INSTALL_LIBDIR}}/cmake/{name}")
"""


def _toolchain() -> str:
    return f"""\
{_parts.heading()}
# For Arm's bare-metal GNU compiler: cmake --toolchain cmake/arm-none-eabi.cmake -DCPU=cortex-m4
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CPU cortex-m4 CACHE STRING "What -mcpu says")
# Helium's vector registers are those of the FPU: with soft floats the compiler leaves both out.
set(abi soft)
if(CPU MATCHES "cortex-m(52|55|85)")
  set(abi hard)
endif()
set(FLOAT_ABI ${{abi}} CACHE STRING "What -mfloat-abi says: soft, softfp or hard, as all that is linked together")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CPU FLOAT_ABI)

set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_C_FLAGS_INIT "-mcpu=${{CPU}} -mthumb -mfloat-abi=${{FLOAT_ABI}} -ffunction-sections -fdata-sections")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG" CACHE STRING "")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--gc-sections --specs=rdimon.specs")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "")
endif()

# A program needs the board's own startup file and linker script: a library shows that the compiler works.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
"""
