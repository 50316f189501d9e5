"""What a package holds that its checks ask for, read once: models, native libraries, the manifest's API level."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from edgekit import tflite
from edgekit.errors import EdgekitError, ModelError
from edgekit_converters.android.built import elf, manifests, protobuf
from edgekit_converters.android.built.packages import Entry, Package
from edgekit_converters.android.lock import Lock

__all__ = ["Facts", "Library", "PackagedModel", "asset_of", "gather"]

_LARGEST_LIBRARY = 512 << 20
_MOST_MODELS = 1000
_MOST_FOLD = 200
"""How often its own size the models of a package may inflate to, above `_SMALL_TOTAL`; weights stay far below."""
_SMALL_TOTAL = 256 << 20
_MOST_LIBRARIES = 2000
_MODELS_TOTAL = 4 << 30
_MOST_GLOBS = 500
_LIBRARY = re.compile(r"(?:[^/]+/)?(?:lib|jni)/([A-Za-z0-9_-]+)/[^/]+\.so")
_RUNTIME = re.compile(r"lib(?:tensorflowlite|litert)[a-z0-9_]*\.so", re.IGNORECASE)
# Delegates, and the door to a runtime that comes with the device.
_NO_RUNTIME = re.compile(r".*(?:gpu|hexagon|nnapi|flex|qnn|gms).*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class PackagedModel:
    """A `.tflite` in a package.

    Attributes:
        entry: The member.
        asset: Its path in the app's assets; None where it lies elsewhere, such as in res/raw.
        content: Its bytes, inflated.
        sha256: Their hex digest.
    """

    entry: Entry
    asset: str | None
    content: bytes
    sha256: str

    def read(self) -> tflite.Model | ModelError:
        """The model, or what is wrong with it."""
        try:
            return tflite.read(self.content)
        except ModelError as error:
            return error


@dataclass(frozen=True)
class Library:
    """A native library.

    Attributes:
        entry: The member.
        abi: Such as "arm64-v8a".
        alignments: Bytes, of its loaded segments; empty where they are not known.
        damage: Why they are not known; empty where nobody asks, as for 32-bit libraries.
        runtime: It is TFLite's own.
        version: The TFLite version that its bytes name; None where that is unknown.
    """

    entry: Entry
    abi: str
    alignments: tuple[int, ...]
    damage: str
    runtime: bool
    version: str | None


@dataclass(frozen=True, eq=False)
class Facts:
    """A package, what it holds, and the lock that it is held to.

    Attributes:
        lock: None where none was given.
        min_sdk: The API level that it asks for; None where the manifest does not say.
        manifest_damage: Why the manifest does not say; empty where it does, or has no such entry.
        uncompressed: Globs of what a bundle's APKs store; empty for APK and AAR.
        library_pages: What a bundle says of stored native libraries: 0 nothing, 1 pages of 4 KB, 2 of 16 KB, 3 of
            64 KB; None where they are deflated.
        dex_versions: Versions of the dex files, such as "035".
    """

    package: Package
    models: tuple[PackagedModel, ...]
    libraries: tuple[Library, ...]
    lock: Lock | None
    min_sdk: int | None
    manifest_damage: str
    uncompressed: tuple[str, ...]
    library_pages: int | None
    dex_versions: tuple[str, ...]

    @property
    def runtimes(self) -> tuple[Library, ...]:
        """TFLite's own libraries."""
        return tuple(library for library in self.libraries if library.runtime)


def gather(package: Package, lock: Lock | None) -> Facts:
    """Read what the checks ask for.

    Raises:
        EdgekitError: A member is damaged or too large, or there are too many.
    """
    models = tuple(_models(package))
    libraries = tuple(_libraries(package))
    level, damage = None, ""
    try:
        level = manifests.min_sdk(package)
    except ValueError as error:
        damage = str(error)
    globs, pages = _bundle_config(package)
    return Facts(package, models, libraries, lock, level, damage, globs, pages, _dex_versions(package))


