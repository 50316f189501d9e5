"""The AAR in a Maven repository on disk, as build tools find it: Maven, and Gradle 4.4.1 without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
import zipfile
from pathlib import Path

import maven
import pytest
from java import java_missing
from tflite_files import dense_model, packed

import edgekit

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

VERSION = f"2.1.0-{uuid.uuid4().hex}"
"""Of its own in each run, as Maven keeps what it once saw."""
POM = """
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>app</groupId><artifactId>app</artifactId><version>1</version>
  <repositories><repository><id>models</id><url>file://{repository}</url></repository></repositories>
  <dependencies><dependency>
    <groupId>com.example.net</groupId><artifactId>net</artifactId><version>{version}</version><type>aar</type>
    <exclusions><exclusion>
      <groupId>org.tensorflow</groupId><artifactId>tensorflow-lite-api</artifactId>
    </exclusion></exclusions>
  </dependency></dependencies>
</project>
"""
BUILD = """
repositories {{
  maven {{ url 'file://{repository}' }}
}}
configurations {{ models }}
dependencies {{ models 'com.example.net:net:{version}@aar' }}
task unpack(type: Copy) {{
  from {{ configurations.models.collect {{ zipTree(it) }} }}
  into 'unpacked'
}}
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aar")
    model = folder / "dense.tflite"
    model.write_bytes(packed(dense_model()))
    options = {"package": "com.example.net", "name": "Net", "aar": True, "version": VERSION}
    edgekit.export(model, {"android": options}, folder / "repository")
    return folder / "repository"


def test_maven_takes_it_with_the_library_that_it_needs(repository: Path, tmp_path: Path) -> None:
    """TFLite's own POM calls its second library a jar, which it is not, so that Maven is told to leave it out."""
    library = "tensorflow-lite-2.16.1.aar"
    maven.fetched(library)
    (tmp_path / "pom.xml").write_text(POM.format(repository=repository, version=VERSION))
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={tmp_path / 'taken'}"]
    done = subprocess.run(["mvn", "-q", "-B", *goal], cwd=tmp_path, capture_output=True, text=True, check=False)
    shutil.rmtree(Path.home() / ".m2" / "repository" / "com" / "example" / "net" / VERSION, ignore_errors=True)
    assert done.returncode == 0, done.stdout[-3000:]
    taken = {path.name: path.read_bytes() for path in (tmp_path / "taken").iterdir()}
    assert set(taken) == {f"net-{VERSION}.aar", library}
    assert taken[f"net-{VERSION}.aar"] == next(repository.rglob("*.aar")).read_bytes()


def test_gradle_takes_it_and_unpacks_the_model_as_it_was(repository: Path, tmp_path: Path) -> None:
    if shutil.which("gradle") is None:
        assert not os.environ.get("CI"), "make device-tools installs gradle"
        pytest.skip("needs gradle: make device-tools installs it")
    (tmp_path / "build.gradle").write_text(BUILD.format(repository=repository, version=VERSION))
    (tmp_path / "settings.gradle").write_text("rootProject.name = 'app'\n")
    command = ["gradle", "--offline", "--no-daemon", "--quiet", "-g", str(tmp_path / "home"), "unpack"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with zipfile.ZipFile(next(repository.rglob("*.aar"))) as aar:
        for entry in aar.infolist():
            assert (tmp_path / "unpacked" / entry.filename).read_bytes() == aar.read(entry)
