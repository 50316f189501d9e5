"""What every runtime must do: a file added to edgekit/runtimes is covered here without another line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from interpreters import need

from edgekit import registry, runtimes, sandbox
from edgekit.errors import ModelError, RuntimeFailed, UsageError
from edgekit.runtimes import PROBE, Runtime, load_runtime, runtime_names
from edgekit.testing import check_runtime


@pytest.fixture(scope="module", params=registry.names(runtimes))
def runtime(request: pytest.FixtureRequest) -> Runtime:
    need(request.param)
    found = load_runtime(request.param)
    reason = found.probe()
    if reason is not None:
        if os.environ.get("CI") and not found.needs_device:
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def test_it_conforms(runtime: Runtime) -> None:
    assert runtime.name in runtime_names()
    check_runtime(runtime)


@pytest.mark.parametrize("name", ["arm64:cortex-a53", "ethos_u:ethos-u85-256", "adb:SERIAL"])
def test_a_variant_is_a_runtime_like_any_other(name: str) -> None:
    base, variant = load_runtime(name.partition(":")[0]), load_runtime(name)
    assert type(variant) is type(base) is Runtime and variant.name == name
    assert variant.figures == base.figures and variant.needs_device == base.needs_device
    for slot in ("executor", "meter", "timer"):
        own, other = getattr(variant, slot), getattr(base, slot)
        assert type(own) is type(other) and (own is None or own != other)


@pytest.fixture(params=["cold", "warm"])
def started(request: pytest.FixtureRequest) -> Iterator[None]:
    """Children as new interpreters, and forked off one that holds the runtime."""
    with sandbox.cold() if request.param == "cold" else sandbox.warm():
        yield


@pytest.mark.usefixtures("started")
def test_crash_is_one_line_and_leaves_no_process() -> None:
    session = load_runtime("litert").open(PROBE)
    os.kill(session.pid, signal.SIGSEGV)
    with pytest.raises(RuntimeFailed, match=r"^The model crashed the runtime litert \(SIGSEGV\)\. [^\n]+$"):
        session.run([np.zeros((1, 4), np.float32)])
    assert not Path(f"/proc/{session.pid}").exists()


@pytest.mark.usefixtures("started")
def test_hang_is_ended() -> None:
    session = load_runtime("litert").open(PROBE, time_limit=5.0)
    os.kill(session.pid, signal.SIGSTOP)
    with pytest.raises(RuntimeFailed, match="must answer within 5 s"):
        session.run([np.zeros((1, 4), np.float32)])
    assert not Path(f"/proc/{session.pid}").exists()


def test_damaged_models_never_hurt_this_process(tmp_path: Path) -> None:
    """Bytes that a flatbuffer check may pass and an interpreter may not: an answer or an EdgekitError, nothing else."""
    good, rng = PROBE.read_bytes(), np.random.default_rng(7)
    outcomes = set()
    for i in range(12):
        bad = bytearray(good)
        for position in rng.integers(8, len(good), 6):
            bad[position] ^= 1 << int(rng.integers(8))
        path = tmp_path / f"{i}.tflite"
        path.write_bytes(bad)
        try:
            session = load_runtime("litert").open(path, time_limit=10)
        except (ModelError, RuntimeFailed) as error:
            outcomes.add(type(error))
            assert "\n" not in str(error)
            continue
        try:
            session.run([np.zeros(spec.shape, spec.dtype) for spec in session.inputs])
            outcomes.add(None)
        except RuntimeFailed as error:
            outcomes.add(type(error))
        finally:
            session.close()
    assert ModelError in outcomes


@pytest.mark.parametrize("how", ["cold", "warm"])
def test_child_ends_with_a_killed_parent(how: str) -> None:
    script = (
        "import os, signal; from pathlib import Path; from edgekit.runtimes import load_runtime\n"
        f"from edgekit import sandbox; block = sandbox.{how}(); block.__enter__()\n"
        f"print(load_runtime('litert').open(Path({str(PROBE)!r})).pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail(f"process {pid} is still alive")


def test_where_what_forks_has_ended_a_new_interpreter_stands_in() -> None:
    with sandbox.warm():
        first = load_runtime("litert").open(PROBE)
        os.kill(_parent(first.pid), signal.SIGKILL)
        with pytest.raises(RuntimeFailed):
            while True:  # its children end with it
                first.run([np.zeros((1, 4), np.float32)])
        for _ in range(2):
            session = load_runtime("litert").open(PROBE)
            assert session.run([np.ones((1, 4), np.float32)])[0].shape == (1, 4)
            session.close()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="tflite_runtime has no wheel for Python 3.12 and later")
def test_runtimes_that_are_quick_to_import_share_the_process_that_forks() -> None:
    with sandbox.warm():
        sessions = [load_runtime(name).open(PROBE) for name in ("litert", "tflite_runtime")]
        assert len({_parent(session.pid) for session in sessions} - {os.getpid()}) == 1
        for session in sessions:
            session.close()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_missing_package_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "from edgekit.runtimes import load_runtime\n"
        "print(load_runtime('tflite_runtime').probe()); assert 'tensorflow' not in sys.modules"
    )
    hidden = "import sys; sys.modules['tflite_runtime'] = None"
    folder = PROBE.parent.parent.parent  # PYTHONPATH is kept for the child, which a sitecustomize there reaches
    env = {**os.environ, "PYTHONPATH": str(folder)}
    done = _with_sitecustomize(code, hidden, env)
    assert done.startswith("The runtime tflite_runtime cannot be loaded here.")
    assert done.strip().endswith("pip install tflite-runtime 'numpy<2'")


def test_children_import_nothing_that_reads_files() -> None:
    code = "import sys, edgekit.runtimes._worker; print([name for name in sys.modules if 'tflite' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done


def test_unknown_names_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="Did you mean 'litert'"):
        load_runtime("litrt")
    with pytest.raises(UsageError, match="Did you mean 'builtin'"):
        load_runtime("litert").open(PROBE, kernels="buildin")
    with pytest.raises(UsageError, match="at least one thread"):
        load_runtime("litert").open(PROBE, threads=0)


@pytest.mark.parametrize("kernels", ["default", "builtin", "reference"])
def test_kernel_choice(kernels: str) -> None:
    with load_runtime("litert").open(PROBE, kernels=kernels) as session:
        (y,) = session.run([np.array([[-1.0, 1.0, 2.0, -2.0]], np.float32)])
    np.testing.assert_array_equal(y, [[0.0, 1.0, 2.0, 0.0]])


def _with_sitecustomize(code: str, customize: str, env: dict[str, str]) -> str:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sitecustomize.py").write_text(customize)
        env = {**env, "PYTHONPATH": os.pathsep.join([folder, env["PYTHONPATH"]])}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
