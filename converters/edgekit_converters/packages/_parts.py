"""What several packages hold: the sources in folders, an example, words about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgekit import __version__

if TYPE_CHECKING:
    from edgekit_converters.packages import Package

__all__ = [
    "CONTRACTION_OFF",
    "LICENSE",
    "arena",
    "compiled",
    "example",
    "guarded",
    "heading",
    "headers",
    "loop",
    "placed",
    "readme",
]

LICENSE = "Apache-2.0"
"""SPDX identifier of what EdgeKit writes; the weights stay under the licence of the model."""
CONTRACTION_OFF = """\
/* This kind of package cannot ask for -ffp-contract=off, without which a fused multiply-add rounds once where the model
   was tested with two roundings. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

"""


def heading(comment: str = "#") -> str:
    """The first lines of a file, which say what made it; no date."""
    return f"{comment} SPDX-License-Identifier: {LICENSE}\n{comment} Made by EdgeKit {__version__}.\n"


def headers(sources: Mapping[str, str]) -> list[str]:
    """Names of the headers, sorted."""
    return sorted(name for name in sources if name.endswith(".h"))


def compiled(sources: Mapping[str, str]) -> list[str]:
    """Names of what is compiled, sorted."""
    return sorted(name for name in sources if name.endswith(".c"))


def placed(sources: Mapping[str, str], *, include: str, src: str) -> dict[str, str]:
    """Headers in one folder, what is compiled in another."""
    return {f"{include if name.endswith('.h') else src}/{name}": text for name, text in sources.items()}


def guarded(sources: Mapping[str, str]) -> dict[str, str]:
    """The sources, where those with floats say themselves that nothing is contracted."""
    floats = re.compile(r"\b(float|double)\b")
    return {
        name: CONTRACTION_OFF + text if name.endswith(".c") and floats.search(text) else text
        for name, text in sources.items()
    }


def arena(package: Package) -> str:
    """The arena of an example in C++."""
    name, up = package.name, package.prefix
    return f"""\
#include <{name}.h>

alignas({up}_ARENA_ALIGN) static unsigned char arena[{up}_ARENA_BYTES] {up}_ARENA_ATTR;
"""


def loop(package: Package) -> str:
    """Arduino's loop, which prints the verdict of the self-test every few seconds."""
    name = package.name
    return f"""\
void loop() {{
  const int verdict = {name}_selftest(arena, sizeof arena);
  if (verdict == 0) {{
    Serial.println("{name}: self-test passed");
  }} else if (verdict > 0) {{
    Serial.print("{name}: self-test FAILED, samples that differ: ");
    Serial.println(verdict);
  }} else {{
    Serial.print("{name}: self-test FAILED, error of {name}.h: ");
    Serial.println(verdict);
  }}
  delay(5000);
}}
"""


def example(package: Package, *, function: str = "int main(void)") -> str:
    """A program in C99 that prints the verdict of the self-test on the standard output."""
    name, up = package.name, package.prefix
    return f"""\
/* SPDX-License-Identifier: {LICENSE} */
/* Made by EdgeKit {__version__}. Prints whether the model answers on this device as it must. */

#include <stdint.h>
#include <stdio.h>

#include "{name}.h"

/* C99 cannot ask for an alignment: there is room to begin where one is. */
static unsigned char memory[{up}_ARENA_BYTES + {up}_ARENA_ALIGN - 1] {up}_ARENA_ATTR;

{function}
{{
    uintptr_t begin = ((uintptr_t)memory + {up}_ARENA_ALIGN - 1) / {up}_ARENA_ALIGN * {up}_ARENA_ALIGN;
    int verdict = {name}_selftest((void *)begin, {up}_ARENA_BYTES);

    if (verdict == 0) {{
        printf("{name}: self-test passed\\n");
    }} else if (verdict > 0) {{
        printf("{name}: self-test FAILED, samples that differ: %d\\n", verdict);
    }} else {{
        printf("{name}: self-test FAILED, error %d of {name}.h\\n", verdict);
    }}
    return verdict == 0 ? 0 : 1;
}}
"""


def readme(package: Package, title: str, steps: Sequence[str]) -> str:
    """README.md: what the package is, and the commands that try it."""
    lines = "\n".join(f"    {step}" for step in steps)
    return f"""\
# {package.name} for {title}

{package.about}

Its example runs the self-test on the device and prints the verdict, `{package.name}: self-test passed`:

{lines}
"""
