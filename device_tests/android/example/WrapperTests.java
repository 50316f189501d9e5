package com.example.digits.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Color;
import android.os.Build;
import com.example.digits.DigitClassifier;
import com.example.kotlindigits.KotlinClassifier;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** The wrappers in Java and in Kotlin of one model, TFLite's own kernels below them. */
@RunWith(TfliteRunner.class)
@Config(sdk = {34, 35}, qualifiers = "w320dp-h568dp-hdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class WrapperTests {
  private final String out = System.getProperty("out") + "/" + Build.VERSION.SDK_INT;
  private final Context context = RuntimeEnvironment.getApplication();

  /** What both languages have. */
  private interface Net extends Closeable {
    int classify(Bitmap image);

    float[] scores();

    ByteBuffer output();

    List<String> selfTest(InputStream vectors) throws Exception;
  }

  @Test
  public void testDigitsInJava() throws Exception {
    classifyAll(java(null, false), "java");
  }

  @Test
  public void testDigitsInKotlin() throws Exception {
    classifyAll(kotlin(null, false), "kotlin");
  }

  /** Those of the Kotlin wrapper are of random inputs, which tell kernels apart more than digits do. */
  @Test
  public void goldenVectorsFromTheAssets() throws Exception {
    for (boolean xnnpack : new boolean[] {true, false}) {
      DigitClassifier java = DigitClassifier.open(context, new DigitClassifier.Options().xnnpack(xnnpack));
      assertEquals(Collections.<String>emptyList(), java.selfTest());
      java.close();
      KotlinClassifier kotlin =
          KotlinClassifier.Companion.open(context, new KotlinClassifier.Options(1, xnnpack, false));
      assertEquals(Collections.<String>emptyList(), kotlin.selfTest());
      kotlin.close();
    }
  }

  @Test
  public void aChangedWeightIsRefusedOrNamed() throws Exception {
    File changed = new File(System.getProperty("changed"));
    try {
      java(changed, false).close();
      fail("A changed model was opened.");
    } catch (IllegalArgumentException error) {
      assertTrue(error.getMessage(), error.getMessage().contains("with sha256 " + DigitClassifier.SHA256));
    }
    try {
      kotlin(changed, false).close();
      fail("A changed model was opened.");
    } catch (IllegalArgumentException error) {
      assertTrue(error.getMessage(), error.getMessage().contains("with sha256 " + DigitClassifier.SHA256));
    }
    Net[] nets = {java(changed, true), kotlin(changed, true)};
    FileOutputStream said = new FileOutputStream(out + ".differences");
    for (Net net : nets) {
      InputStream vectors = context.getAssets().open(System.getProperty("golden"));
      said.write((String.join("\n", net.selfTest(vectors)) + "\n\n").getBytes("UTF-8"));
      net.close();
    }
    said.close();
  }

  /** What the app's field makes of the drawings that AppTests draws. */
  @Test
  public void drawingsAreSampled() throws Exception {
    DigitPad pad = new DigitPad(context, null);
    pad.layout(0, 0, 432, 432);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int place = 0; place < Strokes.DRAWN.length(); place++) {
      Bitmap[] last = new Bitmap[1];
      pad.clear();
      pad.setListener(digit -> last[0] = digit);
      Strokes.draw(place, pad);
      for (int i = 0; i < 64; i++) {
        all.write(Color.red(last[0].getPixel(i % 8, i / 8)));
      }
    }
    Files.write(new File(out + ".drawn").toPath(), all.toByteArray());
  }

  private void classifyAll(Net net, String language) throws Exception {
    byte[] samples = Files.readAllBytes(new File(System.getProperty("digits")).toPath());
    DataOutputStream answers = new DataOutputStream(new FileOutputStream(out + "." + language));
    Bitmap image = Bitmap.createBitmap(8, 8, Bitmap.Config.ARGB_8888);
    for (int at = 0; at < samples.length; at += 64) {
      for (int i = 0; i < 64; i++) {
        int ink = samples[at + i];
        image.setPixel(i % 8, i / 8, Color.rgb(ink, ink, ink));
      }
      answers.writeByte(net.classify(image));
      ByteBuffer output = net.output();
      while (output.hasRemaining()) {
        answers.writeByte(output.get());
      }
      for (float score : net.scores()) {
        answers.writeFloat(score);
      }
    }
    answers.close();
    net.close();
  }

  private Net java(File file, boolean other) throws Exception {
    DigitClassifier.Options options = new DigitClassifier.Options().xnnpack(false).otherSha256(other);
    DigitClassifier model =
        file == null ? DigitClassifier.open(context, options) : DigitClassifier.open(file, options);
    return new Net() {
      @Override
      public int classify(Bitmap image) {
        return model.classify(image);
      }

      @Override
      public float[] scores() {
        return model.scores();
      }

      @Override
      public ByteBuffer output() {
        return model.output();
      }

      @Override
      public List<String> selfTest(InputStream vectors) throws Exception {
        return model.selfTest(vectors);
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }

  private Net kotlin(File file, boolean other) throws Exception {
    KotlinClassifier.Options options = new KotlinClassifier.Options(1, false, other);
    KotlinClassifier model =
        file == null
            ? KotlinClassifier.Companion.open(context, options)
            : KotlinClassifier.Companion.open(file, options);
    return new Net() {
      @Override
      public int classify(Bitmap image) {
        return model.classify(image);
      }

      @Override
      public float[] scores() {
        return model.scores();
      }

      @Override
      public ByteBuffer output() {
        return model.output();
      }

      @Override
      public List<String> selfTest(InputStream vectors) throws Exception {
        return model.selfTest(vectors);
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }
}
