"""A model that an app gets later than its wrapper: its labels are held to the wrapper's; and work on another thread."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from java import compile_java, compile_kotlin, java_missing, run_java
from wrapped_models import two_by_two

import edgekit
from edgekit.tflite.metadata import Metadata, attach, encode

REASON = java_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

PACKAGE = "com.example.model"
LATER = """
package com.example.model;

import java.io.File;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

public final class Later {
  private static final class Printed implements Model.Outcome<String> {
    @Override
    public void succeeded(String result) {
      System.out.println(result + " on " + Thread.currentThread().getName());
    }

    @Override
    public void failed(Throwable error) {
      System.out.println("failed: " + error.getMessage());
    }
  }

  public static void main(String[] arguments) throws Exception {
    for (String argument : arguments) {
      try {
        Model.open(new File(argument), new Model.Options().xnnpack(false).otherSha256(true)).close();
        System.out.println("taken");
      } catch (IllegalArgumentException error) {
        System.out.println(error.getMessage());
      }
    }
    Model model = Model.open(new File(arguments[0]), new Model.Options().xnnpack(false));
    ExecutorService executor =
        Executors.newSingleThreadExecutor(
            new ThreadFactory() {
              @Override
              public Thread newThread(Runnable work) {
                return new Thread(work, "worker");
              }
            });
    model.on(
        executor,
        new Model.Work<String>() {
          @Override
          public String with(Model its) {
            its.run();
            return its.scores().length + " scores";
          }
        },
        new Printed());
    model.on(
        executor,
        new Model.Work<String>() {
          @Override
          public String with(Model its) throws Exception {
            throw new Exception("on purpose");
          }
        },
        new Printed());
    executor.shutdown();
    executor.awaitTermination(10, TimeUnit.SECONDS);
    model.close();
  }
}
"""

KOTLIN_LATER = """
package com.example.model

import java.io.File
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import kotlin.coroutines.Continuation
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine

public object Later {
    @JvmStatic
    public fun main(arguments: Array<String>) {
        for (argument in arguments) {
            try {
                Model.open(File(argument), Model.Options(xnnpack = false, otherSha256 = true)).close()
                println("taken")
            } catch (error: IllegalArgumentException) {
                println(error.message)
            }
        }
        val model = Model.open(File(arguments[0]), Model.Options(xnnpack = false))
        val executor = Executors.newSingleThreadExecutor { Thread(it, "worker") }
        val printed = object : Continuation<String> {
            override val context = EmptyCoroutineContext

            override fun resumeWith(result: Result<String>) {
                println(result.fold({ it }, { "failed: ${it.message}" }))
            }
        }
        val work: suspend () -> String = {
            model.on(executor) {
                it.run()
                "${it.scores().size} scores on ${Thread.currentThread().name}"
            }
        }
        work.startCoroutine(printed)
        val failing: suspend () -> String = { model.on(executor) { throw IllegalStateException("on purpose") } }
        failing.startCoroutine(printed)
        executor.shutdown()
        executor.awaitTermination(10, TimeUnit.SECONDS)
        model.close()
    }
}
"""


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("later") / "two_by_two.tflite"
    two_by_two(path)
    return path


@pytest.mark.parametrize("language", ["java", "kotlin"])
def test_labels_in_a_file_that_came_later_and_work_on_another_thread(
    language: str, model_file: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\n$c\n")
    options = {"package": PACKAGE, "name": "Model", "language": language, "labels": str(labels)}
    foreign = shutil.copy(model_file, tmp_path / "foreign.tflite")  # without its sidecar, which calls it a regression
    edgekit.export(foreign, {"android": options}, tmp_path / "module")
    main = tmp_path / "module" / "src" / "main"
    sources = [*main.rglob("*.java"), *main.rglob("*.kt")]
    if language == "kotlin":
        (tmp_path / "Later.kt").write_text(KOTLIN_LATER)
        compile_kotlin([*sources, tmp_path / "Later.kt"], tmp_path / "classes")
    else:
        (tmp_path / "Later.java").write_text(LATER)
        assert compile_java([*sources, tmp_path / "Later.java"], tmp_path / "classes") == []
    content = model_file.read_bytes()
    told = encode(Metadata("Model"))
    files = {
        "none.tflite": content,
        "same.tflite": attach(content, told, {"other": b"1", "labels.txt": b"a\nb\r\n$c"}, {"note": b"x"}),
        "order.tflite": attach(content, told, {"labels.txt": b"a\n$c\nb\n"}, {}),
        "fewer.tflite": attach(content, told, {"labels.txt": b"a\nb\n"}, {}),
        "spoilt.tflite": content + b"PK\5\6" + b"\xff" * 18,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    said = run_java(
        f"{PACKAGE}.Later", tmp_path / "classes", *(tmp_path / name for name in files), kotlin=language == "kotlin"
    )
    none, same, order, fewer, spoilt, thread, failure = said.splitlines()
    assert none == same == "taken"
    assert order == "The labels in the model must be those of this class. Received: $c in the place of b."
    assert fewer == "The labels in the model must be those of this class. Received: no class 2 in the place of $c."
    assert spoilt.startswith("The files behind the model must be whole. Received: ")
    assert thread == "3 scores on worker" and failure == "failed: on purpose"
