"""The Java and the Kotlin of every operation against numpy, bit for bit, in a real JVM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from java import compile_java, compile_kotlin, java_missing, run_java
from preprocessing_cases import CASES, Case

from edgekit.tensors import Array, TensorSpec
from edgekit_converters.android.wrapper.contract import Contract, Port
from edgekit_converters.android.wrapper.emitter import sources
from edgekit_converters.android.wrapper.java import JAVA
from edgekit_converters.android.wrapper.kotlin import KOTLIN
from edgekit_converters.preprocessing import stages_of

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

Answers = dict[str, list[tuple[bool, Array]]]
"""By case, of each sample: whether the values are whole, and the values."""
LANGUAGES = {"java": JAVA, "kotlin": KOTLIN}
SAMPLES = 50
TEXT_CALL = """
    if (name.equals("{name}")) {{
      {name}Preprocessing made = new {name}Preprocessing();
      whole = made.prepare(text);
      values = made.{values}();
    }}"""
CALL = """
    if (name.equals("{name}")) {{
      {name}Preprocessing made = new {name}Preprocessing();
      whole = raw != null ? made.prepare(raw{sizes}) : made.prepare(real{sizes});
      values = made.{values}();
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
      String text = bytes == 0 ? in.readUTF() : null;
      byte[] raw = bytes == 1 ? new byte[count] : null;
      float[] real = bytes == 4 ? new float[count] : null;
      for (int k = 0; k < count && bytes > 0; k++) {{
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


def _after(case: Case) -> tuple[int, ...]:
    return case.expected(case.samples(1)[0]).shape


def _contract(case: Case) -> Contract:
    port = Port("", TensorSpec("x", (1, *_after(case)), "float32"))
    stages = stages_of(case.preprocessing, _after(case))
    return Contract(
        "com.example.cases", _class(case), "x.tflite", "0" * 64, 1, (port,), (port,), (), "unknown",
        False, False, False, stages, True, "0",
    )  # fmt: skip


def _is_sized(case: Case) -> bool:
    return None in stages_of(case.preprocessing, _after(case)).raw.shape


def _record(case: Case, sample: Array) -> bytes:
    name = _class(case).encode()
    height, width = sample.shape[:2] if sample.ndim == 3 else (0, 0)
    head = np.array(
        [0 if case.text else sample.itemsize, sample.size, height, width, case.expected(sample).size], ">i4"
    ).tobytes()
    if case.text:  # as DataInput reads it: characters beyond 16 bits as two, of three bytes each
        units = sample.tobytes().decode().encode("utf-16-be")
        pairs = (units[i : i + 2].decode("utf-16-be", "surrogatepass") for i in range(0, len(units), 2))
        encoded = "".join(pairs).encode("utf-8", "surrogatepass")
        return len(name).to_bytes(2, "big") + name + head + len(encoded).to_bytes(2, "big") + encoded
    return len(name).to_bytes(2, "big") + name + head + sample.astype(sample.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="module", params=["java", "kotlin"])
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What the language made of every sample: one compilation and one JVM for all cases."""
    language = request.param
    folder = tmp_path_factory.mktemp(language)
    files, calls = [], []
    for case in CASES:
        name = f"{_class(case)}Preprocessing.{LANGUAGES[language].ending}"
        made = sources(LANGUAGES[language], _contract(case), "x.golden")[name]
        (folder / name).write_text(made)
        files.append(folder / name)
        sizes = ", height, width" if _is_sized(case) else ""
        values = "values" if language == "java" else "getValues"
        calls.append((TEXT_CALL if case.text else CALL).format(name=_class(case), sizes=sizes, values=values))
    classes, driver = folder / "classes", folder / "Driver.java"
    driver.write_text(DRIVER.format(calls="".join(calls)))
    if language == "kotlin":
        compile_kotlin(files, classes)
        files = []
    assert compile_java([*files, driver], classes, more=[classes]) == []
    records = [_record(case, sample) for case in CASES for sample in case.samples(SAMPLES)]
    (folder / "in").write_bytes(len(records).to_bytes(4, "big") + b"".join(records))
    run_java("com.example.cases.Driver", classes, folder / "in", folder / "out", kotlin=language == "kotlin")
    return _read(folder / "out")


def _read(path: Path) -> Answers:
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
def test_the_device_gives_the_bits_that_numpy_gives(case: Case, answers: Answers) -> None:
    for sample, (whole, values) in zip(case.samples(SAMPLES), answers[case.name], strict=True):
        expected = case.expected(sample)
        assert whole == (expected.dtype.kind in "iu")
        np.testing.assert_array_equal(values, expected.astype(np.float32).ravel())
