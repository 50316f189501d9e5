"""The runtimes cortex_m and riscv for real: GCC, and QEMU's boards. Without the tools: skipped, but a failure in CI."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from real_data import DATA, MISSING
from tiny_c_export import write_export

from edgekit.cli import main
from edgekit.errors import ModelRefused, RuntimeFailed
from edgekit.measure.predict import predict
from edgekit.runtimes import INT8_PROBE, load_runtime
from edgekit.runtimes._bare_metal import (
    CORTEX_M,
    RISCV,
    Board,
    Core,
    Emulator,
    Image,
    Kit,
    build,
    missing_tools,
    read_export,
)
from edgekit.runtimes._bare_metal.boards import FIRMWARE
from edgekit.runtimes._bare_metal.build import FLAGS
from edgekit.runtimes._bare_metal.runtime import check_clock, instructions_of
from edgekit.tflite import read
from edgekit_converters.c.needs import needs_of

KWS, IMAGES = "models/kws/kws_ref_model_int8.tflite", "models/ic/pretrainedResnet_quant.tflite"
CORES = [pytest.param(kit, core, id=core.name) for kit in (CORTEX_M, RISCV) for core in kit.cores.values()]
ONE_OF_EACH = [pytest.param(kit, next(iter(kit.cores.values())), id=kit.runtime) for kit in (CORTEX_M, RISCV)]
M0 = CORTEX_M.cores["cortex-m0"]
X = np.array([[-5, 0, 7, 40]], np.int8)
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=MISSING)

# 2 * 10,000 instructions; that many again are taken for the loop's own start and end, and none of them counts here.
LOOP = """\
static void loop(void) {
    unsigned turns = 10000;
#if defined(__riscv)
    __asm__ volatile("1: addi %0, %0, -1\\n\\tbnez %0, 1b" : "+r"(turns));
#else
    __asm__ volatile(".syntax unified\\n\\t1: subs %0, %0, #1\\n\\tbne 1b" : "+l"(turns) : : "cc");
#endif
}
"""
DEEP = """\
__attribute__((noinline)) static int deep(int depth) {
    volatile unsigned char room[256];
    for (int i = 0; i < 256; i++) room[i] = (unsigned char)depth;
    return depth > 1 ? deep(depth - 1) + room[17] : room[18];
}
"""
Start = Callable[..., Emulator]


@pytest.fixture(autouse=True, scope="module")
def tools() -> None:
    for kit in (CORTEX_M, RISCV):
        if missing := missing_tools(kit):
            reason = f"needs {', '.join(missing)}: edgekit doctor --install {kit.runtime}"
            pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Build what `write_export` writes, and start it; everything is ended afterwards."""
    started: list[Emulator] = []

    def run(kit: Kit, core: Core, *, limit: float = 30.0, **parts: object) -> Emulator:
        export = read_export(kit.runtime, write_export(tmp_path / f"{core.name}-{len(started)}", **parts))  # type: ignore[arg-type]
        image = build(kit, core, export)
        started.append(Emulator(kit, core, image, export.inputs, export.outputs, limit=limit))
        return started[-1]

    yield run
    for emulator in started:
        emulator.close()
        assert not Path(f"/proc/{emulator.pid}").exists()


def _board_of(kit: Kit, core: Core, folder: Path, **parts: object) -> tuple[Board, Image]:
    image = build(kit, core, read_export(kit.runtime, write_export(folder, **parts)))  # type: ignore[arg-type]
    return image.board, image


@pytest.mark.parametrize(("kit", "core"), CORES)
def test_every_board_computes_and_counts(kit: Kit, core: Core, start: Start) -> None:
    """Outputs are right, a loop of known length is counted as such, and so is one inside the model."""
    emulator = start(kit, core)
    per_tick = core.boards[0].instructions_per_tick
    for x in (X, -X):
        (out,) = emulator.run([x.tobytes()])
        assert np.array_equal(np.frombuffer(out, np.int8), (3 * x[0] + 1).astype(np.int8))
    check_clock(emulator, per_tick)
    with pytest.raises(RuntimeFailed, match="must be counted as such"):
        check_clock(emulator, per_tick * 1.01)
    small, repeats = instructions_of(emulator, per_tick)
    assert 20 < small < 120 and (repeats > 100 or per_tick == 1)
    looping = start(kit, core, before=LOOP, body="loop();")
    looping.run([X.tobytes()])
    whole, _ = instructions_of(looping, per_tick)
    assert abs(whole - small - 20_000) <= 0.001 * whole + 8


