"""The wrapper in Android's own framework: model from the assets, pictures that Skia decoded, frames of a camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from java import TFLITE, compile_kotlin
from PIL import Image
from robolectric import FRAMEWORKS, compile_tests, resources, robolectric_missing, run_tests

import edgekit
from edgekit import _tf, tflite
from edgekit.data.preprocessing import Preprocessing
from edgekit.runtimes import load_runtime
from edgekit.tensors import Array, quantize
from edgekit.training import seed_everything

REASON = robolectric_missing()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

PACKAGE = "com.example.pictures"
SIDE = 24
PREPROCESSING = f"[{{resize: {{height: {SIDE}, width: {SIDE}}}}}, {{normalize: {{mean: [127.5], std: [127.5]}}}}]"
TESTS = """
package com.example.pictures;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.os.Build;
import java.io.File;
import java.io.FileOutputStream;
import java.nio.ByteBuffer;
import java.util.Collections;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

@RunWith(TfliteRunner.class)
@Config(sdk = {34, 35})
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class PictureTests {
  private Pictures model;

  @Before
  public void open() throws Exception {
    Context context = RuntimeEnvironment.getApplication();
    model = Pictures.open(context, new Pictures.Options().xnnpack(false));
  }

  @After
  public void close() {
    model.close();
  }

  @Test
  public void goldenVectors() throws Exception {
    assertEquals(Collections.<String>emptyList(), model.selfTest());
  }

  @Test
  public void picturesAreWrittenDown() throws Exception {
    for (File file : new File(System.getProperty("pictures")).listFiles()) {
      Bitmap image = BitmapFactory.decodeFile(file.getPath());
      int best = model.classify(image);
      String stem = System.getProperty("out") + "/" + Build.VERSION.SDK_INT + "-" + file.getName();
      write(stem + ".pixels", rgb(image));
      write(stem + ".input", bytes(model.input()));
      write(stem + ".output", bytes(model.output()));
      assertEquals(best, model.top(3)[0]);
      assertEquals("class " + best, Pictures.label(best));
    }
  }

  @Test
  public void everyConfigurationOfBitmapGivesTheSameAsItsCopy() throws Exception {
    Bitmap.Config[] configs = {Bitmap.Config.RGB_565, Bitmap.Config.RGBA_F16, Bitmap.Config.HARDWARE};
    for (Bitmap.Config config : configs) {
      Bitmap image = picture().copy(config, false);
      if (image == null) {
        continue; // no such configuration here
      }
      model.prepare(image.copy(Bitmap.Config.ARGB_8888, false));
      byte[] expected = bytes(model.input());
      model.prepare(image);
      assertArrayEquals(config.name(), expected, bytes(model.input()));
    }
  }

  @Test
  public void aFrameIsTurnedUpright() throws Exception {
    Bitmap image = picture();
    int stride = 4 * image.getWidth() + 12;
    for (int rotation = 0; rotation < 360; rotation += 90) {
      android.graphics.Matrix matrix = new android.graphics.Matrix();
      matrix.postRotate(rotation);
      Bitmap upright = Bitmap.createBitmap(image, 0, 0, image.getWidth(), image.getHeight(), matrix, false);
      model.prepare(upright);
      byte[] expected = bytes(model.input());
      ByteBuffer frame = ByteBuffer.allocateDirect(stride * image.getHeight());
      for (int y = 0; y < image.getHeight(); y++) {
        for (int x = 0; x < image.getWidth(); x++) {
          int pixel = image.getPixel(x, y);
          int at = y * stride + 4 * x;
          frame.put(at, (byte) (pixel >> 16)).put(at + 1, (byte) (pixel >> 8)).put(at + 2, (byte) pixel);
        }
      }
      model.prepareRgba(frame, image.getWidth(), image.getHeight(), stride, rotation);
      assertArrayEquals("" + rotation, expected, bytes(model.input()));
    }
  }

  @Test
  public void aPhotoOfTwelveMegapixelsTakesTheMemoryOfAFewRows() throws Exception {
    Bitmap photo = Bitmap.createBitmap(4000, 3000, Bitmap.Config.ARGB_8888);
    photo.eraseColor(0xff102030);
    model.classify(picture());
    long before = allocated();
    model.classify(photo);
    long taken = allocated() - before;
    assertTrue(taken + " bytes", taken < 1000000);
    photo.setPixel(1234, 1501, 0x7f102030); // in a row that no row of the model's image comes from
    refused("a bitmap with alpha", () -> model.prepare(photo));
  }

  private static long allocated() {
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  @Test
  public void badInputIsNamed() throws Exception {
    refused("45", () -> model.prepareRgba(ByteBuffer.allocate(400), 10, 10, 40, 45));
    refused("row stride of 39", () -> model.prepareRgba(ByteBuffer.allocate(400), 10, 10, 39, 0));
    refused("in 399 bytes", () -> model.prepareRgba(ByteBuffer.allocate(399), 10, 10, 40, 0));
    refused("Received: 5", () -> model.setInput(new float[5]));
    refused("Received: 10 for 2 x 2", () -> model.prepare(new byte[10], 2, 2));
    refused("ALPHA_8", () -> model.prepare(Bitmap.createBitmap(30, 20, Bitmap.Config.ALPHA_8)));
    refused("a bitmap with alpha", () -> model.prepare(Bitmap.createBitmap(30, 20, Bitmap.Config.ARGB_8888)));
    Bitmap gone = picture();
    gone.recycle();
    refused("a recycled bitmap", () -> model.prepare(gone));
  }

  private interface Act {
    void run() throws Exception;
  }

  private static void refused(String words, Act act) throws Exception {
    try {
      act.run();
    } catch (IllegalArgumentException error) {
      assertTrue(error.getMessage(), error.getMessage().contains(words));
      return;
    }
    fail(words);
  }

  private static Bitmap picture() {
    File first = new File(System.getProperty("pictures"), "noise.png");
    return BitmapFactory.decodeFile(first.getPath());
  }

  private static byte[] rgb(Bitmap image) {
    byte[] all = new byte[image.getWidth() * image.getHeight() * 3];
    for (int i = 0; i < all.length / 3; i++) {
      int pixel = image.getPixel(i % image.getWidth(), i / image.getWidth());
      all[3 * i] = (byte) (pixel >> 16);
      all[3 * i + 1] = (byte) (pixel >> 8);
      all[3 * i + 2] = (byte) pixel;
    }
    return all;
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] all = new byte[buffer.remaining()];
    buffer.get(all);
    return all;
  }

  private static void write(String path, byte[] content) throws Exception {
    FileOutputStream stream = new FileOutputStream(path);
    stream.write(content);
    stream.close();
  }
}
"""


def _model(path: Path) -> None:
    keras = _tf.tf_keras()
    seed_everything(4)
    layers = [
        keras.layers.Input((SIDE, SIDE, 3)),
        keras.layers.Conv2D(8, 3, strides=4, activation="relu"),
        keras.layers.Conv2D(6, 5),
        keras.layers.Flatten(),
    ]
    data = np.random.default_rng(0).uniform(-1, 1, (64, SIDE, SIDE, 3)).astype(np.float32)
    model = keras.Sequential(layers)
    edgekit.convert(model, path, data=(data, np.arange(64) % model.output_shape[-1]), task="classification")


def _pictures(folder: Path) -> dict[str, tuple[int, int]]:
    """A picture of each file kind; gives heights and widths."""
    rng = np.random.default_rng(1)
    folder.mkdir()
    noise = rng.integers(0, 256, (40, 57, 3), dtype=np.uint8)
    y, x = np.mgrid[0:90, 0:61]
    smooth = np.stack([x * 4, y * 2, 255 - x * 2], -1).astype(np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    Image.fromarray(smooth).save(folder / "smooth.jpg", quality=80)
    Image.fromarray(noise[..., 0]).save(folder / "gray.png")
    Image.fromarray(smooth[:SIDE, :SIDE]).save(folder / "exact.png")
    return {"noise.png": (40, 57), "smooth.jpg": (90, 61), "gray.png": (40, 57), "exact.png": (SIDE, SIDE)}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, tuple[int, int]], str]:
    """The model, the folder of what the tests wrote, the pictures' sizes, and JUnit's words."""
    folder = tmp_path_factory.mktemp("robolectric")
    model = folder / "m.tflite"
    _model(model)
    labels = folder / "labels.txt"
    labels.write_text("".join(f"class {i}\n" for i in range(tflite.read(model).graphs[0].tensors[-1].elements)))
    options = {"package": PACKAGE, "name": "Pictures", "labels": str(labels), "preprocessing": PREPROCESSING}
    edgekit.export(model, {"android": options}, folder / "module")
    main, classes, out = folder / "module" / "src" / "main", folder / "classes", folder / "out"
    out.mkdir()
    tests = folder / "PictureTests.java"
    tests.write_text(TESTS)
    compile_tests([*main.rglob("*.java"), tests], PACKAGE, classes)
    resources(folder, PACKAGE, main / "assets", classes)
    sizes = _pictures(folder / "pictures")
    said = run_tests(classes, f"{PACKAGE}.PictureTests", {"pictures": folder / "pictures", "out": out})
    return model, out, sizes, said


def test_all_tests_pass_on_both_frameworks(ran: tuple[Path, Path, dict[str, tuple[int, int]], str]) -> None:
    assert f"OK ({6 * len(FRAMEWORKS)} tests)" in ran[3]


@pytest.mark.parametrize("version", TFLITE)
def test_the_kotlin_for_pictures_compiles_with_every_warning_an_error(
    ran: tuple[Path, Path, dict[str, tuple[int, int]], str], version: str, tmp_path: Path
) -> None:
    options = {"package": PACKAGE, "name": "Pictures", "preprocessing": PREPROCESSING, "language": "kotlin"}
    edgekit.export(ran[0], {"android": options}, tmp_path / "module")
    compile_kotlin((tmp_path / "module" / "src" / "main").rglob("*.kt"), tmp_path / "classes", tflite=version)


@pytest.mark.parametrize("level", FRAMEWORKS)
@pytest.mark.parametrize("name", ["noise.png", "smooth.jpg", "gray.png", "exact.png"])
def test_pictures_become_the_bytes_that_numpy_makes(
    ran: tuple[Path, Path, dict[str, tuple[int, int]], str], name: str, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out, sizes, _ = ran
    monkeypatch.setenv("RUY_PATHS", "1")  # as in the JVM: code for AVX2 rounds one value in a thousand otherwise
    graph = tflite.read(model).graphs[0]
    spec = graph.tensors[graph.inputs[0]].spec
    pixels = _read(out / f"{level}-{name}.pixels", "uint8").reshape(1, *sizes[name], 3)
    prepared = Preprocessing.parse(_operations()).apply(pixels)
    given = _read(out / f"{level}-{name}.input", spec.dtype).reshape(spec.shape)
    np.testing.assert_array_equal(given, quantize(prepared, spec))
    session = load_runtime("tflite_runtime").open(model, kernels="builtin")
    try:
        expected = session.run([given], fresh=True)[0]
    finally:
        session.close()
    np.testing.assert_array_equal(_read(out / f"{level}-{name}.output", spec.dtype), expected.ravel())


def _operations() -> list[object]:
    return [{"resize": {"height": SIDE, "width": SIDE}}, {"normalize": {"mean": [127.5], "std": [127.5]}}]


def _read(path: Path, dtype: str) -> Array:
    return np.frombuffer(path.read_bytes(), dtype)
