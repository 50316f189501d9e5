"""The C texts of kernels: what stands in them, with the model's name in place of their prefix.

A kernel `NAME_int16` without a file of its own is `NAME.c` with values of 16 bits.

`conv_2d.c` is plain C99. Where `conv_2d_mve.c` or `conv_2d_dsp.c` lies beside it, which define the same function for
Helium and for the DSP extension, the preprocessor chooses: all give the same results.

What stands between `#ifdef EK_PART_NAME` and `#endif` is an optional part: it is written out where a step
needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources

from edgekit_converters.c import kernels
from edgekit_converters.c.steps import Step

__all__ = ["choice", "fields", "kernel_texts", "named"]

_PREFIX = re.compile(r"\b(ek|EK)_(?=\w)")
_DECLARATOR = re.compile(r"\*?(\w+)")
_FUNCTION = re.compile(r"^(?=static (?!const)[^=;]*\()", re.MULTILINE)
_BLOCKS = re.compile(r"\n\n(?=\S)")
_DEFINED = re.compile(r"^static [\w \*]*?\b(ek_\w+)\(", re.MULTILINE)
_PART = re.compile(r"#ifdef EK_PART_(\w+)")
_WIDER = "_int16"
_PATHS = ("mve", "dsp")
"""What a kernel may have a text of its own for, the first that the processor has is taken."""
_CHOICE = """\
/* EK_PORTABLE forces plain C99. */
#if !defined(EK_PORTABLE) && defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define EK_MVE
#include <arm_mve.h>
#elif !defined(EK_PORTABLE) && defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && !defined(__ARM_BIG_ENDIAN)
#define EK_DSP
#include <arm_acle.h>
#endif"""


def named(text: str, name: str) -> str:
    """A text with a model's name in place of `ek_`, and its upper case in place of `EK_`."""
    return _PREFIX.sub(lambda match: f"{name if match[1] == 'ek' else name.upper()}_", text)


def choice(steps: Iterable[Step]) -> str:
    """What chooses between plain C and a processor's extensions; empty where no kernel has a text for any."""
    return _CHOICE if any(_text(f"{name}_{path}") for name in _wanted(steps) for path in _PATHS) else ""


def kernel_texts(steps: Iterable[Step]) -> list[str]:
    """The texts that steps need, each once, what others are written on first; their functions are marked EK_CODE.

    Of texts that others are written on, functions that none of them calls are left out, and those that some processors
    do not call are for the others alone: compilers warn of functions that nobody calls.
    """
    steps = tuple(steps)
    called = {step.kernel for step in steps}
    kept: list[str] = []
    compiled: dict[str, str] = dict.fromkeys(("", *_PATHS), "")
    for name in reversed(_wanted(steps)):
        parts = _parts(name, steps)
        texts = {path: _kept(_text(f"{name}_{path}" if path else name), parts) for path in compiled}
        if name in called or _is_kernel(name, texts[""]):
            for path in compiled:
                compiled[path] += texts[path] or texts[""]
        else:  # what is plain is there for all: its callers come first
            texts = {path: _used(texts[path], path, compiled) for path in (*_PATHS, "")}
        kept.insert(0, _whole(name, texts))
    return [_FUNCTION.sub("EK_CODE ", text) for text in kept if text]


def _parts(name: str, steps: Iterable[Step]) -> frozenset[str] | None:
    """The optional parts of a text that steps need; None for all."""
    asked = [step.parts for step in steps if name == step.kernel or name in step.needs]
    known = [parts for parts in asked if parts is not None]
    return frozenset[str]().union(*known) if len(known) == len(asked) else None


