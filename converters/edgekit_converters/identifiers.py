"""Names of exports that go into C and C++ sources: prefixes of symbols, and names of files."""

from __future__ import annotations

import re

__all__ = ["SPDX", "check_c_name"]

_KEYWORDS = frozenset(
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class "
    "co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype "
    "default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline "
    "int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
    "reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch "
    "template this thread_local throw true try typedef typeid typename typeof union unsigned using virtual void "
    "volatile wchar_t while xor xor_eq".split()
)
"""Of C up to C23 and C++ up to C++20, as far as they are in lower case."""
_HEADERS = frozenset(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype "
    "arm_acle arm_mve".split()
)
"""NAME.h would be read in place of the standard's own header of that name."""
_DEVICES = frozenset({"aux", "con", "nul", "prn", *(f"{device}{i}" for device in ("com", "lpt") for i in range(10))})
"""Files that Windows has not, whatever their extension."""
_TAKEN = {"a keyword of C or C++": _KEYWORDS, "a header of C": _HEADERS, "a device of Windows": _DEVICES}

SPDX = "SPDX-License-Identifier: Apache-2.0"
"""Of what EdgeKit writes; the weights in it stay under the licence of the model."""


def check_c_name(name: str) -> str:
    """A name that symbols in C and C++ may start with, and files may have.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or "__" in name:
        raise ValueError(
            "a name in C is a lower-case letter, then up to 39 lower-case letters, digits and single underscores"
        )
    for what, taken in _TAKEN.items():
        if name in taken:
            raise ValueError(
                f"a name in C is free for files and symbols, and this is {what}; call it {name}_model, say"
            )
    return name
