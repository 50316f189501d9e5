"""`edgekit android init`: what it writes, the lines that it shows, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tflite_files import dense_model, packed

import edgekit
from edgekit.cli import main
from edgekit.errors import EdgekitError, UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """As Android Studio makes one."""
    root = tmp_path / "My App"
    (root / "gradle").mkdir(parents=True)
    (root / "app").mkdir()
    (root / "app" / "build.gradle").touch()
    (root / "settings.gradle.kts").write_text("pluginManagement { }\n")
    (root / "gradle" / "libs.versions.toml").write_text('[versions]\nagp = "8.7.2"\n')
    return root


def test_a_current_project_gets_an_included_build_of_its_own_versions(project: Path, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in project.rglob("*") if p.is_file()}
    recipe = tmp_path / 'my "$digits".yaml'
    told = edgekit.init_android(project, recipe=recipe, models=tmp_path / "ml", budget={"model_bytes": 100_000})
    assert told.output == str(project / "edgekit-gradle")
    build = (project / "edgekit-gradle" / "build.gradle.kts").read_text()
    assert "libs.versions.agp.get()" in build and "@" not in build
    assert 'from(files("../gradle/libs.versions.toml"))' in (project / "edgekit-gradle/settings.gradle.kts").read_text()
    assert set(told.lines) == {"settings.gradle.kts", "build.gradle.kts of the app"}
    assert 'includeBuild("edgekit-gradle")' in told.lines["settings.gradle.kts"]
    block = told.lines["build.gradle.kts of the app"]
    assert 'models.set(file("../../ml"))' in block and 'budget("model_bytes", 100000)' in block
    assert r'recipe("my \"\$digits\".tflite", file("../../my \"\$digits\".yaml"))' in block
    assert {p: p.read_bytes() for p in before} == before
    assert edgekit.init_android(project).files == told.files


def test_a_module_gives_its_models_and_its_lock(project: Path) -> None:
    block = edgekit.init_android(project, module=project / "digits").lines["build.gradle.kts of the app"]
    assert 'models.set(file("../digits/src/main/assets"))\n    lock.set(file("../digits/edgekit.lock"))\n' in block


@pytest.mark.parametrize(("place", "path"), [("digits", ":digits"), ("ml/my $digits", ":ml:my $digits"), ("../x", "")])
def test_a_module_in_the_project_is_included_and_depended_on(place: str, path: str, project: Path) -> None:
    told = edgekit.init_android(project, module=project / place).lines
    settings, build = told["settings.gradle.kts"], told["build.gradle.kts of the app"]
    told_path = path.replace("$", "\\$")
    assert settings.endswith(f'}}\ninclude("{told_path}")\n') == bool(path)
    assert build.endswith(f'\ndependencies {{\n    implementation(project("{told_path}"))\n}}\n') == bool(path)
    (project / "settings.gradle.kts").rename(project / "settings.gradle")
    groovy = edgekit.init_android(project, module=project / place).lines["settings.gradle"]
    assert groovy.endswith(f"include '{path}'\n") == bool(path)


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_a_module_with_a_recipe_is_exported_again_by_a_rebuild(language: str, project: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(packed(dense_model()))
    options = {"package": "com.example.cats", "name": "Cats", "language": language}
    module = project / "my $cats"
    edgekit.export(tmp_path / "m.tflite", {"android": options}, module)
    for old in (False, True):
        folder = project / "app" if old else project
        told = edgekit.init_android(folder, old=old, module=module, recipe=tmp_path / "cats.yaml").lines
        block = told["build.gradle of the app" if old else "build.gradle.kts of the app"].replace("\\$", "$")
        quote = "'" if old else '"'
        line = "wrapper('edgekit/com.example.cats/Cats.tflite', file('../my $cats')"
        line += ", '--language', 'kotlin')" if language == "kotlin" else ")"
        assert line.replace("'", quote) in block
        assert "recipe('edgekit/com.example.cats/Cats.tflite', file('../../cats.yaml'))".replace("'", quote) in block


def test_its_sources_carry_this_version_and_no_marks(project: Path) -> None:
    told = edgekit.init_android(project)
    texts = [(project / "edgekit-gradle" / name).read_text() for name in told.files]
    assert not [text for text in texts if "@EDGEKIT@" in text or "@AGP@" in text or "@CATALOGUE@" in text]
    assert [text for text in texts if f'OLDEST = "{edgekit.__version__}"' in text]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("build.gradle.kts", 'plugins { id("com.android.application") version "8.2.0" apply false }'),
        ("build.gradle", "plugins {\n id 'com.android.application' version '8.2.0' apply false\n}"),
        ("build.gradle", "dependencies { classpath 'com.android.tools.build:gradle:8.2.0' }"),
    ],
)
def test_without_a_catalogue_the_version_is_the_build_files(name: str, text: str, project: Path) -> None:
    (project / "gradle" / "libs.versions.toml").unlink()
    (project / name).write_text(text)
    edgekit.init_android(project)
    assert 'gradle-api:" + "8.2.0"' in (project / "edgekit-gradle" / "build.gradle.kts").read_text()
    assert "versionCatalogs" not in (project / "edgekit-gradle" / "settings.gradle.kts").read_text()


def test_an_old_app_gets_a_script(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["android", "init", str(project / "app"), "--old", "--recipe", str(project / "it's.yaml"), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["files"]) == ("edgekit.android-init/1", ["edgekit.gradle"])
    assert told["lines"] == {
        "build.gradle of the app": "apply from: 'edgekit.gradle'\n\nedgekit {\n"
        "    recipe('it\\'s.tflite', file('../it\\'s.yaml'))\n}\n"
    }
    assert f"OLDEST = '{edgekit.__version__}'" in (project / "app" / "edgekit.gradle").read_text()


def test_a_file_of_the_users_is_left_alone(project: Path) -> None:
    mine = project / "edgekit-gradle" / "build.gradle.kts"
    mine.parent.mkdir()
    mine.write_text("// mine\n")
    with pytest.raises(EdgekitError, match="is not overwritten"):
        edgekit.init_android(project)
    assert mine.read_text() == "// mine\n" and [p.name for p in mine.parent.iterdir()] == ["build.gradle.kts"]
    edgekit.init_android(project, overwrite=True)
    assert "java-gradle-plugin" in mine.read_text()


@pytest.mark.parametrize(
    ("catalogue", "options", "words"),
    [
        ('[versions]\nagp = "8.1.4"\n', {}, "8.2 or newer.*8.1.4.*old=True"),
        ('[versions]\nkotlin = "2.0.0"\n', {}, "own version.*Received: none in.*agp="),
        ('[versions]\nagp = "8.7.2\\"; evil"\n', {}, "own version.*evil"),
        ("[versions\n", {}, "catalogue is TOML"),
        ('[versions]\nagp = "8.7.2"\n', {"agp": "latest"}, "own version.*latest"),
        ('[versions]\nagp = "8.7.2"\n', {"app": "none"}, "start from its folder.*none, which is none.*app="),
        ('[versions]\nagp = "8.7.2"\n', {"budget": {"model_byte": 3}}, "A budget limits figures.*Did you mean"),
        ('[versions]\nagp = "8.7.2"\n', {"budget": {"model_bytes": -3}}, "The limit of model_bytes must fit"),
        ('[versions]\nagp = "8.7.2"\n', {"recipe": "a.yaml", "asset": "..\\a.tflite"}, 'with "/" between'),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    catalogue: str, options: dict[str, Any], words: str, project: Path
) -> None:
    (project / "gradle" / "libs.versions.toml").write_text(catalogue)
    with pytest.raises(EdgekitError, match=words):
        edgekit.init_android(project, **options)
    assert not (project / "edgekit-gradle").exists()


def test_options_that_contradict_are_wrong_usage(project: Path) -> None:
    with pytest.raises(UsageError, match="Leave one out"):
        edgekit.init_android(project, models=project / "ml", module=project / "digits")
    with pytest.raises(UsageError, match="without a recipe.*recipe="):
        edgekit.init_android(project, asset="a.tflite")


def test_a_folder_without_gradle_is_refused(project: Path) -> None:
    with pytest.raises(EdgekitError, match="root folder of a Gradle project.*old=True"):
        edgekit.init_android(project / "app")
    with pytest.raises(EdgekitError, match="beside the build file.*MyApp/app"):
        edgekit.init_android(project, old=True)
    with pytest.raises(EdgekitError, match="beside the build file"):
        edgekit.init_android(project / "none", old=True)
    assert not (project / "none").exists() and not (project / "edgekit.gradle").exists()
