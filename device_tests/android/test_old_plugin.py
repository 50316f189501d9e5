"""The AAR in a library that Debian's Android plugin 2.2.2 builds: the one that comes without Google's Maven."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import maven
import pytest
from android_sdk import PLATFORM, TOOLS, make_sdk, need_plugin
from android_tools import run
from java import java_missing
from tflite_files import dense_model, packed

import edgekit

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

ROOT = """
buildscript {
  repositories { maven { url 'file:///usr/share/maven-repo' } }
  dependencies {
    classpath 'com.android.tools.build:gradle:2.2.2'
    classpath fileTree(dir: '/usr/share/java', include: [
      'gradle-debian-helper.jar', 'jaxb-*.jar', 'istack-commons-runtime.jar', 'txw2.jar',
      'stax-ex.jar', 'FastInfoset.jar'])
  }
}
"""
LIBRARY = f"""
apply plugin: 'com.android.library'
repositories {{
  maven {{ url 'REPOSITORY' }}
  flatDir {{ dirs 'libs' }}
}}
android {{
  compileSdkVersion {PLATFORM}
  buildToolsVersion '{TOOLS}'
  defaultConfig {{ minSdkVersion 24 }}
  compileOptions {{ sourceCompatibility JavaVersion.VERSION_1_8; targetCompatibility JavaVersion.VERSION_1_8 }}
}}
dependencies {{
  compile 'com.example.net:net:1.0.0@aar'
  compile ':tensorflow-lite-2.16.1@aar'
  compile ':tensorflow-lite-api-2.16.1@aar'
}}
"""
USE = """
package com.example.uses;

public final class Use {
  public static java.util.List<String> tested(android.content.Context context) throws java.io.IOException {
    com.example.net.Net net = com.example.net.Net.open(context);
    try {
      return net.selfTest();
    } finally {
      net.close();
    }
  }
}
"""


def test_a_library_takes_the_aar_with_its_classes_and_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_plugin()
    model, project = tmp_path / "dense.tflite", tmp_path / "project"
    model.write_bytes(packed(dense_model()))
    edgekit.export(model, {"android": {"package": "com.example.net", "name": "Net", "aar": True}}, tmp_path / "models")
    files = {
        "settings.gradle": "include ':lib'\n",
        "build.gradle": ROOT,
        "lib/build.gradle": LIBRARY.replace("REPOSITORY", (tmp_path / "models").as_uri()),
        "lib/src/main/AndroidManifest.xml": '<manifest package="com.example.uses" />\n',
        "lib/src/main/res/raw/note.txt": "without a resource this plugin looks in vain for a list of them\n",
        "lib/src/main/java/com/example/uses/Use.java": USE,
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    (project / "lib" / "libs").mkdir()
    for name in ("tensorflow-lite-2.16.1.aar", "tensorflow-lite-api-2.16.1.aar"):
        shutil.copy(maven.fetched(name), project / "lib" / "libs")
    monkeypatch.setenv("ANDROID_HOME", str(make_sdk(tmp_path / "sdk")))
    command = ["gradle", "--offline", "--no-daemon", "-g", tmp_path / "home", ":lib:assembleRelease"]
    run(*command, folder=project)
    with zipfile.ZipFile(project / "lib" / "build" / "outputs" / "aar" / "lib-release.aar") as built:
        (tmp_path / "classes.jar").write_bytes(built.read("classes.jar"))
    with zipfile.ZipFile(tmp_path / "classes.jar") as classes:
        assert "com/example/uses/Use.class" in classes.namelist()
    taken = list((project / "lib" / "build").rglob("exploded-aar/**/Net.tflite"))
    assert [path.read_bytes() for path in taken] == [model.read_bytes()]
