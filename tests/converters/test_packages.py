"""Packages of exported C sources: whole, the same bytes each time, and their examples print the true verdict."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import pytest
import yaml
from small_export import small_export

from edgekit.errors import ConversionError, EdgekitError, UsageError
from edgekit_converters.packages import Package, arrange, package_kinds
from edgekit_converters.packages._parts import CONTRACTION_OFF

SIGNATURES = Path(__file__).parents[1] / "support" / "firmware_signatures"
KINDS = ("arduino", "cmake", "cmsis-pack", "esp-idf", "platformio", "zephyr")
FLAG = "-ffp-contract=off"
FUSED = ["-mfma"] if re.search(r"\bfma\b", Path("/proc/cpuinfo").read_text()) else []
"""Lets the compiler fuse a product with a sum, as it does for a core with an FPU."""
AWKWARD = """Says "less" & <more>, 100 % of $it: #1 \\ 'two'"""


def tool(name: str) -> str:
    if shutil.which(name) is None:
        reason = f"{name} is not installed"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return name


def written(kind: str, folder: Path, *, right: bool = True, description: str = "") -> Path:
    package = Package(kind, "net", description=description)
    for path, text in arrange(package, small_export(right=right)).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def said(command: Sequence[object], *, cwd: Path | None = None) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_kinds_are_those_of_the_command_line() -> None:
    assert tuple(package_kinds()) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_whole_and_the_same_each_time(kind: str) -> None:
    sources = small_export()
    made = arrange(Package(kind, "net"), sources)
    assert list(made) == sorted(made) and made == arrange(Package(kind, "net"), dict(reversed(sources.items())))
    for path, text in made.items():
        assert not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
        assert text.endswith("\n") and text.isascii() and "\r" not in text and not re.search(r"\b20\d\d-\d\d", text), (
            path
        )
    for name, text in sources.items():
        (path,) = (p for p in made if PurePosixPath(p).name == name)
        assert made[path].removeprefix(CONTRACTION_OFF) == text
    assert "net: self-test passed" in made["README.md"]
    assert any(FLAG in text for text in made.values())
    assert any("net_selftest(" in text for path, text in made.items() if PurePosixPath(path).name not in sources)


@pytest.mark.parametrize("kind", ["arduino", "cmsis-pack"])
def test_where_a_package_has_no_flags_the_sources_with_floats_turn_contraction_off(kind: str) -> None:
    made = arrange(Package(kind, "net"), small_export())
    assert made["src/net_preprocess.c"].startswith(CONTRACTION_OFF)
    assert not made["src/net.c"].startswith(CONTRACTION_OFF), "there is nothing to contract"


@pytest.mark.skipif(not FUSED, reason="this processor has no fused multiply-add")
def test_the_small_export_notices_contraction(tmp_path: Path) -> None:
    folder = written("cmake", tmp_path)
    command = [tool("gcc"), "-O2", *FUSED, "-Iinclude", "example/main.c", *sources(folder), "-lm", "-o", "program"]
    said(command, cwd=folder)
    assert "FAILED" in subprocess.run([folder / "program"], capture_output=True, text=True).stdout


def sources(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in (folder / "src").glob("*.c"))


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("kind", ["arduino", "cmsis-pack", "platformio"])
def test_the_example_prints_the_verdict(kind: str, right: bool, tmp_path: Path) -> None:
    folder = written(kind, tmp_path, right=right)
    flags = [flag for flag in json.loads((folder / "library.json").read_text())["build"]["flags"]] if (
        kind == "platformio"
    ) else []  # fmt: skip
    said([tool("gcc"), "-c", "-O2", *FUSED, *flags, "-Iinclude", *sources(folder)], cwd=folder)
    objects = sorted(folder.glob("*.o"))
    if kind == "cmsis-pack":
        said(
            ["gcc", "-std=c99", "-Wall", "-Wextra", "-Iinclude", "templates/main.c", *objects, "-lm", "-o", "program"],
            cwd=folder,
        )
    else:
        main = folder / ("examples/SelfTest/SelfTest.ino" if kind == "arduino" else "examples/selftest/src/main.cpp")
        includes = ["-include", SIGNATURES / "Arduino.h"] if kind == "arduino" else []
        warnings = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-Isrc"]
        said(
            [tool("g++"), *warnings, *includes, "-x", "c++", main, "-x", "none", *objects, "-o", "program"], cwd=folder
        )
    printed = subprocess.run([folder / "program"], capture_output=True, text=True).stdout
    assert printed.startswith("net: self-test passed" if right else "net: self-test FAILED"), printed


