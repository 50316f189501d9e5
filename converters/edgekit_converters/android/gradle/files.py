"""What a Gradle project gets from EdgeKit: the files, and the lines that the user puts into files of their own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgekit import __version__
from edgekit.errors import EdgekitError
from edgekit.files import read_limited
from edgekit.places import by_place
from edgekit_converters.android.lock import assets_in, relative_path

__all__ = ["FOLDER", "Block", "current", "lines", "old", "only_asset", "project_path", "wrapper"]

FOLDER = "edgekit-gradle"
"""The included build, in the root folder of the user's project."""
PLUGIN = "edgekit.android"
OLDEST_AGP = (8, 2)
_TEMPLATES = Path(__file__).parent / "templates"
_CATALOGUE = "gradle/libs.versions.toml"
_LARGEST = 1 << 20
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})[0-9A-Za-z.+-]{0,40}")
_WRAPPED = re.compile(r"edgekit/[^/]+/[^/]+\.tflite")
_IN_BUILD_FILE = re.compile(
    r"""(?:com\.android\.(?:application|library)["')]+\s*version\s*\(?["']|com\.android\.tools\.build:gradle:)([\w.+-]+)"""
)
_SHARED = '    versionCatalogs { create("libs") { from(files("../gradle/libs.versions.toml")) } }\n'


@dataclass(frozen=True)
class Block:
    """What the block `edgekit { }` of a build file says; what is empty is left to its default.

    Attributes:
        models: The folder of the models, relative to the build file, with "/".
        lock: The lock, in the same way.
        asset: Path of the recipe's model among the assets.
        recipe: Relative to the build file, with "/".
        wrapper: The module that a rebuild exports again, in the same way, and options of the export.
        budget: Limits by the names of figures.
        project: Path of the module in the Gradle project, such as ":digits"; empty where it lies elsewhere.
    """

    models: str = ""
    lock: str = ""
    asset: str = ""
    recipe: str = ""
    wrapper: tuple[str, ...] = ()
    budget: Mapping[str, int | float] = field(default_factory=dict)
    project: str = ""


def current(root: Path, agp: str | None = None) -> dict[str, str]:
    """Texts of the included build by their paths in it.

    Args:
        root: The root folder of the user's project.
        agp: Version of the Android Gradle plugin; None reads it from the version catalogue or the build file.

    Raises:
        EdgekitError: It is no Gradle project's root folder, its Android Gradle plugin is unknown or too old.
    """
    if not any((root / name).is_file() for name in ("settings.gradle.kts", "settings.gradle")):
        raise EdgekitError(
            "EdgeKit's plugin goes into the root folder of a Gradle project.",
            received=f"{root}, without settings.gradle or settings.gradle.kts",
            remedy="Give the folder where gradlew stands; for a build before Gradle 8.2 add "
            f"{by_place(command='--old', python='old=True')}.",
        )
    shared = _catalogued(root) if agp is None else None
    version = agp or shared or _in_build_file(root)
    _check_version(version, root)
    version_code = "libs.versions.agp.get()" if shared else f'"{version}"'
    texts = {}
    folder = _TEMPLATES / "current"
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".kts", ".java")):
        text = path.read_text(encoding="utf-8").replace("@EDGEKIT@", __version__).replace("@AGP@", version_code)
        texts[path.relative_to(folder).as_posix()] = text.replace("@CATALOGUE@", _SHARED if shared else "")
    return texts


def old(app: Path) -> dict[str, str]:
    """The script for builds before Gradle 8.2, by its name.

    Args:
        app: The app's folder.

    Raises:
        EdgekitError: No build file is there.
    """
    if not any((app / name).is_file() for name in ("build.gradle", "build.gradle.kts")):
        raise EdgekitError(
            "The script for old builds goes beside the build file of an app.",
            received=f"{app}, without build.gradle",
            remedy="Give the app's folder, such as MyApp/app.",
        )
    text = (_TEMPLATES / "old" / "edgekit.gradle").read_text(encoding="utf-8")
    return {"edgekit.gradle": text.replace("@EDGEKIT@", __version__)}


