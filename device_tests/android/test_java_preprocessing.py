"""The Java of every operation against numpy, bit for bit, in a real JVM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from java import compile_java, java_missing, run_java
from preprocessing_cases import CASES, Case

from edgekit.tensors import Array, TensorSpec
from edgekit_converters.android import java
from edgekit_converters.android.contract import Contract, Port
from edgekit_converters.preprocessing import stages_of

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

SAMPLES = 50
CALL = """
    if (name.equals("{name}")) {{
      {name}Preprocessing made = new {name}Preprocessing();
      whole = raw != null ? made.prepare(raw{sizes}) : made.prepare(real{sizes});
      values = made.values();
    }}"""
DRIVER = """
package com.example.cases;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;

public final class Driver {{
  public static void main(String[] arguments) throws Exception {{
    DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(new FileInputStream(arguments[0])));
    DataOutputStream out = new DataOutputStream(new java.io.BufferedOutputStream(new FileOutputStream(arguments[1])));
    int cases = in.readInt();
    for (int i = 0; i < cases; i++) {{
      String name = in.readUTF();
      int bytes = in.readInt();
      int count = in.readInt();
      int height = in.readInt();
      int width = in.readInt();
      int wanted = in.readInt();
      byte[] raw = bytes == 1 ? new byte[count] : null;
      float[] real = bytes == 1 ? null : new float[count];
      for (int k = 0; k < count; k++) {{
        if (bytes == 1) {{
          raw[k] = in.readByte();
        }} else {{
          real[k] = in.readFloat();
        }}
      }}
      boolean whole = false;
      float[] values = null;
{calls}
      out.writeBoolean(whole);
      for (int k = 0; k < wanted; k++) {{
        out.writeFloat(values[k]);
      }}
    }}
    out.close();
  }}
}}
"""


def _class(case: Case) -> str:
    return "".join(word.capitalize() for word in case.name.split("_"))


def _contract(case: Case) -> Contract:
    after = case.expected(case.samples(1)[0])
    port = Port("", TensorSpec("x", (1, *after.shape), "float32"))
    stages = stages_of(case.preprocessing, after.shape)
    return Contract(
        "com.example.cases", _class(case), "x.tflite", "0" * 64, 1, (port,), (port,), (), "unknown",
        False, False, False, stages, "0",
    )  # fmt: skip


def _record(case: Case, sample: Array) -> bytes:
    name = _class(case).encode()
    height, width = sample.shape[:2] if sample.ndim == 3 else (0, 0)
    head = np.array([sample.itemsize, sample.size, height, width, case.expected(sample).size], ">i4").tobytes()
    return len(name).to_bytes(2, "big") + name + head + sample.astype(sample.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[bool, Array]]]:
    """What Java made of every sample: one compilation and one JVM for all cases."""
    folder = tmp_path_factory.mktemp("java")
    sources, calls = [], []
    for case in CASES:
        made = java.sources(_contract(case), "x.golden")[f"{_class(case)}Preprocessing.java"]
        path = folder / f"{_class(case)}Preprocessing.java"
        path.write_text(made)
        sources.append(path)
        sizes = ", height, width" if "int height" in made.split("prepare(byte[] sample")[1].split(")")[0] else ""
        calls.append(CALL.format(name=_class(case), sizes=sizes))
    (folder / "Driver.java").write_text(DRIVER.format(calls="".join(calls)))
    assert compile_java([*sources, folder / "Driver.java"], folder / "classes") == []
    records = [_record(case, sample) for case in CASES for sample in case.samples(SAMPLES)]
    (folder / "in").write_bytes(len(records).to_bytes(4, "big") + b"".join(records))
    run_java("com.example.cases.Driver", folder / "classes", folder / "in", folder / "out")
    return _read(folder / "out")


def _read(path: Path) -> dict[str, list[tuple[bool, Array]]]:
    content, at, found = path.read_bytes(), 0, dict[str, list[tuple[bool, Array]]]()
    for case in CASES:
        for sample in case.samples(SAMPLES):
            size = case.expected(sample).size
            values = np.frombuffer(content, ">f4", size, at + 1).astype(np.float32)
            found.setdefault(case.name, []).append((content[at] == 1, values))
            at += 1 + 4 * size
    assert at == len(content)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_java_gives_the_bits_that_numpy_gives(case: Case, answers: dict[str, list[tuple[bool, Array]]]) -> None:
    for sample, (whole, values) in zip(case.samples(SAMPLES), answers[case.name], strict=True):
        expected = case.expected(sample)
        assert whole == (expected.dtype.kind in "iu")
        np.testing.assert_array_equal(values, expected.astype(np.float32).ravel())