def test_an_example_for_boards_with_arduino_is_the_same_program(tmp_path: Path) -> None:
    folder = written("platformio", tmp_path)
    said([tool("gcc"), "-c", "-O2", "-Iinclude", *sources(folder)], cwd=folder)
    command = ["g++", "-std=c++11", "-DARDUINO=1", f"-I{SIGNATURES}", "-Iinclude", "examples/selftest/src/main.cpp"]
    said([*command, *sorted(folder.glob("*.o")), "-o", "program"], cwd=folder)
    assert said([folder / "program"]) == "net: self-test passed\n"


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
def test_cmake_builds_installs_and_finds_the_library(right: bool, tmp_path: Path) -> None:
    folder = written("cmake", tmp_path / "net", right=right)
    configure = [tool("cmake"), "-S", folder, "-B", tmp_path / "build", "-DNET_EXAMPLE=ON"]
    said([*configure, f"-DCMAKE_C_FLAGS={' '.join(['-O2', *FUSED])}", f"-DCMAKE_INSTALL_PREFIX={tmp_path / 'prefix'}"])
    said(["cmake", "--build", tmp_path / "build"])
    done = subprocess.run([tmp_path / "build" / "net_example"], capture_output=True, text=True)
    assert done.returncode == (0 if right else 1) and ("passed" if right else "FAILED") in done.stdout
    said(["cmake", "--install", tmp_path / "build"])
    user = tmp_path / "user"
    user.mkdir()
    (user / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(user C)\nfind_package(net REQUIRED)\n"
        f"add_executable(user {folder}/example/main.c)\ntarget_link_libraries(user PRIVATE net::net)\n"
    )
    said(["cmake", "-S", user, "-B", user / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'prefix'}"])
    said(["cmake", "--build", user / "build"])
    assert "net: self-test" in subprocess.run([user / "build" / "user"], capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("kind", "inside", "example"),
    [("esp-idf", ".", "examples/selftest/main/main.c"), ("zephyr", "zephyr", "samples/selftest/src/main.c")],
)
def test_what_a_system_includes_makes_the_library(kind: str, inside: str, example: str, tmp_path: Path) -> None:
    folder, user = written(kind, tmp_path / "net"), tmp_path / "user"
    user.mkdir()
    (user / "start.c").write_text("void app_main(void);\nint main(void) { app_main(); return 0; }\n")
    more = "start.c" if kind == "esp-idf" else ""
    (user / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.16)\nproject(user C)\ninclude({SIGNATURES / 'functions.cmake'})\n"
        f"set(CONFIG_EDGEKIT_NET y)\nadd_subdirectory({(folder / inside).resolve()} net)\n"
        f"add_executable(user {folder / example} {more})\ntarget_link_libraries(user PRIVATE component m)\n"
    )
    said([tool("cmake"), "-S", user, "-B", user / "build", f"-DCMAKE_C_FLAGS={' '.join(['-O2', *FUSED])}"])
    said(["cmake", "--build", user / "build"])
    assert said([user / "build" / "user"]) == "net: self-test passed\n"


