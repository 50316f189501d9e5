"""Packages of exported C sources: the files and the metadata that a build system of firmware expects, one a file.

A module here has one function, `arrange(package, sources)`, that gives the files of its package: the sources, what its
tool reads, and an example that prints the verdict of the self-test. Wherever the tool lets a package say so, floats are
compiled with -ffp-contract=off; where it does not, the sources with floats say it themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from edgekit import registry
from edgekit.errors import ConversionError, UsageError, did_you_mean
from edgekit_converters import packages
from edgekit_converters.identifiers import check_c_name

__all__ = ["Package", "arrange", "check_text", "check_version", "package_kinds"]

_VERSION = re.compile(r"(0|[1-9]\d{0,5})(\.(0|[1-9]\d{0,5})){2}")
_PLAIN = re.compile(r"[ -~]{1,200}")


@dataclass(frozen=True)
class Package:
    """What a package says of itself.

    Attributes:
        kind: Which build system, one of `package_kinds()`.
        name: What files and symbols of the sources start with.
        version: Three numbers, such as "1.0.0".
        description: One line of printable ASCII; "" for a sentence that says the name.
        author: Who publishes it, one line of printable ASCII.

    Raises:
        UsageError: No such kind.
        ConversionError: Another value is none that every build system takes.
    """

    kind: str
    name: str
    version: str = "1.0.0"
    description: str = ""
    author: str = "EdgeKit"

    def __post_init__(self) -> None:
        if self.kind not in package_kinds():
            raise UsageError(
                "No such package.", received=repr(self.kind), remedy=did_you_mean(self.kind, package_kinds())
            )
        for what, text, check in (
            ("name", self.name, check_c_name),
            ("version", self.version, check_version),
            ("description", self.about, check_text),
            ("author", self.author, check_text),
        ):
            try:
                check(text)
            except ValueError as error:
                raise ConversionError(f"The {what} of a package must fit: {error}.", received=repr(text)) from None

    @property
    def about(self) -> str:
        """The description."""
        return self.description or f"The model {self.name} as C sources without an interpreter, made by EdgeKit."

    @property
    def prefix(self) -> str:
        """What macros start with."""
        return self.name.upper()


def check_version(version: str) -> str:
    """The version of a package.

    Raises:
        ValueError: It is none that every build system takes.
    """
    if not _VERSION.fullmatch(version):
        raise ValueError("a version is three numbers, as 1.0.0")
    return version


def check_text(text: str) -> str:
    """What a package says in one line.

    Raises:
        ValueError: A build system would not take it.
    """
    if not _PLAIN.fullmatch(text) or text.strip() != text:
        raise ValueError("it is one line of up to 200 printable ASCII characters")
    return text


def package_kinds() -> list[str]:
    """What `Package.kind` may be, as the command line says it: "cmsis-pack"."""
    return [name.replace("_", "-") for name in registry.names(packages)]


def arrange(package: Package, sources: Mapping[str, str]) -> dict[str, str]:
    """The files of a package.

    Args:
        package: What it says of itself.
        sources: The text of each exported file by its name: NAME.h, NAME.c, NAME_selftest.c and more of that kind.

    Returns:
        The text of each file by its path relative to the package's folder, with "/" between the parts, sorted by path.

    Raises:
        ConversionError: A source has another name than exported ones have, or one of the three is missing.
    """
    form = re.compile(rf"{package.name}(_[a-z0-9_]+)?\.[ch]")
    wrong = sorted(name for name in sources if not form.fullmatch(name))
    needed = {f"{package.name}.h", f"{package.name}.c", f"{package.name}_selftest.c"}
    if wrong or not needed <= sources.keys():
        raise ConversionError(
            f"A package of {package.name} holds {', '.join(sorted(needed))} and more whose names start so.",
            received=", ".join(wrong or sorted(sources)) or "no sources",
        )
    module = import_module(f"{__name__}.{package.kind.replace('-', '_')}")
    files: dict[str, str] = module.arrange(package, sources)
    return dict(sorted(files.items()))
