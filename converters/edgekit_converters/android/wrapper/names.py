"""Names and texts in Java and Kotlin sources: identifiers that compile, literals that no text can break out of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgekit.errors import ConversionError
from edgekit_converters.preprocessing.literals import digits

__all__ = [
    "camel",
    "check_class_name",
    "check_library",
    "check_package",
    "check_version",
    "chunks",
    "comment",
    "number",
    "text",
    "unique",
]

# The keywords of both languages, with the literals; words that Kotlin reserves only in places are fine as names.
RESERVED = frozenset(
    "abstract as assert boolean break byte case catch char class const continue default do double else enum extends "
    "false final finally float for fun goto if implements import in instanceof int interface is long native new null "
    "object package private protected public return short static strictfp super switch synchronized this throw throws "
    "transient true try typealias typeof val var void volatile when while _".split()
)
_SPECIAL = re.compile(r'[^ -~]|["\\$]')
"""Characters that are not themselves in every literal."""
_CHUNK = 10_000
"""Characters of one literal: a class file holds 65,535 bytes of one, and a character takes at most 6."""
TAKEN = frozenset(
    "Accelerator CompatibilityList CompiledModel GpuDelegate LinkageError LiteRtException TensorBuffer Thread "
    "Any Array ArrayList AssetFileDescriptor AssetManager AutoCloseable Bitmap Boolean Buffer BuildConfig Byte "
    "ByteArray ByteArrayOutputStream ByteBuffer ByteOrder Character Charset Closeable Context DataType Delegate Double "
    "Exception Executor File FileChannel FileInputStream Float FloatArray HashMap IOException "
    "IllegalArgumentException IllegalStateException IndexOutOfBoundsException InputStream Int Integer Interpreter "
    "Labels LazyThreadSafetyMode List Long Map Math MessageDigest NoSuchAlgorithmException Object Options Outcome "
    "Override R Runnable RuntimeException Short String StringBuilder System Tensor Throwable Throws Unit Work "
    "BitmapRows BooleanArray Buffers ByteRows Charsets Companion FloatRows FrameRows IntArray IntRange MutableList "
    "Rows T ASSET DTYPES EDGEKIT_VERSION END END_BYTES ENTRY ENTRY_BYTES EXACT FILE GPU INPUT INPUT_BYTES "
    "INPUT_ELEMENTS INPUT_WIDTHS MAGIC MEMBER_BYTES MODEL_BYTES MOST_LINES NAMES OUTPUT OUTPUT_ELEMENTS SHA256 SIGNS "
    "UPPER UTF_8 WORDS".split()
)
"""Names of types and constants that the sources of a wrapper use, or that Android's build makes in the same package."""


def check_package(name: str) -> str:
    """A package that Android takes: at least two parts, each an identifier of ASCII.

    Raises:
        ValueError: It is none.
    """
    parts = name.split(".")
    bad = next((p for p in parts if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", p) or p in RESERVED), None)
    if len(parts) < 2 or bad is not None or len(name) > 200:
        raise ValueError("a package has two parts or more, such as com.example.digits, none a keyword")
    return name


def check_class_name(name: str) -> str:
    """A class name as Java writes it.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,79}", name):
        raise ValueError("a class is called like DigitClassifier: a capital letter, then up to 79 letters and digits")
    if name in TAKEN:
        raise ValueError(f"a class is called like DigitClassifier; {name} is a name that the sources use themselves")
    return name


def check_library(name: str) -> str:
    """A Maven artifact with its version."""
    if len(name) > 200 or not re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.+-]+", name, re.ASCII):
        raise ValueError("a library is GROUP:ARTIFACT:VERSION, such as org.tensorflow:tensorflow-lite:2.16.1")
    return name


def check_version(name: str) -> str:
    """The version of an artifact, which is a folder too."""
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,39}", name):
        raise ValueError("a version is of letters, digits and . + -, such as 1.0.0, 40 at most")
    return name


def camel(name: str) -> str:
    """`serving_default_left_image:0` -> `LeftImage`; "" where nothing is left that an identifier may hold."""
    bare = re.sub(r"^serving_default_|:\d+$", "", name)
    words = [w for w in re.split(r"[^A-Za-z0-9]+", bare) if w]
    joined = "".join(w[0].upper() + w[1:] for w in words)
    return joined if joined[:1].isalpha() and len(joined) <= 60 else ""


def unique(names: Sequence[str], fallback: str) -> list[str]:
    """Identifiers in camel case for tensors, all different: where two would be the same or one empty, all by number."""
    told = [camel(name) for name in names]
    lower = {name.lower() for name in told}
    if "" in told or len(lower) < len(told):
        return [f"{fallback}{number}" for number in range(len(names))]
    return told


def text(value: str, *, kotlin: bool = False) -> str:
    """A string literal in pure ASCII; in Kotlin, a dollar sign starts no template."""
    return '"' + _SPECIAL.sub(lambda c: "".join(_escaped(unit, kotlin) for unit in _utf16(c[0])), value) + '"'


def number(value: float) -> str:
    """The literal of the nearest float32."""
    return f"{digits(value)}f"


def chunks(values: Sequence[str], *, kotlin: bool = False) -> list[str]:
    """Literals that, joined and split at line feeds, give the texts: a method holds no array of 10,000 texts.

    Raises:
        ConversionError: A text holds a line feed.
    """
    if any("\n" in value for value in values):
        raise ConversionError("A name on the device is one line.", received=repr(next(v for v in values if "\n" in v)))
    joined = "\n".join(values)
    return [text(joined[start : start + _CHUNK], kotlin=kotlin) for start in range(0, max(1, len(joined)), _CHUNK)]


def comment(value: str) -> str:
    """A text inside a comment: printable ASCII that cannot end it."""
    plain = value.encode("ascii", "replace").decode()
    return "".join(c if c.isprintable() else "?" for c in plain).replace("*/", "* /").replace("\\u", "\\ u")


def _utf16(value: str) -> list[int]:
    raw = value.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


def _escaped(unit: int, kotlin: bool) -> str:
    plain = chr(unit)
    if plain in '"\\' or (kotlin and plain == "$"):
        return f"\\{plain}"
    if 0x20 <= unit < 0x7F:
        return plain
    if unit == 0x0A:
        return "\\n"
    if unit == 0x0D:
        return "\\r"
    return f"\\u{unit:04x}"