def test_the_substitute_for_a_microbit_counts_as_it_does(start: Start, tmp_path: Path) -> None:
    """The same ARMv6-M code on both boards; what does not fit the small one runs on the other."""
    assert _board_of(CORTEX_M, M0, tmp_path / "small")[0].machine == "microbit"
    board, image = _board_of(CORTEX_M, M0, tmp_path / "large", arena=16_384)
    assert board.machine == "mps2-an385" and "unaligned" in board.title
    assert image.sizes.ram == 16_384
    counts = []
    for arena in (32, 16_384):
        emulator = start(CORTEX_M, M0, arena=arena, before=LOOP, body="loop();")
        emulator.run([X.tobytes()])
        place = M0.boards[0] if arena == 32 else M0.boards[1]
        counts.append(instructions_of(emulator, place.instructions_per_tick)[0])
    assert abs(counts[0] - counts[1]) <= 0.002 * counts[0]


@pytest.mark.parametrize("arena", [32, 16_384])
def test_a_cortex_m0_does_not_take_unaligned_accesses(start: Start, arena: int) -> None:
    body = "*(volatile int32_t *)((char *)arena + 21) = 1;"
    with pytest.raises(RuntimeFailed, match="must not fault. Received: hard fault at pc 0x") as caught:
        start(CORTEX_M, M0, arena=arena, body=body).run([X.tobytes()])
    assert ("unaligned" in str(caught.value)) == (arena > 32)  # ARMv6-M tells no reason


@pytest.mark.parametrize(("kit", "core"), CORES)
def test_the_stack_is_measured(kit: Kit, core: Core, start: Start) -> None:
    depths = []
    for depth in (1, 2):
        emulator = start(kit, core, before=DEEP, body=f"*(volatile int *)((char *)arena + 24) = deep({depth});")
        emulator.run([X.tobytes()])
        depths.append(emulator.stack())
    assert 256 < depths[0] < 400 and 256 < depths[1] - depths[0] < 320


@pytest.mark.parametrize(("kit", "core"), ONE_OF_EACH)
@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"body": "*(volatile int32_t *)0xF0000000u = 1;"}, "must not fault.*(data on the bus|store without memory)"),
        ({"body": "__asm__ volatile(\".2byte 0xde00, 0xde00\");"}, "must not fault.*undefined instruction"),
        ({"body": "return -7;"}, "must run on .*error code -7"),
        ({"body": "for (;;) __asm__ volatile(\"\");", "limit": 3.0}, "must answer within 3 s"),
    ],
)  # fmt: skip
def test_a_firmware_that_fails_says_how(
    kit: Kit, core: Core, start: Start, parts: dict[str, object], said: str
) -> None:
    if "de00" in str(parts) and kit is RISCV:
        parts = {"body": '__asm__ volatile(".4byte 0x0");'}
    with pytest.raises(RuntimeFailed, match=said) as caught:
        start(kit, core, **parts).run([X.tobytes()])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kit", "core"), CORES)
def test_a_stack_that_runs_out_is_a_fault(kit: Kit, core: Core, start: Start) -> None:
    emulator = start(kit, core, before=DEEP, body="*(volatile int *)((char *)arena + 24) = deep(1000);")
    with pytest.raises(RuntimeFailed, match=r"must not fault.*the stack had run out"):
        emulator.run([X.tobytes()])


@pytest.mark.parametrize(("kit", "core"), ONE_OF_EACH)
def test_state_is_reset_at_the_start_and_goes_on(kit: Kit, core: Core, start: Start) -> None:
    emulator = start(kit, core, state=4, outputs=2, after="state->runs++; *outputs->output_1 = state->runs;")
    for runs in (6, 7):
        first, second = emulator.run([X.tobytes()])
        assert np.array_equal(np.frombuffer(first, np.int8), (3 * X[0] + 1).astype(np.int8))
        assert int.from_bytes(second, "little") == runs


