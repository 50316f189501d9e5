"""What needs no compiler and no emulator: what is read, what is refused, how a process that misbehaves is ended."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_c_export import HEADER, write_export

from edgekit import registry, tflite
from edgekit.errors import ModelError, ModelRefused, RuntimeFailed, UsageError
from edgekit.figures import FIGURES, givers, limited, told_by
from edgekit.runtimes import INT8_PROBE, PROBE, load_runtime
from edgekit.runtimes._bare_metal import (
    CORTEX_M,
    RISCV,
    BareMetal,
    Emulator,
    Image,
    Kit,
    Multiples,
    Sizes,
    export_model,
    read_export,
)
from edgekit.runtimes._bare_metal.boards import linker_script
from edgekit.runtimes._bare_metal.build import multiples, section_sizes
from edgekit.runtimes._bare_metal.faults import fault_text
from edgekit.runtimes._bare_metal.glue import glue
from edgekit.runtimes._packed import Port

KITS = {"cortex_m": CORTEX_M, "riscv": RISCV}
NAMES = ("instructions", "flash_bytes", "weights_bytes", "ram_bytes", "stack_bytes")
MARK, FAULT = 0x314D4245, 0x544C4146
M4 = CORTEX_M.cores["cortex-m4"]


@pytest.mark.parametrize("name", KITS)
def test_checks_its_arguments(name: str, tmp_path: Path) -> None:
    runtime, first = load_runtime(name), next(iter(KITS[name].cores))
    with pytest.raises(UsageError, match=f"Did you mean '{first}'"):
        BareMetal(KITS[name], first + "x")
    with pytest.raises(UsageError, match="Did you mean"):
        load_runtime(f"{name}:{first}x")
    with pytest.raises(UsageError, match="has one core"):
        runtime.open(INT8_PROBE, threads=2)
    with pytest.raises(ModelError):
        runtime.measure(tmp_path / "absent.tflite")


@pytest.mark.parametrize("name", KITS)
def test_without_tools_one_line_says_how_to_get_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = load_runtime(name).probe()
    assert reason is not None and "\n" not in reason
    assert KITS[name].programs[0] in reason and reason.endswith(f"edgekit doctor --install {name}")
    with pytest.raises(RuntimeFailed, match="apt-get install -y .*qemu-system") as caught:
        registry.ask(f"edgekit.runtimes.{name}:install")()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_both_give_each_figure_and_say_what_it_is_not(name: str) -> None:
    found = {figure.runtime: figure for figure in givers(name)}
    assert found.keys() >= KITS.keys() and len({figure.title for figure in found.values()}) == 1
    assert all(found[kit].limit and found[kit].compares for kit in KITS)
    limits = next(figure.limit for figure in limited() if figure.name == name)
    assert "measure: cortex_m" in limits and "measure: riscv" in limits
    own = told_by(["litert", "cortex_m:cortex-m0"])
    assert list(own) == [figure for figure in FIGURES if figure in NAMES] and own[name].runtime == "cortex_m"


def test_instructions_are_not_called_cycles() -> None:
    for figure in givers("instructions"):
        if figure.runtime in KITS:
            assert "not cycles" in figure.caveat and "Xtensa" in figure.caveat


def test_a_header_is_read(tmp_path: Path) -> None:
    export = read_export("cortex_m", write_export(tmp_path, arena=48, state=4, outputs=2))
    assert (export.arena_bytes, export.weights_bytes, export.state_bytes) == (48, 16, 4)
    assert export.inputs == (Port((1, 4), 4),) and export.outputs == (Port((1, 4), 4), Port((), 4))
    assert export.output_offsets == (16, 16)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("#define NET_API_VERSION 1", "#define NET_API_VERSION 2", "API_VERSION 2"),
        ("#define NET_ARENA_BYTES 32", "", "no NET_ARENA_BYTES"),
        ("#define NET_INPUT_0_BYTES 4", "#define NET_INPUT_0_BYTES four", "four"),
        ("#define NET_OUTPUTS 1", "#define NET_OUTPUTS 100000", "OUTPUTS 100000"),
        (HEADER.partition("\n")[0], None, "No such file"),
    ],
)
def test_a_header_of_another_form_is_refused(tmp_path: Path, old: str, new: str | None, said: str) -> None:
    header = write_export(tmp_path) / "net.h"
    assert old in header.read_text()
    if new is None:
        header.unlink()
    else:
        header.write_text(header.read_text().replace(old, new))
    with pytest.raises(RuntimeFailed, match=f"header tells their sizes.*{said}"):
        read_export("cortex_m", tmp_path)


def test_outputs_on_top_of_each_other_get_places_of_their_own(tmp_path: Path) -> None:
    one = glue(read_export("cortex_m", write_export(tmp_path / "one")))
    assert ".output_0 = (void *)(model_arena + NET_OUTPUT_0_OFFSET)" in one and "net_reset" not in one
    two = glue(read_export("cortex_m", write_export(tmp_path / "two", outputs=2, state=4)))
    assert ".output_0 = (void *)output_0, .output_1 = (void *)output_1" in two
    assert "net_reset(&model_state)" in two and "net_run(&inputs, &outputs, &model_state," in two


@pytest.mark.parametrize("board", [board for kit in KITS.values() for c in kit.cores.values() for board in c.boards])
def test_a_linker_script_names_every_memory(board: object) -> None:
    text = linker_script(board)  # type: ignore[arg-type]
    assert "@" not in text and hex(board.ram.bytes) in text  # type: ignore[attr-defined]


def test_sections_are_read() -> None:
    text = "net.elf  :\nsection  size  addr\n.text  120  1024\n.rodata 8 2048\n.bss 4 536870912\nTotal 132\n\n"
    assert section_sizes(text) == {".text": 120, ".rodata": 8, ".bss": 4}


def test_instructions_of_several_registers_are_counted() -> None:
    text = """