def asset_of(package: Package, name: str) -> str | None:
    """The asset path of a member; None where it is no asset."""
    parts = name.split("/")[1 if package.kind == "aab" else 0 :]
    return "/".join(parts[1:]) if len(parts) > 1 and parts[0] == "assets" else None


def _models(package: Package) -> Iterator[PackagedModel]:
    """Members that are named as a model, and assets and resources that begin as one."""
    count = total = 0
    for entry in package.entries:
        asset = asset_of(package, entry.name)
        resource = "/res/" in f"/{entry.name}"
        named = entry.name.lower().endswith(".tflite")
        if not named and not ((asset or resource) and entry.size > 8 and package.start(entry, 8)[4:] == b"TFL3"):
            continue
        count, total = count + 1, total + entry.size
        if count > _MOST_MODELS or total > _MODELS_TOTAL:
            raise EdgekitError(
                f"A package has at most {_MOST_MODELS:,} models of {_MODELS_TOTAL >> 30} GiB together.",
                received=f"{package.path} with more",
            )
        if total > max(_SMALL_TOTAL, _MOST_FOLD * package.size):
            raise EdgekitError(
                f"The models of a package inflate to at most {_MOST_FOLD} times its size.",
                received=f"{package.path} of {package.size:,} bytes, whose models would inflate to {total:,} or more",
                remedy="Do not open it: a zip bomb is made so. Build it again from models that you know.",
            )
        content = package.read(entry)
        yield PackagedModel(entry, asset, content, hashlib.sha256(content).hexdigest())


def _libraries(package: Package) -> Iterator[Library]:
    found = [(entry, match[1]) for entry in package.entries if (match := _LIBRARY.fullmatch(entry.name))]
    if len(found) > _MOST_LIBRARIES:
        raise EdgekitError(
            f"A package has at most {_MOST_LIBRARIES:,} native libraries.", received=f"{package.path}, {len(found):,}"
        )
    for entry, abi in found:
        alignments: tuple[int, ...] = ()
        damage, version = "", None
        if abi in elf.PAGED:
            try:
                alignments = elf.load_alignments(package.start(entry, elf.HEAD))
            except ValueError as error:
                damage = str(error)
        name = entry.name.rpartition("/")[2]
        runtime = bool(_RUNTIME.fullmatch(name)) and not _NO_RUNTIME.fullmatch(name)
        if runtime and entry.size <= _LARGEST_LIBRARY:
            version = elf.runtime_version(package.read(entry, _LARGEST_LIBRARY))
        yield Library(entry, abi, alignments, damage, runtime, version)


def _bundle_config(package: Package) -> tuple[tuple[str, ...], int | None]:
    """Of BundleConfig.pb: compression 3 {uncompressed_glob 1}; optimizations 2 {uncompress_native_libraries 2 {enabled
    1, alignment 2}} (bundletool, config.proto).
    """
    entry = package.find("BundleConfig.pb") if package.kind == "aab" else None
    if entry is None:
        return (), None
    try:
        data = package.read(entry, 1 << 20)
        globs = [value.decode("utf-8") for value in protobuf.messages(protobuf.message(data, 3) or b"", 1)]
        native = protobuf.message(protobuf.message(data, 2) or b"", 2) or b""
        pages = protobuf.number(native, 2) if protobuf.number(native, 1) else None
        if len(globs) > _MOST_GLOBS:
            raise ValueError(f"{len(globs):,} globs, and {_MOST_GLOBS} are the most")
    except ValueError as error:
        raise EdgekitError(
            "A bundle's BundleConfig.pb is a protocol buffer.", received=f"{package.path} ({error})"
        ) from None
    return tuple(globs), pages


def _dex_versions(package: Package) -> tuple[str, ...]:
    dexes = [e for e in package.entries if re.fullmatch(r"(?:base/dex/)?classes[0-9]*\.dex", e.name)]
    starts = [package.start(entry, 8) for entry in dexes[:1000]]
    return tuple(start[4:7].decode("ascii", "replace") for start in starts)