@pytest.mark.parametrize(("kit", "core"), ONE_OF_EACH)
def test_sizes_are_those_of_the_export_alone(kit: Kit, core: Core, tmp_path: Path) -> None:
    _, plain = _board_of(kit, core, tmp_path / "plain")
    assert (plain.sizes.weights, plain.sizes.ram) == (16, 32) and 40 < plain.sizes.flash < 300
    table = "static volatile int32_t counter; static const int32_t table[100] = {1, 2, 3};"
    body = "counter++; if (counter > 10) return table[counter];"
    _, more = _board_of(kit, core, tmp_path / "more", before=table, body=body, state=4)
    assert more.sizes.ram - plain.sizes.ram in range(8, 17)  # state and counter
    assert 400 <= more.sizes.flash - plain.sizes.flash < 600


@pytest.mark.parametrize(("kit", "core"), ONE_OF_EACH)
def test_what_fits_no_board_or_does_not_compile_is_refused(kit: Kit, core: Core, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"must fit the emulated board .* of ram for .*bytes too many"):
        _board_of(kit, core, tmp_path / "ram", arena=128 << 20)
    with pytest.raises(ModelRefused, match=r"must fit the emulated board .* of flash for .*bytes too many"):
        huge = "const char huge[40000000] = {1}; "
        _board_of(
            kit, core, tmp_path / "flash", before=huge, body="if (inputs->input_0[0]) return huge[(int)arena_bytes];"
        )
    with pytest.raises(RuntimeFailed, match=r"must compile net\.c\. Received: .*error"):
        _board_of(kit, core, tmp_path / "wrong", body="return nothing_of_that_name;")
    with pytest.raises(RuntimeFailed, match=r"must be linked\. Received: .*undefined reference to .nowhere"):
        _board_of(kit, core, tmp_path / "open", before="int nowhere(void);", body="return nowhere();")


