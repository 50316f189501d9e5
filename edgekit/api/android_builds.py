"""`edgekit.init_android`: EdgeKit in an app's Gradle build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.api.traces import leaves_no_trace
from edgekit.errors import EdgekitError, UsageError
from edgekit.places import by_place
from edgekit.readable import Readable, Rows

__all__ = ["AndroidBuild", "init_android"]

SCHEMA = "edgekit.android-init/1"


@dataclass(frozen=True)
class AndroidBuild(Readable):
    """What was written for a Gradle build.

    Attributes:
        output: The folder.
        files: Paths in it, with "/".
        lines: Lines that belong into files of the user's own, which EdgeKit leaves alone, by what they are.
    """

    output: str
    files: tuple[str, ...]
    lines: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, with its schema name."""
        return {"schema": SCHEMA, "output": self.output, "files": list(self.files), "lines": dict(self.lines)}

    def title(self) -> str:
        """The folder and how many files are in it."""
        return f"{self.output}, {len(self.files)} file{'s' if len(self.files) > 1 else ''}"

    def rows(self) -> Rows:
        """The files, and the lines for files of the user's own."""
        return [*(("written", name) for name in self.files), *self.lines.items()]


@leaves_no_trace
def init_android(
    folder: str | Path,
    *,
    old: bool = False,
    agp: str | None = None,
    app: str | Path = "app",
    models: str | Path | None = None,
    module: str | Path | None = None,
    recipe: str | Path | None = None,
    asset: str | None = None,
    budget: Mapping[str, int | float] | None = None,
    overwrite: bool = False,
) -> AndroidBuild:
    """Put EdgeKit into an app's Gradle build, which then ships the models that `edgekit.lock` names and no others.

    Args:
        folder: The root folder of the Gradle project, which gets the included build `edgekit-gradle`; with `old` the
            app's folder, which gets the script `edgekit.gradle`.
        old: Write a script for Gradle 4.4 or later with an Android Gradle plugin before 8.2.
        agp: Version of the Android Gradle plugin; default that of the version catalogue or the root build file.
        app: The app's folder in the project, which the paths of its build file start from.
        models: The folder that holds the models; default src/main/assets of the app. They are copied into the app's
            assets, unless the folder is the assets folder of a module.
        module: Instead of `models`, a module that `edgekit.export` wrote, whose assets and lock are taken. With a
            recipe for its model, a rebuild exports it again.
        recipe: What makes the model, for `-Pedgekit.rebuild`.
        asset: Path of that model among the assets; by default the only model of the module, else the recipe's name.
        budget: Limits by the names of figures, for the models that a rebuild makes; default the recipe's.
        overwrite: Replace files that EdgeKit did not write, or that were changed since.

    Raises:
        UsageError: Both `models` and `module` are given, or an asset without a recipe.
        EdgekitError: It is no Gradle project or has no such app, its Android Gradle plugin is unknown or too old, a
            limit is none, the asset is no path in the assets, or a file would be overwritten.

    Example:
        print(edgekit.init_android("MyApp", recipe="digits.yaml").lines["build.gradle.kts of the app"])
    """
    from edgekit import ownership
    from edgekit.api.android import checked_budget
    from edgekit_converters.android.gradle import files
    from edgekit_converters.android.lock import FILE, asset_path, relative_path

    if module is not None and models is not None:
        raise UsageError(
            "The models lie in a folder, or in a module that an export wrote.",
            received=f"models {models} and module {module}",
            remedy="Leave one out.",
        )
    if asset is not None and recipe is None:
        raise UsageError(
            "An asset is named for the recipe that makes it.",
            received=f"asset {asset} without a recipe",
            remedy=f"Give {by_place(command='--recipe RECIPE', python='recipe=...')} too.",
        )
    root = Path(folder)
    build = root if old else root / app
    if module is not None:
        models = Path(module) / "src" / "main" / "assets"
        if recipe is not None and asset is None:
            asset = files.only_asset(Path(models))
    place = asset_path(asset or f"{Path(recipe).stem}.tflite") if recipe is not None else ""
    wrapper = files.wrapper(Path(module), place, build) if module is not None and recipe is not None else ()
    block = files.Block(
        models=relative_path(Path(models), build) if models is not None else "",
        lock=relative_path(Path(module) / FILE, build) if module is not None else "",
        recipe=relative_path(Path(recipe), build) if recipe is not None else "",
        asset=place,
        wrapper=wrapper,
        budget=checked_budget(budget or {}),
        project=files.project_path(Path(module), root) if module is not None and not old else "",
    )
    texts = files.old(root) if old else files.current(root, agp)
    if not build.is_dir():
        raise EdgekitError(
            "The paths in the lines for the app's build file start from its folder.",
            received=f"{build}, which is none",
            remedy=f"Name the app's folder with {by_place(command='--app', python='app=')}.",
        )
    output = root if old else root / files.FOLDER
    with ownership.publishing(output, overwrite=overwrite) as staging:
        for name, text in texts.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    kotlin = not (root / "settings.gradle").is_file()
    return AndroidBuild(str(output), tuple(sorted(texts)), files.lines(block, is_old=old, kotlin=kotlin))