00000400 <net_run>:
     400:\tpush\t{r4, r5, lr}
     402:\tldmia.w\tr0!, {r4-r7}
     406:\tvpush\t{d8-d9}
     40a:\tvldmia\tr1!, {s0-s3}
     40c:\tpop\t{r4, pc}
     40e:\tldr\tr0, [r1, #4]\t@ (412 <x>)
     412:\t.word\t0x00000003
     416:\tadds\tr0, #1
"""
    assert multiples(text) == Multiples(7, 3)


@pytest.mark.parametrize(
    ("kit", "facts", "said"),
    [
        (CORTEX_M, (0x40A, 0x401, 3, 0x8200, 1 << 30, 0xF0000000),
         "hard fault at pc 0x0000040a (lr 0x00000401), CFSR 0x00008200, HFSR 0x40000000: "
         "no data on the bus at 0xf0000000"),
        (CORTEX_M, (0x40A, 0x401, 3, 1 << 24, 0, 4), "an unaligned access"),
        (CORTEX_M, (0, 0, 3 | 1 << 31, 1 << 12, 0, 0), "stacking without memory; the stack had run out"),
        (RISCV, (0x80000010, 0x80000020, 7, 0, 0, 0x10),
         "trap at pc 0x80000010 (ra 0x80000020): a store without memory, mtval 0x00000010"),
    ],
)  # fmt: skip
def test_faults_are_put_into_words(kit: Kit, facts: tuple[int, ...], said: str) -> None:
    assert said in fault_text(kit, facts)


def _octal(data: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in data)


HELLO = f"printf '{_octal(struct.pack('<4I', MARK, 0xC24, 1, 1))}'"
FAULTED = _octal(struct.pack("<7I", FAULT, 64, 65, 3, 512, 0, 9))
PORT = Port((1, 4), 4)


def _start(folder: Path, script: str, limit: float = 20.0) -> Emulator:
    """A process that speaks, or fails to speak, the firmware's language in the emulator's place."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\necho $$ > {folder}/pid; echo $PWD > {folder}/place; {script}\n")
    program.chmod(0o755)
    image = Image(b"", M4.boards[0], Sizes(0, 0, 0), Multiples(0, 0))
    return Emulator(CORTEX_M, replace(M4, emulator=str(program)), image, [PORT], [PORT], limit=limit)


