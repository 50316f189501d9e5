"""The wrapper and a GPU delegate: on the thread that opened it, and without one where the device has none.

There is no GPU here: in the place of TFLite's GPU library stand classes of the same signatures, whose delegate is a
real one of C that leaves every operator to the processor, or refuses the model.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from java import compile_java, compile_kotlin, java_missing, kotlin_library, run_java
from tflite_files import buffer, dense_model, packed

import edgekit

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

DELEGATE = """
#include <jni.h>
#include <stdint.h>

/* TfLiteDelegate of common.h, as TFLite 2.6 has it. */
typedef struct Delegate {
  void *data;
  int (*prepare)(void *, struct Delegate *);
  void *from_handle, *to_handle, *free_handle;
  int64_t flags;
} Delegate;

static int leave(void *context, Delegate *delegate) { return 0; }
static int refuse(void *context, Delegate *delegate) { return 1; }
static Delegate leaves = {0, leave, 0, 0, 0, 0}, refuses = {0, refuse, 0, 0, 0, 0};

JNIEXPORT jlong JNICALL Java_org_tensorflow_lite_gpu_GpuDelegate_handle(JNIEnv *env, jclass type, jboolean takes) {
  return (jlong)(intptr_t)(takes ? &leaves : &refuses);
}
"""
GPU = {
    "CompatibilityList": """
package org.tensorflow.lite.gpu;

public class CompatibilityList implements java.io.Closeable {
  public boolean isDelegateSupportedOnThisDevice() {
    return !System.getProperty("gpu").equals("none");
  }

  public GpuDelegate.Options getBestOptionsForThisDevice() {
    return new GpuDelegate.Options();
  }

  @Override
  public void close() {
    System.out.println("list closed");
  }
}
""",
    "GpuDelegate": """
package org.tensorflow.lite.gpu;

public class GpuDelegate implements org.tensorflow.lite.Delegate {
  public GpuDelegate(GpuDelegateFactory.Options options) {
    System.load(System.getProperty("delegate"));
  }

  @Override
  public long getNativeHandle() {
    return handle(System.getProperty("gpu").equals("takes"));
  }

  public void close() {
    System.out.println("delegate closed");
  }

  private static native long handle(boolean takes);

  public static class Options extends GpuDelegateFactory.Options {}
}
""",
    "GpuDelegateFactory": """
package org.tensorflow.lite.gpu;

public class GpuDelegateFactory {
  public static class Options {}
}
""",
}
DRIVER = """
package com.example.model;

import java.io.File;
import java.io.FileInputStream;

