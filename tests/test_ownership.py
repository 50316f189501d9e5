"""What is EdgeKit's is known by its record; everything else survives, whatever it looks like."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from edgekit.artifact import write_atomically
from edgekit.errors import EdgekitError
from edgekit.ownership import check_writable, is_inside, publishing, remove_unchanged, writing, written
from edgekit.pipeline.store import open_store
from edgekit.scratch import clear_leftovers, temporary

Snapshot = Callable[[Path], dict[str, object]]

OWN = ".edgekit"


def publish(root: Path, **contents: str) -> None:
    with publishing(root) as staging:
        for name, text in contents.items():
            (staging / name).write_text(text)


def test_a_file_of_ours_is_written_again_and_one_that_was_changed_is_not(tmp_path: Path) -> None:
    publish(tmp_path, a="1", b="1")
    publish(tmp_path, a="2", b="2")
    assert (tmp_path / "a").read_text() == "2" and written(tmp_path) == ["a", "b"]
    (tmp_path / "b").write_text("mine")
    with pytest.raises(EdgekitError, match="--overwrite .in Python overwrite=True"):
        publish(tmp_path, a="3", b="3")
    assert (tmp_path / "a").read_text() == "2" and (tmp_path / "b").read_text() == "mine", "all or nothing"
    with publishing(tmp_path, overwrite=True) as staging:
        (staging / "b").write_text("3")
    publish(tmp_path, b="4")
    assert (tmp_path / "b").read_text() == "4"


def publish_as(maker: str, root: Path, *names: str) -> None:
    with publishing(root, maker=maker) as staging:
        for name in names:
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).write_text(f"{maker} {name}")


def files(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if OWN not in p.parts}


def test_what_a_maker_does_not_make_again_goes(tmp_path: Path) -> None:
    """Only what it made itself, and nobody changed or wrote anew since; of folders, those that are then empty."""
    publish_as("one", tmp_path, "a", "shared", "in/b", "in/deep/c", "kept/d", "changed")
    publish_as("two", tmp_path, "shared", "e")
    publish(tmp_path, f="nobody's")
    (tmp_path / "kept" / "mine").write_text("mine")
    (tmp_path / "changed").write_text("mine now")
    publish_as("one", tmp_path, "a", "new")
    assert files(tmp_path) == {"a", "new", "shared", "e", "f", "kept", "kept/mine", "changed"}
    assert (tmp_path / "shared").read_text() == "two shared"
    assert written(tmp_path) == ["a", "changed", "e", "f", "new", "shared"]
    publish_as("two", tmp_path, "e")
    assert "shared" not in files(tmp_path)


@pytest.mark.parametrize("fails", range(5))
def test_a_kill_on_the_way_leaves_nothing_for_ever(fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_as("one", tmp_path, "a", "in/b", "in/c")
    left, unlink, replace = [fails], Path.unlink, os.replace

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if not str(arguments[0]).endswith(".new") or real is replace:
                left[0] -= 1
                if left[0] == -1:
                    raise KeyboardInterrupt
            return real(*arguments, **more)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", counted(replace))
        patch.setattr(Path, "unlink", counted(unlink))
        with suppress(KeyboardInterrupt):
            publish_as("one", tmp_path, "a", "d")
    publish_as("one", tmp_path, "a")
    assert files(tmp_path) == {"a"} and written(tmp_path) == ["a"]


def test_links_are_no_way_to_files_of_others(tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    root = tmp_path / "root"
    publish_as("one", root, "in/b", "a")
    (elsewhere / "b").write_text("one in/b")
    (root / "in" / "b").unlink()
    (root / "in").rmdir()
    (root / "in").symlink_to(elsewhere)
    publish_as("one", root, "a")
    assert (elsewhere / "b").exists() and (root / "in").is_symlink()


@pytest.mark.parametrize("makers", [[], {"one": 3}, {"one": [3, "../b", "/b", ""]}, {"one": ["b"]}, None])
def test_a_record_of_makers_that_is_no_such_thing_removes_nothing(makers: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    publish_as("one", root, "a")
    record = root / OWN / "written.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "makers": makers}))
    for path in (root / "b", tmp_path / "b"):
        path.write_text("mine")
    publish_as("one", root, "a")
    assert files(root) == {"a", "b"} and (tmp_path / "b").exists()


@pytest.mark.parametrize("below", ["", "x/y"])
@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_an_output_that_is_no_folder_is_said(kind: str, below: str, tmp_path: Path) -> None:
    standing = tmp_path / "mine"
    if kind == "file":
        standing.write_text("mine")
    else:
        standing.symlink_to(tmp_path / "nowhere")
    with pytest.raises(EdgekitError, match="into folders.*Received: .*mine"):
        publish(standing / below, a="1")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_kill_while_files_appear_leaves_only_files_that_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, a="1", b="1")
    real, left = os.replace, [2]  # the record, and one of the two files

    def replace(source: Path, target: Path) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, a="2", b="2")
    monkeypatch.undo()
    assert [(tmp_path / name).read_text() for name in "ab"] == ["2", "1"]
    publish(tmp_path, a="3", b="3")


def _symlink(path: Path, outside: Path) -> None:
    path.symlink_to(outside / "file")


def _folder(path: Path, outside: Path) -> None:
    path.mkdir()
    (path / "file").write_text("mine")


FOREIGN: dict[str, Callable[[Path, Path], None]] = {
    "file": lambda path, outside: path.write_text("mine") and None,
    "empty": lambda path, outside: path.touch(),
    "symlink": _symlink,
    "dangling": lambda path, outside: path.symlink_to(outside / "absent"),
    "folder": _folder,
    "fifo": lambda path, outside: os.mkfifo(path),
    "hard link": lambda path, outside: os.link(outside / "file", path),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_has_the_name_of_a_file_stays(kind: str, tmp_path: Path, snapshot: Snapshot) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "file").write_text("theirs")
    FOREIGN[kind](root / "a", outside)
    before = snapshot(tmp_path)
    with pytest.raises(EdgekitError, match="--overwrite"):
        check_writable(root, ["a"])
    with pytest.raises(EdgekitError, match="--overwrite"):
        publish(root, a="new")
    remove_unchanged(root, ["a"])
    assert snapshot(tmp_path) == before
    if kind == "folder":
        with pytest.raises(EdgekitError, match="files only"):
            check_writable(root, ["a"], overwrite=True)
    else:
        with writing(root / "a", overwrite=True) as file:
            file.write_text("new")
        assert (root / "a").read_text() == "new" and (outside / "file").read_text() == "theirs"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_to_a_folder_is_not_written_through(overwrite: bool, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "models").symlink_to(tmp_path / "outside")
    with pytest.raises(EdgekitError, match="no symbolic link"):
        check_writable(tmp_path / "root", ["models/x"], overwrite=overwrite)
    assert not list((tmp_path / "outside").iterdir())


RECORDS: dict[str, str | bytes] = {
    "no JSON": "{",
    "binary": bytes(range(256)),
    "other schema": json.dumps({"schema": "edgekit.written/99", "files": {"a": ["0" * 64]}}),
    "a list": "[]",
    "files a list": json.dumps({"schema": "edgekit.written/1", "files": ["a"]}),
    "shas a number": json.dumps({"schema": "edgekit.written/1", "files": {"a": 1}}),
    "sha a list": json.dumps({"schema": "edgekit.written/1", "files": {"a": [[]]}}),
    "deep": "[" * 100_000,
    "leads out": json.dumps({"schema": "edgekit.written/1", "files": {"../a": ["0" * 64], "/a": [], "": []}}),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_damaged_record_makes_every_file_the_users(kind: str, tmp_path: Path) -> None:
    publish(tmp_path, a="1")
    content = RECORDS[kind]
    (tmp_path / OWN / "written.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EdgekitError, match="--overwrite"):
        publish(tmp_path, a="2")
    assert written(tmp_path) in ([], ["a"])


@pytest.mark.parametrize(
    ("name", "inside"),
    [("a", True), ("a/b", True), ("..a", True), ("../a", False), ("a/../../b", False), ("/a", False), ("", False),
     (".", False), ("a\0b", False)],
)  # fmt: skip
def test_is_inside(name: str, inside: bool) -> None:
    assert is_inside(name) == inside


def _linked(parent: Path) -> None:
    with temporary(parent / "elsewhere"):
        os.rename(parent / "elsewhere" / OWN, parent / "real")
        (parent / OWN).symlink_to(parent / "real")


STRANGERS: dict[str, Callable[[Path], object]] = {
    "a file": lambda parent: (parent / OWN).write_text("mine"),
    "a folder": lambda parent: ((parent / OWN).mkdir(), (parent / OWN / "tmp-x").mkdir()),
    "another marker": lambda parent: ((parent / OWN).mkdir(), (parent / OWN / "EDGEKIT").write_text("mine")),
    "a link to one of ours": _linked,
    "a marker that is a link": lambda parent: (
        (parent / OWN).mkdir(),
        (parent / "text").touch(),
        (parent / OWN / "EDGEKIT").symlink_to(parent / "text"),
    ),
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_a_folder_of_our_name_without_the_marker_is_not_touched(kind: str, tmp_path: Path, snapshot: Snapshot) -> None:
    (tmp_path / "elsewhere").mkdir()
    STRANGERS[kind](tmp_path)
    before = snapshot(tmp_path)
    for act in (
        lambda: publish(tmp_path, a="1"),
        lambda: clear_leftovers(tmp_path),
        lambda: open_store(tmp_path).__enter__(),
        lambda: write_atomically(tmp_path / "x").__enter__(),
    ):
        with pytest.raises(EdgekitError, match="EdgeKit's own"):
            act()
    assert snapshot(tmp_path) == before


def test_links_inside_our_folder_are_refused_before_anything_follows_them(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("theirs")
    with open_store(tmp_path / "out") as store:
        store.workdir("baseline", "0" * 64).rmdir()
        (tmp_path / "out" / OWN / "unfinished" / f"baseline-{'0' * 12}").symlink_to(tmp_path / "victim")
        with pytest.raises(EdgekitError, match="no folder"):
            store.discard_workdir("baseline", "0" * 64)
    with pytest.raises(EdgekitError, match="symbolic link"), open_store(tmp_path / "out"):
        pass
    assert (tmp_path / "victim" / "file").read_text() == "theirs"


HOLD = """
import sys, time
from contextlib import suppress
from pathlib import Path
from typing import Any
from edgekit.scratch import temporary
with temporary(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_leftovers_are_removed_only_when_their_process_is_gone(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    lookalikes = tmp_path / "tmp-mine", tmp_path / ".x.y", tmp_path / ".a.b.c"
    for lookalike in lookalikes:
        lookalike.mkdir()
    try:
        clear_leftovers(tmp_path)
        publish(tmp_path, a="1")
        assert (folder / "half").read_text() == "x", "its process lives"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    clear_leftovers(tmp_path)
    assert not folder.exists() and {f.name for f in (tmp_path / OWN).iterdir()} == {
        "EDGEKIT", ".gitignore", "written.json",
    }  # fmt: skip
    assert all(lookalike.is_dir() for lookalike in lookalikes)


@pytest.mark.parametrize("last", ["lock", "half", "content"])
def test_one_that_was_killed_while_it_was_removed_goes_later(
    last: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill comes before one of its parts is removed, whichever that is."""
    with monkeypatch.context() as patched:
        for name in ("unlink", "rmdir"):
            remove = getattr(os, name)

            def killed(path: Any, *rest: Any, remove: Any = remove, **options: Any) -> None:
                if Path(os.fspath(path)).name == last:
                    raise SystemExit  # no error that a removal passes over
                remove(path, *rest, **options)

            patched.setattr(os, name, killed)
        with pytest.raises(SystemExit), temporary(tmp_path) as folder:
            (folder / "half").write_text("x")
    holder = folder.parent
    assert holder.exists()
    gc.collect()  # closes what the kernel would
    for file in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{file}").startswith(str(holder)):
                os.close(int(file))
    clear_leftovers(tmp_path)
    assert not holder.exists() and not (tmp_path / OWN).exists()


def test_many_processes_at_once_share_the_folder(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom edgekit.artifact import write_atomically\n"
        "for i in range(100):\n"
        "    with write_atomically(Path(sys.argv[1]) / sys.argv[2]) as file:\n"
        "        file.write_text(str(i))\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(n)], stderr=subprocess.PIPE)
        for n in range(4)
    ]
    for process in started:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["0", "1", "2", "3"], "and it goes when nobody needs it"


def test_a_folder_made_for_a_write_that_fails_is_removed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "a" / "b" / "m.tflite"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    with pytest.raises(RuntimeError), write_atomically(tmp_path / "x") as file:
        file.write_text("half")
        raise RuntimeError
    assert [f.name for f in tmp_path.iterdir()] == ["x"] and (tmp_path / "x").read_text() == "old"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").touch()
    with pytest.raises(OSError), write_atomically(tmp_path / "folder") as folder:
        folder.mkdir()
    assert (tmp_path / "folder" / "mine").exists()
    with write_atomically(tmp_path / "folder", replace_folder=True) as folder:
        folder.mkdir()
    assert not list((tmp_path / "folder").iterdir())