@pytest.fixture(autouse=True)
def no_trace(tmp_path: Path) -> Iterator[None]:
    """Whatever happened: no process, no folder."""
    yield
    if (tmp_path / "pid").exists():
        assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()
        assert not Path((tmp_path / "place").read_text().strip()).exists()


def test_answers_are_read(tmp_path: Path) -> None:
    answer = _octal(struct.pack("<Ii4b", MARK, 0, 1, 2, 3, 4))
    emulator = _start(tmp_path, f"{HELLO}; head -c 8 >/dev/null; printf '{answer}'; exec sleep 60")
    try:
        assert emulator.run([bytes(4)]) == [bytes([1, 2, 3, 4])]
    finally:
        emulator.close()
        emulator.close()
    with pytest.raises(RuntimeFailed, match="is closed"):
        emulator.run([bytes(4)])


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'qemu-system-arm: warning: nic' >&2; echo 'qemu-system-arm: no such board' >&2; exit 1",
         r"must answer in full \(exit code 1\)\. Received: qemu-system-arm: no such board\."),
        ("kill -ABRT $$", r"must answer in full \(SIGABRT\)"),
        (f"{HELLO}; exit 0", r"must answer in full \(exit code 0\)\. Received: an answer that broke off\."),
        (f"{HELLO}; head -c 8 >/dev/null; printf '{_octal(struct.pack('<Ii', MARK, 0))}ab'; exit 0", "broke off"),
        (f"{HELLO}; head -c 8 >/dev/null; printf '{_octal(struct.pack('<Ii', MARK, -2))}'; exec sleep 60",
         "The exported model must run on cortex-m4. Received: error code -2"),
        (f"{HELLO}; head -c 8 >/dev/null; printf '{FAULTED}'; exec sleep 60",
         r"must not fault\. Received: hard fault at pc 0x00000040 \(lr 0x00000041\), CFSR 0x00000200"),
        ("printf 'not at all this'; exec sleep 60", "must answer in EdgeKit's own form. Received: mark 0x20746f6e"),
        (f"printf '{_octal(struct.pack('<4I', MARK, 0xC23, 1, 1))}'; exec sleep 60", "processor 0xc23"),
        (f"{HELLO}; exec sleep 60", r"must answer within 0\.5 s"),
        ("exec sleep 60", r"must answer within 0\.5 s"),
    ],
)  # fmt: skip
def test_failures_are_one_line_and_leave_nothing(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(RuntimeFailed, match=message) as caught:
        _start(tmp_path, script, limit=0.5 if "0\\.5" in message else 20.0).run([bytes(4)])
    assert "\n" not in str(caught.value)


def test_a_pipe_that_nobody_reads_is_no_hang(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailed, match=r"must answer within 0\.5 s"):
        _start(tmp_path, f"{HELLO}; exec sleep 60", limit=0.5).run([bytes(1 << 20)])


def test_a_session_can_be_closed_while_another_thread_waits(tmp_path: Path) -> None:
    emulator = _start(tmp_path, f"{HELLO}; exec sleep 60")
    timer = threading.Timer(0.3, emulator.close)
    timer.start()
    with pytest.raises(RuntimeFailed, match="is closed"):
        emulator.run([bytes(4)])
    timer.join()


def test_an_emulator_that_is_no_program_is_said_so(tmp_path: Path) -> None:
    image = Image(b"", M4.boards[0], Sizes(0, 0, 0), Multiples(0, 0))
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(RuntimeFailed, match="cannot be loaded here.*--install cortex_m"):
        Emulator(CORTEX_M, replace(M4, emulator=str(tmp_path / "absent")), image, [PORT], [PORT], limit=1)
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", KITS)
def test_import_is_light(name: str) -> None:
    code = f"import sys, edgekit.runtimes.{name}; assert not {{'tensorflow', 'ai_edge_litert'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_cannot_be_exported_is_refused_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="runs what `edgekit export c` can export") as caught:
        export_model("cortex_m", tflite.read(PROBE), tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