@pytest.mark.parametrize("description", ["", AWKWARD], ids=["plain", "awkward"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_metadata_is_what_the_tool_reads(kind: str, description: str, tmp_path: Path) -> None:
    folder = written(kind, tmp_path, description=description)
    about = description or Package(kind, "net").about
    METADATA[kind](folder, about)


def arduino(folder: Path, about: str) -> None:
    lines = (folder / "library.properties").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert len(told) == len(lines) and told["sentence"] == about
    assert told["name"] == "net" and told["version"] == "1.0.0" and told["architectures"] == "*"
    assert told.keys() >= {"author", "maintainer", "paragraph", "url"} and told["category"] == "Data Processing"
    assert (folder / "src" / told["includes"]).is_file()
    assert all(re.fullmatch(r"net_\w+\tKEYWORD2", line) for line in (folder / "keywords.txt").read_text().splitlines())


def cmake(folder: Path, about: str) -> None:
    lists = (folder / "CMakeLists.txt").read_text()
    assert "project(net VERSION 1.0.0 LANGUAGES C)" in lists and about in (folder / "README.md").read_text()
    assert set(re.findall(r"^  (src/\S+)$", lists, re.MULTILINE)) == {f for f in files(folder) if f.startswith("src/")}


def cmsis_pack(folder: Path, about: str) -> None:
    root = ElementTree.parse(folder / "EdgeKit.net.pdsc").getroot()
    assert (root.findtext("vendor"), root.findtext("name"), root.findtext("description")) == ("EdgeKit", "net", about)
    assert [release.get("version") for release in root.iter("release")] == ["1.0.0"]
    listed = {file.get("name"): file.get("category") for file in root.iter("file")}
    assert {name for name in listed if not str(name).endswith("/")} == files(folder) - {"README.md", "EdgeKit.net.pdsc"}
    assert listed["include/"] == "include" and set(listed.values()) == {"include", "header", "source"}


def esp_idf(folder: Path, about: str) -> None:
    told = yaml.safe_load((folder / "idf_component.yml").read_text())
    assert told["version"] == "1.0.0" and told["description"] == about
    assert told["dependencies"] == {"idf": ">=4.4"}
    assert set(re.findall(r'"(src/\S+)"', (folder / "CMakeLists.txt").read_text())) == {
        file for file in files(folder) if file.startswith("src/")
    }


def platformio(folder: Path, about: str) -> None:
    told = json.loads((folder / "library.json").read_text())
    assert told["name"] == "net" and told["version"] == "1.0.0" and told["description"] == about
    assert told["build"]["flags"] == [FLAG]
    assert all((folder / told["build"]["includeDir"] / header).is_file() for header in told["headers"])
    assert all((folder / e["base"] / file).is_file() for e in told["examples"] for file in e["files"])


def zephyr(folder: Path, about: str) -> None:
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert module["build"] == {"cmake": "zephyr", "kconfig": "zephyr/Kconfig"} and module["name"] == "edgekit_net"
    assert about in (folder / "README.md").read_text()
    assert "config EDGEKIT_NET\n\tbool " in (folder / "zephyr" / "Kconfig").read_text()
    assert "CONFIG_EDGEKIT_NET=y\n" in (folder / "samples" / "selftest" / "prj.conf").read_text()
    sample = yaml.safe_load((folder / "samples" / "selftest" / "sample.yaml").read_text())
    (test,) = sample["tests"].values()
    assert test["harness_config"]["regex"] == ["net: self-test passed"]
    west = yaml.safe_load((folder / "west.yml").read_text())
    assert [project["name"] for project in west["manifest"]["projects"]] == ["zephyr"]
    listed = set(re.findall(r"\.\./(src/\S+)", (folder / "zephyr" / "CMakeLists.txt").read_text()))
    assert listed == {file for file in files(folder) if file.startswith("src/")}


METADATA = {
    "arduino": arduino, "cmake": cmake, "cmsis-pack": cmsis_pack, "esp-idf": esp_idf, "platformio": platformio,
    "zephyr": zephyr,
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "error", "rule"),
    [
        ({"kind": "arduinoo"}, UsageError, "Did you mean 'arduino'"),
        ({"name": "Net"}, ConversionError, "lower-case letter"),
        ({"name": "switch"}, ConversionError, "keyword"),
        ({"name": "math"}, ConversionError, "header"),
        ({"version": "1.0"}, ConversionError, "three numbers"),
        ({"version": "01.0.0"}, ConversionError, "three numbers"),
        ({"version": "1.0.0\n"}, ConversionError, "three numbers"),
        ({"description": "two\nlines"}, ConversionError, "description of a package must fit: it is one line"),
        ({"description": "größer"}, ConversionError, "printable ASCII"),
        ({"description": "x" * 201}, ConversionError, "up to 200"),
        ({"author": ""}, ConversionError, "author of a package"),
    ],
)
def test_what_a_package_cannot_say(values: dict[str, str], error: type[EdgekitError], rule: str) -> None:
    with pytest.raises(error, match=rule) as caught:
        Package(**{"kind": "cmake", "name": "net", **values})
    assert str(caught.value).count(repr(next(iter(values.values())))) == 1, "what was received stands there once"


@pytest.mark.parametrize(
    ("change", "received"),
    [
        ({"net_selftest.c": None}, "net.c, net.h"),
        ({"other.c": ""}, "other.c"),
        ({"src/net_more.c": ""}, "src/net_more.c"),
        ({"net_../x.c": ""}, "net_../x.c"),
    ],
)
def test_sources_of_another_form(change: dict[str, str | None], received: str) -> None:
    sources = {name: text for name, text in {**small_export(), **change}.items() if text is not None}
    with pytest.raises(ConversionError, match=re.escape(received)):
        arrange(Package("cmake", "net"), sources)
