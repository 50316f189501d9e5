package com.example.cost;

import android.graphics.Bitmap;
import android.graphics.Color;
import java.io.File;
import java.io.FileWriter;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;
import org.tensorflow.lite.Interpreter;

/** Times the wrapper and the interpreter that it wraps, in turns, and counts what each allocates. */
@RunWith(TfliteRunner.class)
@Config(sdk = 34)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class ClassifyCost {
  private static final int ROUNDS = Integer.getInteger("rounds");
  private static final int CALLS = 10;
  private static final int WARM = 30;

  @Test
  public void measure() throws Exception {
    File file = new File(System.getProperty("model"));
    Cost model = Cost.open(file, new Cost.Options().xnnpack(false));
    ByteBuffer content;
    try (FileChannel channel = FileChannel.open(file.toPath(), StandardOpenOption.READ)) {
      content = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
    }
    Interpreter interpreter = new Interpreter(content, new Interpreter.Options().setNumThreads(1).setUseXNNPACK(false));
    Bitmap image = picture(Integer.getInteger("side"));
    ByteBuffer input = ByteBuffer.allocateDirect(model.input().capacity()).order(ByteOrder.nativeOrder());
    ByteBuffer output = ByteBuffer.allocateDirect(model.output().capacity()).order(ByteOrder.nativeOrder());
    Object[] inputs = {input};
    Map<Integer, Object> outputs = new HashMap<>();
    outputs.put(0, output);
    try (FileWriter out = new FileWriter(System.getProperty("out"))) {
      for (int round = -WARM; round < ROUNDS; round++) {
        long[] took = new long[2];
        for (int turn = 0; turn < 2; turn++) {
          int which = (turn + round + WARM) % 2;
          long start = System.nanoTime();
          for (int call = 0; call < CALLS; call++) {
            if (which == 0) {
              model.classify(image);
            } else {
              raw(interpreter, inputs, input, outputs, output);
            }
          }
          took[which] = (System.nanoTime() - start) / CALLS;
        }
        if (round >= 0) {
          out.write("time " + took[0] + " " + took[1] + "\n");
        }
      }
      for (int round = 0; round < 5; round++) {
        long start = allocated();
        for (int call = 0; call < CALLS; call++) {
          model.run();
        }
        long between = allocated();
        for (int call = 0; call < CALLS; call++) {
          raw(interpreter, inputs, input, outputs, output);
        }
        out.write("bytes " + (between - start) + " " + (allocated() - between) + "\n");
      }
    }
    interpreter.close();
    model.close();
  }

  private static void raw(
      Interpreter interpreter, Object[] inputs, ByteBuffer input, Map<Integer, Object> outputs, ByteBuffer output) {
    input.clear();
    output.clear();
    interpreter.runForMultipleInputsOutputs(inputs, outputs);
  }

  private static long allocated() {
    com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  private static Bitmap picture(int side) {
    Bitmap image = Bitmap.createBitmap(side, side, Bitmap.Config.ARGB_8888);
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        image.setPixel(x, y, Color.rgb(x * 7 % 256, y * 5 % 256, (x + y) % 256));
      }
    }
    return image;
  }
}
