// Made by EdgeKit {{ c.version }} from the .tflite with sha256 {{ c.sha256 }}. Do not edit.
package {{ c.package }};

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Golden vectors of {{ c.name }}: inputs with what reference kernels answer, and how far other kernels may be from it. */
final class {{ c.name }}SelfTest {
  private static final int MAGIC = 0x56474b45;
  private static final int MOST_LINES = 10;
  private static final String[] DTYPES = { {{- output_dtypes -}} };
  private static final int[] INPUT_BYTES = { {{- c.inputs | map(attribute="bytes") | join(", ") -}} };
  private static final int[] INPUT_WIDTHS = { {{- input_widths -}} };
  private static final boolean[] EXACT = { {{- exact -}} };
  private static final int[] OUTPUT_ELEMENTS = { {{- c.outputs | map(attribute="elements") | join(", ") -}} };

  private {{ c.name }}SelfTest() {}

  static List<String> run({{ c.name }} model, byte[] content, boolean xnnpack) throws IOException {
    ByteBuffer vectors = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    if (content.length < 60 || vectors.getInt() != MAGIC || vectors.getInt() != 1) {
      throw new IOException("Golden vectors begin with their own mark and form 1. Export the model again.");
    }
    int samples = vectors.getInt();
    float[] bounds = new float[4];
    for (int i = 0; i < 4; i++) {
      bounds[i] = vectors.getFloat();
    }
    byte[] sha256 = new byte[32];
    vectors.get(sha256);
    if (!{{ c.name }}.SHA256.equals(hex(sha256))) {
      throw new IOException("Golden vectors belong to one model, here to sha256 " + hex(sha256) + ". Export it again.");
    }
    float steps = bounds[xnnpack ? 1 : 0];
    float relative = bounds[xnnpack ? 3 : 2];
    List<String> found = new ArrayList<>();
    model.forget();
    for (int sample = 0; sample < samples && found.size() < MOST_LINES; sample++) {
      for (int i = 0; i < INPUT_BYTES.length; i++) {
        copy(vectors, model.inputAt(i), INPUT_BYTES[i], INPUT_WIDTHS[i]);
      }
      model.run();
      for (int i = 0; i < OUTPUT_ELEMENTS.length; i++) {
        compare(sample, i, vectors, model.outputAt(i), steps, relative, found);
      }
    }
    model.forget();
    return found;
  }

  private static void compare(
      int sample, int output, ByteBuffer expected, ByteBuffer received, float steps, float relative, List<String> found) {
    int start = expected.position();
    String dtype = DTYPES[output];
    boolean real = dtype.equals("float32");
    double largest = 0;
    if (real) {
      for (int i = 0; i < OUTPUT_ELEMENTS[output]; i++) {
        double value = Math.abs(read(expected, dtype));
        largest = value <= Float.MAX_VALUE ? Math.max(largest, value) : largest;
      }
      expected.position(start);
    }
    double allowed = real ? relative * Math.max(largest, 1e-6) : EXACT[output] ? 0 : steps;
    for (int i = 0; i < OUTPUT_ELEMENTS[output]; i++) {
      double want = read(expected, dtype);
      double got = read(received, dtype);
      if (Double.compare(want, got) != 0 && !(Math.abs(want - got) <= allowed) && found.size() < MOST_LINES) {
        found.add(
            "output " + output + ", sample " + sample + ", element " + i + ": expected " + want + " within " + allowed
                + ". Received: " + got);
      }
    }
  }

  private static double read(ByteBuffer buffer, String dtype) {
    switch (dtype) {
      case "float32":
        return buffer.getFloat();
      case "int32":
        return buffer.getInt();
      case "int64":
        return buffer.getLong();
      case "int16":
        return buffer.getShort();
      case "int8":
        return buffer.get();
      default:
        return buffer.get() & 0xff;
    }
  }

  /** Little endian to native order, element by element. */
  private static void copy(ByteBuffer from, ByteBuffer to, int bytes, int width) {
    for (int i = 0; i < bytes; i += width) {
      switch (width) {
        case 8:
          to.putLong(from.getLong());
          break;
        case 4:
          to.putInt(from.getInt());
          break;
        case 2:
          to.putShort(from.getShort());
          break;
        default:
          to.put(from.get());
          break;
      }
    }
  }

  private static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder(2 * bytes.length);
    for (byte b : bytes) {
      text.append(Character.forDigit((b >> 4) & 15, 16)).append(Character.forDigit(b & 15, 16));
    }
    return text.toString();
  }
}