public final class Driver {
  public static void main(final String[] arguments) throws Exception {
    System.setProperty("delegate", arguments[2]);
    for (int i = 3; i < arguments.length; i++) {
      System.setProperty("gpu", arguments[i]);
      final Model model = OPEN;
      model.run();
      System.out.println(arguments[i] + (model.ONGPU ? " on a GPU" : " on the processor"));
      try {
        System.out.println(model.selfTest(new FileInputStream(arguments[1])));
      } catch (IllegalStateException error) {
        System.out.println(error.getMessage());
      }
      Thread other = new Thread("other") {
        @Override
        public void run() {
          try {
            model.run();
            System.out.println("ran elsewhere");
          } catch (IllegalStateException error) {
            System.out.println(error.getMessage());
          }
        }
      };
      other.start();
      other.join();
      model.close();
    }
  }
}
"""
JAVA_OPEN = "Model.open(new File(arguments[0]), new Model.Options().xnnpack(false).gpu(true))"
KOTLIN_OPEN = "Model.Companion.open(new File(arguments[0]), new Model.Options(1, false, false, true))"
PROCESSOR = ["on the processor", "[]", "ran elsewhere"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = dense_model()
    kernel = made.subgraphs[0].tensors[1]
    kernel.type, kernel.quantization, kernel.buffer = 0, None, len(made.buffers)
    made.buffers.append(buffer(np.arange(12, dtype="<f4").view(np.uint8)))
    made.operatorCodes[0].version = 1
    path = tmp_path / "dense.tflite"
    path.write_bytes(packed(made))
    return path


@pytest.fixture
def gpu(tmp_path: Path) -> tuple[Path, Path]:
    """Classes of a GPU library, and the delegate of C."""
    sources = []
    for name, text in GPU.items():
        sources.append(tmp_path / "gpu" / f"{name}.java")
        sources[-1].parent.mkdir(exist_ok=True)
        sources[-1].write_text(text)
    compile_java(sources, tmp_path / "gpu_classes")
    (tmp_path / "delegate.c").write_text(DELEGATE)
    home = Path(os.path.realpath(shutil.which("javac") or "")).parents[1]
    include = [f"-I{home / 'include'}", f"-I{home / 'include' / 'linux'}"]
    library = tmp_path / "libdelegate.so"
    subprocess.run(["gcc", "-shared", "-fPIC", *include, "-o", library, tmp_path / "delegate.c"], check=True)
    return tmp_path / "gpu_classes", library


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_a_gpu_is_used_where_there_is_one_and_left_where_there_is_none(
    language: str, model: Path, gpu: tuple[Path, Path], tmp_path: Path
) -> None:
    options = {"name": "Model", "package": "com.example.model", "language": language, "gpu": True}
    edgekit.export(model, {"android": options}, tmp_path / "module")
    main, classes = tmp_path / "module" / "src" / "main", tmp_path / "classes"
    kotlin = language == "kotlin"
    driver = tmp_path / "Driver.java"
    driver.write_text(
        DRIVER.replace("OPEN", KOTLIN_OPEN if kotlin else JAVA_OPEN, 1).replace(
            "ONGPU", "getOnGpu()" if kotlin else "onGpu()"
        )
    )
    if kotlin:
        compile_kotlin(main.rglob("*.kt"), classes, more=[gpu[0]])
        compile_java([driver], classes, more=[classes, gpu[0], kotlin_library()])
    else:
        assert compile_java([*main.rglob("*.java"), driver], classes, more=[gpu[0]]) == []
    assets = main / "assets" / "edgekit" / "com.example.model"
    arguments = [assets / "Model.tflite", assets / "Model.golden", gpu[1]]
    absent = run_java("com.example.model.Driver", classes, *arguments, "absent", kotlin=kotlin)
    assert absent.splitlines() == ["absent on the processor", *PROCESSOR[1:]]
    for path in gpu[0].rglob("*.class"):
        (classes / path.relative_to(gpu[0])).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, classes / path.relative_to(gpu[0]))
    said = run_java("com.example.model.Driver", classes, *arguments, "none", "refuses", "takes", kotlin=kotlin)
    assert said.splitlines() == [
        *["list closed", "none on the processor", *PROCESSOR[1:]],
        *["list closed", "delegate closed", "refuses on the processor", *PROCESSOR[1:]],
        *["list closed", "takes on a GPU"],
        "Golden vectors have bounds for processors alone: open the model without gpu.",
        "A model on a GPU runs on the thread that opened it, main. Received: other",
        "delegate closed",
    ]


def test_the_library_for_gpus_is_a_dependency_and_stateful_models_are_refused(model: Path, tmp_path: Path) -> None:
    edgekit.export(model, {"android": {"gpu": True}}, tmp_path / "module")
    needed = (tmp_path / "module" / "build.gradle.kts").read_text()
    assert 'implementation("org.tensorflow:tensorflow-lite-gpu:2.16.1")' in needed
    exported = edgekit.export(model, {"android": {"gpu": True, "aar": True}}, tmp_path / "aar")
    pom = (tmp_path / "aar" / exported.files[1].path).read_text()
    assert pom.count("<dependency>") == 2 and "<artifactId>tensorflow-lite-gpu</artifactId>" in pom
    edgekit.export(model, {"android": {"gpu": False}}, tmp_path / "plain")
    assert "gpu" not in (tmp_path / "plain" / "build.gradle.kts").read_text().lower()