def lines(block: Block, *, is_old: bool, kotlin: bool) -> dict[str, str]:
    """What the user adds to files of their own, by what they are."""
    inside = "".join(f"    {line}\n" for line in _block(block, kotlin and not is_old))
    told = f"\nedgekit {{\n{inside}}}\n" if inside else ""
    ending = ".kts" if kotlin else ""
    if is_old:
        return {"build.gradle of the app": f"apply from: 'edgekit.gradle'\n{told}"}
    quote = '"' if kotlin else "'"
    plugin = f"id({quote}{PLUGIN}{quote})" if kotlin else f"id '{PLUGIN}'"
    build = f"plugins {{\n    {plugin}  // after Android's plugin\n}}\n{told}"
    include = f"includeBuild({quote}{FOLDER}{quote})"
    settings = f"pluginManagement {{\n    {include}  // the first line of the block that is there\n}}\n"
    if block.project:
        path = _quoted(block.project, kotlin)
        settings += f"include({path})\n" if kotlin else f"include {path}\n"
        build += f"\ndependencies {{\n    implementation(project({path}))\n}}\n"
    return {f"settings.gradle{ending}": settings, f"build.gradle{ending} of the app": build}


def only_asset(assets: Path) -> str | None:
    """The asset path of the model in a module; None where there is none yet, or several."""
    names = [name for name, _ in assets_in(assets)]
    return names[0] if len(names) == 1 else None


def project_path(module: Path, root: Path) -> str:
    """What Gradle calls a module in a project's folder, such as ":digits"; empty where it lies elsewhere."""
    path = relative_path(module, root)
    inside = path not in ("", ".") and path.split("/")[0] != ".." and not Path(path).is_absolute()
    return ":" + path.replace("/", ":") if inside and not re.search(r'[:\\<>"?*|]', path) else ""


def wrapper(module: Path, asset: str, build: Path) -> tuple[str, ...]:
    """What a rebuild exports a module again with; nothing for models that have no wrapper, as those of an AI pack.

    Args:
        module: The module's folder.
        asset: Path of its model among its assets.
        build: The folder of the build file.
    """
    if _WRAPPED.fullmatch(asset) is None:
        return ()
    options = ("--language", "kotlin") if (module / "src" / "main" / "kotlin").is_dir() else ()
    return (relative_path(module, build), *options)


def _block(block: Block, kotlin: bool) -> Iterator[str]:
    def quoted(text: str) -> str:
        return _quoted(text, kotlin)

    for name, path in (("models", block.models), ("lock", block.lock)):
        if path:
            yield f"{name}.set(file({quoted(path)}))" if kotlin else f"{name} = file({quoted(path)})"
    if block.recipe:
        yield f"recipe({quoted(block.asset)}, file({quoted(block.recipe)}))"
    if block.wrapper:
        module, *options = block.wrapper
        told = [quoted(block.asset), f"file({quoted(module)})", *map(quoted, options)]
        yield f"wrapper({', '.join(told)})"
    for figure, limit in block.budget.items():
        yield f"budget({quoted(figure)}, {limit})"


def _quoted(text: str, kotlin: bool) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    if kotlin:
        return '"' + escaped.replace('"', '\\"').replace("$", "\\$") + '"'
    return "'" + escaped.replace("'", "\\'") + "'"


def _catalogued(root: Path) -> str | None:
    """The version `agp` of the catalogue that Android Studio writes."""
    path = root / _CATALOGUE
    if not path.is_file():
        return None
    content = read_limited(path, most=_LARGEST, what="A version catalogue", error=EdgekitError)
    try:
        versions = tomllib.loads(content.decode("utf-8")).get("versions")
    except ValueError as error:
        raise EdgekitError("A version catalogue is TOML.", received=f"{path} ({error})") from None
    version = versions.get("agp") if isinstance(versions, dict) else None
    return version if isinstance(version, str) else None


def _in_build_file(root: Path) -> str | None:
    for name in ("build.gradle.kts", "build.gradle"):
        if (root / name).is_file():
            content = read_limited(root / name, most=_LARGEST, what="A build file", error=EdgekitError)
            match = _IN_BUILD_FILE.search(content.decode("utf-8", "replace"))
            if match:
                return match[1]
    return None


def _check_version(version: str | None, root: Path) -> None:
    match = _VERSION.fullmatch(version or "")
    if match is None:
        raise EdgekitError(
            "EdgeKit's plugin is compiled against the project's own version of the Android Gradle plugin.",
            received=f"{version!r}"
            if version
            else f"none in {root / _CATALOGUE} (versions, agp) or the root build file",
            remedy=f"Give it with {by_place(command='--agp, such as --agp 8.7.0', python='agp=')}.",
        )
    if (int(match[1]), int(match[2])) < OLDEST_AGP:
        raise EdgekitError(
            "EdgeKit's plugin needs the Android Gradle plugin 8.2 or newer.",
            received=version or "",
            remedy="Take the script for old builds, which goes into the app's folder: "
            f"{by_place(command='edgekit android init APP_FOLDER --old', python='init_android(APP_FOLDER, old=True)')}",
        )
