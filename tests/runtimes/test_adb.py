# ruff: noqa: E501 (the tables are as wide as the tool prints them)
"""What needs neither adb nor a device: reading what they print, choosing, messages. The rest is in device_tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.errors import ModelError, RuntimeFailed, UsageError
from edgekit.runtimes import PROBE, load_runtime
from edgekit.runtimes._adb import Device, parse_benchmark, parse_profile, parse_thermal, select
from edgekit.runtimes._adb.devices import parse_devices
from edgekit.runtimes.adb import Adb

READY = Device("R5CT1", "device", "Phone", "arm64-v8a", "14")
OTHER = Device("emulator-5554", "device", emulated=True)

LISTING = """\
* daemon not running; starting now at tcp:5037
* daemon started successfully
List of devices attached
R5CT1                  device usb:1-1 product:a54 model:SM_A546B device:a54x transport_id:3
emulator-5554          offline transport_id:1
0A1B2C                 unauthorized usb:2-1 transport_id:4
99XY                   no permissions (user in plugdev group; are your udev rules wrong?); see [http://x/y.html] usb:3-1
"""

# The table as TensorFlow up to 2.14 prints it: tabs, a column [start], no prefix; one operator is called twice.
OLD_TEXT = """\
STARTING!
Num threads: [4]
Loaded model model.tflite
The input model file size (MB): 0.5
Initialized session in 4.5ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=1 curr=1300000

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=1010000 curr=990000 min=980000 max=1.1e+06 avg=1.00004e+06 std=10000

Inference timings in us: Init: 4500, First inference: 1300000, Warmup (avg): 1.3e+06, Inference (avg): 1.00004e+06
Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual memory.
Peak memory footprint (MB): init=1.5 overall=8
Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
\t             [node type]\t          [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t         AllocateTensors\t            0.000\t    9.000\t    9.000\t100.000%\t100.000%\t     0.000\t        1\tAllocateTensors/0

Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t             [node type]\t          [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t                 CONV_2D\t            0.066\t   40.000\t   30.000\t 30.000%\t 30.000%\t     0.000\t        2\t[net/conv a/Relu6, x]:0
\t       DEPTHWISE_CONV_2D\t           61.033\t   33.000\t   38.000\t 38.000%\t 98.000%\t     0.000\t        0\t[net/dw]
\t                 SOFTMAX\t           99.033\t    2.000\t    2.000\t  2.000%\t100.000%\t     0.000\t        1\t[Identity]:2

============================== Top by Computation Time ==============================
\t             [node type]\t          [start]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t       DEPTHWISE_CONV_2D\t           61.033\t   33.000\t   38.000\t 38.000%\t 98.000%\t     0.000\t        0\t[net/dw]

Number of nodes executed: 3
============================== Summary by node type ==============================
\t             [Node type]\t  [count]\t  [avg ms]\t    [avg %]\t    [cdf %]\t  [mem KB]\t[times called]
\t                 CONV_2D\t        1\t    60.000\t    60.000%\t    60.000%\t     0.000\t        2

Timings (microseconds): count=50 first=9 curr=9 min=9 max=9 avg=9 std=1
Memory (bytes): count=0
3 nodes observed
"""

# As later versions do: a prefix, percentiles, wider columns, and the operators of XNNPACK told apart.
NEW_TEXT = """\
INFO: STARTING!
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: count=35 first=1900 curr=1390 min=1350 max=1910 avg=1445.5 std=124 p5=1360 median=1440 p95=1800

INFO: count=70 first=1494 curr=1406 min=1372 max=1614 avg=1429.9 std=45 p5=1380 median=1425 p95=1500

INFO: Inference timings in us: Init: 52687, First inference: 1900, Warmup (avg): 1445.5, Inference (avg): 1429.9
INFO: Memory footprint delta from the start of the tool (MB): init=2.5 overall=34.25
INFO: Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t                 [node type]\t      [first]\t     [avg ms]\t        [%]\t      [cdf%]\t      [mem KB]\t    [times called]\t[Name]
\t                    QUANTIZE\t        0.199\t        0.200\t     14.286%\t     14.286%\t         0.000\t            1\t[tfl.quantize]:0
\t       TfLiteXNNPackDelegate\t        1.199\t        1.200\t     85.714%\t    100.000%\t         0.000\t            1\t[Identity]:7

============================== Top by Computation Time ==============================
\t                 [node type]\t      [first]\t     [avg ms]\t        [%]\t      [cdf%]\t      [mem KB]\t    [times called]\t[Name]
\t       TfLiteXNNPackDelegate\t        1.199\t        1.200\t     85.714%\t    100.000%\t         0.000\t            1\t[Identity]:7

Timings (microseconds): count=70 first=9 curr=9 min=9 max=9 avg=9 std=1

Delegate internal:
============================== Run Order ==============================
\t                 [node type]\t      [first]\t     [avg ms]\t        [%]\t      [cdf%]\t      [mem KB]\t    [times called]\t[Name]
\tConvolution (NHWC, QC8) IGEMM\t        0.398\t        0.600\t     50.000%\t     50.000%\t         0.000\t            1\tDelegate/Convolution (NHWC, QC8) IGEMM:0
\t               Add (ND, QS8)\t        0.100\t        0.150\t     42.857%\t    100.000%\t         0.000\t            3\tDelegate/Add (ND, QS8):1

============================== Top by Computation Time ==============================
"""


@pytest.fixture(autouse=True)
def no_serial(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDGEKIT_ADB_SERIAL", "ANDROID_SERIAL", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)


def test_reads_the_list_of_devices() -> None:
    assert [(device.serial, device.state, device.model) for device in parse_devices(LISTING)] == [
        ("R5CT1", "device", "SM A546B"),
        ("emulator-5554", "offline", None),
        ("0A1B2C", "unauthorized", None),
        ("99XY", "no permissions", None),
    ]
    assert parse_devices("List of devices attached\n\n") == []


def test_reads_times_and_memory_of_old_tools() -> None:
    told = parse_benchmark(OLD_TEXT)
    assert (told.runs, told.init_ms, told.first_ms, told.warmup_ms) == (50, 4.5, 1300.0, 1300.0)
    latency = told.latency_ms
    assert (latency.mean, latency.std, latency.min, latency.max) == pytest.approx((1000.04, 10.0, 980.0, 1100.0))
    assert (latency.p5, latency.median, latency.p95) == (None, None, None)
    assert latency.high - latency.mean == pytest.approx(1.96 * 10 / 50**0.5)
    assert (told.init_bytes, told.peak_memory_bytes) == (3 << 19, 8 << 20)


def test_reads_times_and_memory_of_new_tools() -> None:
    told = parse_benchmark(NEW_TEXT)
    assert (told.runs, told.latency_ms.p5, told.latency_ms.median, told.latency_ms.p95) == (70, 1.38, 1.425, 1.5)
    assert told.peak_memory_bytes == round(34.25 * 2**20)


def test_reads_a_single_run_and_equal_runs() -> None:
    text = "count=1 curr=7\n\n{}\n\nInference timings in us: Init: 5, First inference: 7, Warmup (avg): 7, Inference (avg): 9"
    for line, runs in (("count=1 curr=9", 1), ("count=12 curr=9 (all same)", 12)):
        told = parse_benchmark(text.format(line))
        assert told.runs == runs and told.peak_memory_bytes is None
        assert (told.latency_ms.min, told.latency_ms.max, told.latency_ms.std) == (0.009, 0.009, 0.0)


@pytest.mark.parametrize("end", ["Inference timings", "count=50 first"])
def test_a_text_that_breaks_off_is_told_apart(end: str) -> None:
    with pytest.raises(ValueError, match="no line of"):
        parse_benchmark(OLD_TEXT.partition(end)[0])
    with pytest.raises(ValueError, match="no line of"):
        parse_benchmark("")


def test_reads_operators_of_the_main_graph() -> None:
    profile = parse_profile(OLD_TEXT)
    assert profile is not None
    assert [(row.operator, row.name, row.value) for row in profile] == [
        ("CONV_2D", "net/conv a/Relu6, x", 60.0),
        ("DEPTHWISE_CONV_2D", "net/dw", 38.0),
        ("SOFTMAX", "Identity", 2.0),
    ]
    assert sum(row.share for row in profile) == pytest.approx(1.0) and {row.unit for row in profile} == {"ms"}
    assert parse_profile(OLD_TEXT.partition("Operator-wise")[0]) is None


def test_reads_operators_of_a_delegate_in_its_place() -> None:
    profile = parse_profile(NEW_TEXT)
    assert profile is not None
    assert [(row.operator, round(row.value, 6)) for row in profile] == [
        ("Convolution (NHWC, QC8) IGEMM", 0.6),
        ("Add (ND, QS8)", 0.45),
        ("QUANTIZE", 0.2),
    ]
    without = parse_profile(NEW_TEXT.partition("Delegate internal")[0])
    assert without is not None and without[0].operator == "TfLiteXNNPackDelegate"


def test_reads_temperatures() -> None:
    text = """\
IsStatusOverride: false
Thermal Status: 2
Cached temperatures:
\tTemperature{mValue=99.0, mType=4, mName=SKIN, mStatus=0}
HAL Ready: true
Current temperatures from HAL:
\tTemperature{mValue=36.5, mType=4, mName=SKIN, mStatus=0}
\tTemperature{mValue=-99.9, mType=6, mName=TYPE_POWER_AMPLIFIER, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=1, mType=4, mName=TYPE_MODEM}
"""
    thermal = parse_thermal(text)
    assert thermal is not None
    assert (thermal.status, thermal.level, dict(thermal.temperatures)) == (2, "moderate", {"SKIN": 36.5})
    assert parse_thermal("Can't find service: thermalservice") is None


def test_the_only_ready_device_is_meant() -> None:
    assert select(None, [READY, Device("0A1B2C", "unauthorized")]) == READY


def test_a_serial_decides_the_argument_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_SERIAL", READY.serial)
    assert select(None, [READY, OTHER]) == READY
    monkeypatch.setenv("EDGEKIT_ADB_SERIAL", OTHER.serial)
    assert select(None, [READY, OTHER]) == OTHER
    assert select(READY.serial, [READY, OTHER]) == READY


@pytest.mark.parametrize(
    ("serial", "devices", "message"),
    [
        (None, [], r"needs a connected Android device\. Received: no device\. Plug one in"),
        (None, [READY, OTHER], r"Received: R5CT1 \(device\), emulator-5554 \(device\)\. Set EDGEKIT_ADB_SERIAL"),
        (None, [Device("a", "unauthorized")], r"Received: state 'unauthorized'\. Unlock it and allow USB debugging"),
        (None, [Device("a", "no permissions")], r"Received: state 'no permissions'\. Give your user access"),
        ("b", [READY, Device("b", "offline")], r"Received: state 'offline'\. Plug it in again"),
        ("c", [READY], r"The device c must be connected\. Received: R5CT1 \(device\)"),
    ],
)
def test_says_why_no_device_can_be_used(serial: str | None, devices: list[Device], message: str) -> None:
    with pytest.raises(RuntimeFailed, match=message) as caught:
        select(serial, devices)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("serial", ["-s", "--help", "", "a b", "a\nb"])
def test_refuses_what_is_no_serial_number(serial: str) -> None:
    with pytest.raises(UsageError, match="begins with a letter or digit"):
        select(serial, [READY])


def test_without_adb_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = load_runtime("adb").probe()
    assert reason is not None and "\n" not in reason
    assert reason.startswith("The runtime adb needs the program adb.") and "apt-get install adb" in reason
    (tmp_path / "adb").write_text("no program at all")
    (tmp_path / "adb").chmod(0o755)
    assert "needs a working program adb" in str(load_runtime("adb").probe())


def test_checks_its_arguments_before_it_looks_for_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    device = Adb()
    for call in (device.open, device.time, device.benchmark):
        with pytest.raises(ModelError):
            call(tmp_path / "absent.tflite")
        with pytest.raises(UsageError, match="at least one of: threads"):
            call(PROBE, threads=0)
    with pytest.raises(UsageError, match="at least one of: runs"):
        device.benchmark(PROBE, runs=0)


def test_import_is_light() -> None:
    code = "import sys, edgekit.runtimes.adb; assert not {'tensorflow', 'ai_edge_litert'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