@pytest.mark.parametrize(("kit", "core"), ONE_OF_EACH)
def test_nothing_is_left_of_a_build_or_a_run(
    kit: Kit, core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    (place := tmp_path / "place").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    emulator = start(kit, core)
    assert not list(place.iterdir())  # also while it runs
    emulator.run([X.tobytes()])
    emulator.close()
    with pytest.raises(RuntimeFailed):
        start(kit, core, body="wrong")
    assert not list(place.iterdir())


def test_the_emulator_ends_with_a_killed_parent() -> None:
    script = (
        "import os, signal; from edgekit.runtimes import INT8_PROBE, load_runtime\n"
        "print(load_runtime('cortex_m').open(INT8_PROBE).pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    pid = int(done.stdout)
    for _ in range(200):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail(f"process {pid} is still alive")


@pytest.mark.parametrize(("kit", "core"), ONE_OF_EACH)
def test_the_firmware_compiles_without_a_warning(kit: Kit, core: Core, tmp_path: Path) -> None:
    strict = ["-Wall", "-Wextra", "-Wshadow", "-Werror", "-fsyntax-only"]
    for source in ("main.c", kit.source):
        command = [f"{kit.prefix}gcc", *core.flags, *kit.flags, *FLAGS, *strict, str(FIRMWARE / source)]
        subprocess.run(command, check=True, cwd=tmp_path)


@pytest.fixture(scope="module")
def exporter() -> None:
    for kit in (CORTEX_M, RISCV):
        if (reason := load_runtime(kit.runtime).probe()) is not None:
            pytest.fail(reason)


@needs_data
@pytest.mark.usefixtures("exporter")
@pytest.mark.parametrize("name", [f"{kit.runtime}:{core}" for kit in (CORTEX_M, RISCV) for core in kit.cores])
def test_outputs_are_those_of_tflm(name: str) -> None:
    rng, differing = np.random.default_rng(1), 0
    with load_runtime("tflm").open(DATA / KWS) as oracle, load_runtime(name).open(DATA / KWS) as session:
        for _ in range(5):
            x = [rng.integers(-128, 128, spec.shape).astype(np.int8) for spec in session.inputs]
            pairs = zip(session.run(x), oracle.run(x), strict=True)
            differing += sum(int((own != other).sum()) for own, other in pairs)
    assert differing == 0


@needs_data
@pytest.mark.usefixtures("exporter")
def test_figures_repeat_and_hold_together(tmp_path: Path) -> None:
    runtime = load_runtime("cortex_m:cortex-m4")
    first, again = runtime.measure(DATA / KWS), runtime.measure(DATA / KWS)
    assert first["instructions"] == pytest.approx(again["instructions"], rel=1e-3)
    assert all(first[name] == again[name] for name in ("flash_bytes", "weights_bytes", "ram_bytes", "stack_bytes"))
    size = (DATA / KWS).stat().st_size
    assert first["weights_bytes"] < 1.05 * size and 49 * 10 < first["ram_bytes"] < 22_772
    assert 1_000 < first["flash_bytes"] < 16_384 and 64 < first["stack_bytes"] < 2_048
    told = first.measured_on
    assert told is not None and told["board"] == "mps2-an386" and 0 < int(told["instructions_in_code"])


@needs_data
@pytest.mark.usefixtures("exporter")
@pytest.mark.parametrize("name", [KWS, IMAGES])
def test_what_is_said_before_compiling_holds_afterwards(name: str) -> None:
    """Weights and arena exactly, the estimate of the code within a half."""
    needs, measured = needs_of(read(DATA / name)), load_runtime("cortex_m:cortex-m4").measure(DATA / name)
    assert measured["weights_bytes"] == needs.weights_bytes and measured["flash_bytes"] is not None
    assert measured["ram_bytes"] == needs.arena_bytes + needs.state_bytes
    assert 0.5 < needs.code_bytes / measured["flash_bytes"] < 1.5


@pytest.mark.usefixtures("exporter")
def test_the_command_tells_figures_board_and_caveats() -> None:
    asked = ["benchmark", str(INT8_PROBE), "--runtime", "cortex_m:cortex-m0", "--json"]
    command = [sys.executable, "-c", "from edgekit.cli import main; main()", *asked]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    told = json.loads(done.stdout)
    (row,) = told["results"]
    assert done.returncode == 0 and row["error"] is None and row["instructions"] > 10 and row["stack_bytes"] > 0
    assert row["measured_on"]["board"].startswith("microbit") and row["latency_ms"] is None
    assert any("not cycles" in caveat for caveat in told["caveats"])


@pytest.mark.usefixtures("exporter")
@pytest.mark.parametrize(("kit", "core"), ONE_OF_EACH)
@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ('for (;;) __asm__ volatile("")', "must answer within 3 s. Received: no answer, so it was ended"),
        ("__builtin_trap()", "must not fault. Received: .*(undefined instruction|breakpoint)"),
    ],
)
def test_the_command_says_how_a_firmware_failed(
    kit: Kit, core: Core, hook: str, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A hook before each layer, which exports have, lets a real export hang and fault."""
    monkeypatch.setattr(sys.modules[build.__module__], "FLAGS", (*FLAGS, f"-DNET_LAYER_HOOK(i)={hook};"))
    monkeypatch.setattr("edgekit.runtimes._bare_metal.runtime._images", {})
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", str(INT8_PROBE), "--runtime", f"{kit.runtime}:{core.name}", "--time-limit", "3"])
    text = " ".join(capfd.readouterr().err.split())
    assert ended.value.code == 1 and text.count("Error: ") == 1 and re.search(said, text), text


@pytest.mark.usefixtures("exporter")
@pytest.mark.parametrize("name", ["cortex_m", "riscv"])
def test_many_samples_run_in_several_emulators(name: str) -> None:
    x = np.random.default_rng(0).integers(-28, 28, (150, 4)).astype(np.float32) / 4
    started = time.monotonic()
    assert np.array_equal(predict(INT8_PROBE, x, runtime=name, workers=2), np.maximum(x, 0))
    assert time.monotonic() - started < 120