def _kept(text: str, parts: frozenset[str] | None) -> str:
    """A text with those of its optional parts that are needed, without the lines that mark them."""
    kept: list[str] = []
    opened: list[str] = []  # every #if that is open: "" of the preprocessor's, the name of a part
    for line in text.splitlines():
        begun, ends = _PART.fullmatch(line), line.startswith("#endif")
        if begun is not None or line.startswith("#if"):
            opened.append("" if begun is None else begun[1])
        marks = begun is not None or (ends and opened[-1] != "")
        if not marks and all(not name or parts is None or name in parts for name in opened):
            kept.append(line)
        if ends:
            opened.pop()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _used(text: str, own: str, compiled: dict[str, str]) -> str:
    """A text without the functions that nothing calls.

    Args:
        text: Text of functions that others are written on.
        own: The extension that it is for; "" for any processor.
        compiled: What is compiled behind it, by extension, "" for none; what is kept of the text is added.
    """
    kept: list[str] = []
    for block in reversed(_BLOCKS.split(text)):
        function = _DEFINED.search(block)
        closed = block.count("#if") == block.count("#endif") and "#define" not in block and "#undef" not in block
        whole = function is not None and block.count("{") == block.count("}") > 0 and closed
        mine = [own] if own else list(compiled)
        if whole and function is not None:
            mine = [path for path in mine if re.search(rf"\b{function[1]}\b", compiled[path])]
        for path in mine:
            compiled[path] += f"\n{block}"
        if own in mine and (own or len(mine) == len(compiled)):
            kept.insert(0, block)
        elif mine:
            kept.insert(0, f"#if {_only(mine)}\n{block}\n#endif")
    return "\n\n".join(kept)


def _only(paths: Sequence[str]) -> str:
    """The condition that a processor is one of these."""
    with_any = " || ".join(f"defined(EK_{path.upper()})" for path in _PATHS if path in paths)
    others = " && ".join(f"!defined(EK_{path.upper()})" for path in _PATHS if path not in paths)
    return with_any if "" not in paths else others


@cache
def fields(kernel: str) -> Sequence[str]:
    """Names of the fields of a kernel's layer record, in the order of its C text."""
    found: list[str] = []
    for declaration in filter(None, map(str.strip, _record(kernel)[1].split(";"))):
        _, _, names = declaration.removeprefix("const ").partition(" ")
        found += [match[1] for part in names.split(",") if (match := _DECLARATOR.fullmatch(part.strip()))]
    return tuple(found)


def _wanted(steps: Iterable[Step]) -> list[str]:
    """Names of texts, what others are written on first: a kernel may be what another one is written on."""
    steps = tuple(steps)
    kernels_called = {step.kernel: None for step in steps}
    needed = {name: None for step in steps for name in step.needs}
    shared = [name for name in needed if name not in kernels_called and not _is_kernel(name, _text(name))]
    kernels_needed = [name for name in needed if name not in shared]
    return list(dict.fromkeys([*shared, *kernels_needed, *kernels_called]))


def _is_kernel(name: str, text: str) -> bool:
    """Whether a text has a record, and is called for a layer."""
    return f"ek_{name}_layer;" in text


def _whole(name: str, texts: Mapping[str, str]) -> str:
    """The text of a kernel with all its paths: the record, then one function for each.

    A text that others are written on has no record; one that only an extension has no plain text.
    """
    plain, paths = texts[""], [(path, texts[path]) for path in _PATHS if texts[path]]
    if not paths:
        return plain
    record = _record(name)[0] if _is_kernel(name, plain) else ""
    rest = plain.replace(record, "").strip()
    words = [
        f"#{'el' if number else ''}if defined(EK_{path.upper()})\n{text}" for number, (path, text) in enumerate(paths)
    ]
    words.append(f"#else\n{rest}\n#endif" if rest else "#endif")
    return "\n\n".join(filter(None, [record, *words])).replace("\n\n#e", "\n#e")


def _record(kernel: str) -> re.Match[str]:
    found = re.search(rf"typedef struct \{{(.*?)\}} ek_{kernel}_layer;", _text(kernel), re.DOTALL)
    if found is None:
        raise LookupError(f"{kernel}.c has no record ek_{kernel}_layer.")
    return found


@cache
def _text(name: str) -> str:
    """A file's text; empty where there is none."""
    file = resources.files(kernels) / f"{name}.c"
    if file.is_file():
        return file.read_text(encoding="utf-8").strip()
    plain = name.removesuffix(_WIDER)
    if plain == name or not _text(plain):
        return ""
    return re.sub(rf"\bek_{plain}(?=\W|_)", f"ek_{name}", _text(plain)).replace("int8_t", "int16_t")
