// Made by EdgeKit {{ c.version }} from the .tflite with sha256 {{ c.sha256 }}. Do not edit.
package {{ c.package }};

{% if c.takes_images %}
import android.graphics.Bitmap;
import java.nio.ByteBuffer;
{% endif %}
{% if raw.text %}
import java.nio.charset.Charset;
import java.util.HashMap;
import java.util.Map;
{% endif %}

/**
 * What {{ c.name }} does to a sample before the model sees it: {{ operations }}.
 *
 * <p>The same operations as in training, to the last bit where they are of integers, in float32 elsewhere.
 */
final class {{ c.name }}Preprocessing {
  private float[] values = new float[0];
{% if resized %}
  private float[] lower = new float[0];
  private float[] upper = new float[0];
{% endif %}
{% if resizes_again %}
  private float[] other = new float[0];
{% endif %}
{% if c.takes_images %}
  private int[] pixels = new int[0];
{% endif %}

  /** The prepared sample; the array may be longer than it. */
  float[] values() {
    return values;
  }
{% if raw.text %}
{{ tokenizer }}
{% else %}

  /** Prepare a sample of floats. Whether the prepared values are whole numbers of an integer type. */
  boolean prepare(float[] sample{{ size_parameters }}) {
    int count = {{ count_check }};
{% if resized %}
    return resize(new FloatRows(sample, count / height), height, width, false);
{% else %}
    take(count);
    System.arraycopy(sample, 0, values, 0, count);
    return apply(count, false);
{% endif %}
  }

  /** Prepare a sample of bytes, 0 to 255. Whether the prepared values are whole numbers of an integer type. */
  boolean prepare(byte[] sample{{ size_parameters }}) {
    int count = {{ count_check }};
{% if resized %}
    return resize(new ByteRows(sample, count / height), height, width, true);
{% else %}
    take(count);
    for (int i = 0; i < count; i++) {
      values[i] = sample[i] & 0xff;
    }
    return apply(count, true);
{% endif %}
  }
{% endif %}
{% if c.takes_images %}

  boolean prepare(Bitmap image) {
    if (image.isRecycled()) {
      throw new IllegalArgumentException("An image has pixels. Received: a recycled bitmap");
    }
    int width = image.getWidth();
    int height = image.getHeight();
    checkSize(width, height);
    if (image.getConfig() == Bitmap.Config.ALPHA_8) {
      throw new IllegalArgumentException("An image has colours. Received: a bitmap of ALPHA_8");
    }
    Bitmap plain = image.getConfig() == Bitmap.Config.ARGB_8888 ? image : image.copy(Bitmap.Config.ARGB_8888, false);
    if (plain == null) {
      throw new IllegalArgumentException("An image can be copied to ARGB_8888. Received: " + image.getConfig());
    }
    if (pixels.length < width) {
      pixels = new int[width];
    }
    try {
      checkOpaque(plain);
      return prepare(new BitmapRows(plain, pixels), height, width);
    } finally {
      if (plain != image) {
        plain.recycle();
      }
    }
  }

  private void checkOpaque(Bitmap image) {
    int width = image.getWidth();
    int opaque = -1;
    for (int y = 0; image.hasAlpha() && y < image.getHeight(); y++) {
      image.getPixels(pixels, 0, width, 0, y, width, 1);
      for (int x = 0; x < width; x++) {
        opaque &= pixels[x];
      }
    }
    if (opaque >>> 24 != 0xff) {
      throw new IllegalArgumentException(
          "An image has no transparent pixels: draw it onto a background first. Received: a bitmap with alpha");
    }
  }

  boolean prepareRgba(ByteBuffer frame, int frameWidth, int frameHeight, int rowStride, int rotation) {
    if (rotation % 90 != 0 || rotation < 0 || rotation >= 360) {
      throw new IllegalArgumentException("A frame is turned by 0, 90, 180 or 270 degrees. Received: " + rotation);
    }
    if (rowStride < 4 * frameWidth
        || frame.capacity() < (long) rowStride * (frameHeight - 1) + 4L * frameWidth) {
      throw new IllegalArgumentException(
          "A frame of " + frameWidth + " x " + frameHeight + " RGBA pixels has rows of at least " + 4 * frameWidth
              + " bytes. Received: a row stride of " + rowStride + " in " + frame.capacity() + " bytes");
    }
    boolean turned = rotation == 90 || rotation == 270;
    int width = turned ? frameHeight : frameWidth;
    int height = turned ? frameWidth : frameHeight;
    checkSize(width, height);
    return prepare(new FrameRows(frame, frameWidth, frameHeight, rowStride, rotation), height, width);
  }

  private boolean prepare(Rows rows, int height, int width) {
{% if resized %}
    return resize(rows, height, width, true);
{% else %}
    int row = width * {{ raw.shape[2] }};
    take(height * row);
    for (int y = 0; y < height; y++) {
      rows.read(y, values, y * row);
    }
    return apply(height * row, true);
{% endif %}
  }

  private static void checkSize(int width, int height) {
{% if raw.count is none %}
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException("An image has pixels. Received: " + width + " x " + height);
    }
{% else %}
    if (width != {{ raw.shape[1] }} || height != {{ raw.shape[0] }}) {
      throw new IllegalArgumentException(
          "The model's preprocessing takes images of {{ raw.shape[1] }} x {{ raw.shape[0] }} pixels. Received: " + width + " x " + height);
    }
{% endif %}
  }

  static void put(float[] into, int at, int red, int green, int blue) {
{% if raw.shape[2] == 3 %}
    into[at] = red;
    into[at + 1] = green;
    into[at + 2] = blue;
{% else %}
    into[at] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
{% endif %}
  }
{% endif %}

  private boolean apply(int count, boolean whole{{ ', int height, int width' if resizes_again else '' }}) {
{% for line in body %}
    {{ line }}
{% endfor %}
    return whole;
  }
{% if not raw.text %}

{% if raw.count is none %}
  private static int checked(int length, int height, int width, int channels) {
    if (height < 1 || width < 1 || length != (long) height * width * channels) {
      throw new IllegalArgumentException(
          "A sample has height x width x " + channels + " values. Received: " + length + " for " + height + " x " + width);
    }
    return length;
  }
{% else %}
  private static int checked(int length, int count) {
    if (length != count) {
      throw new IllegalArgumentException("A sample has " + count + " values. Received: " + length);
    }
    return length;
  }
{% endif %}

  private void take(int count) {
    if (values.length < count) {
      values = new float[count];
    }
  }
{% endif %}
{% if resized %}
{% set channels = resized[2] %}

  /**
   * Bilinear, with half-pixel centres and no antialiasing, rows first; whole numbers are rounded to the even one.
   *
   * <p>Of a sample, which may be a photo, two rows are held at a time.
   */
  private boolean resize(Rows rows, int height, int width, boolean real) {
    int row = width * {{ [raw.shape[2], channels] | max }};
    if (lower.length < row) {
      lower = new float[row];
      upper = new float[row];
    }
    take({{ resized[0] * resized[1] * channels }});
    boolean same = height == {{ resized[0] }} && width == {{ resized[1] }};
    boolean whole = real;
    int lowerRow = -1;
    int upperRow = -1;
    for (int y = 0; y < {{ resized[0] }}; y++) {
      double centre = (y + 0.5) * height / {{ resized[0] }} - 0.5;
      double low = Math.floor(centre);
      int first = Math.max((int) low, 0);
      int second = Math.min((int) low + 1, height - 1);
      if (first == upperRow) {
        float[] swapped = lower;
        lower = upper;
        upper = swapped;
        upperRow = lowerRow;
        lowerRow = first;
      }
      if (first != lowerRow) {
        rows.read(first, lower, 0);
        whole = before(lower, width * {{ raw.shape[2] }}, real);
        lowerRow = first;
      }
      if (second != upperRow) {
        rows.read(second, upper, 0);
        whole = before(upper, width * {{ raw.shape[2] }}, real);
        upperRow = second;
      }
      if (same) {
        System.arraycopy(lower, 0, values, y * width * {{ channels }}, width * {{ channels }});
      } else {
        interpolate(y, (float) (centre - low), width, whole);
      }
    }
    return apply({{ resized[0] * resized[1] * channels }}, whole{{ ", %d, %d" % (resized[0], resized[1]) if resizes_again else "" }});
  }

  private void interpolate(int y, float between, int width, boolean whole) {
    int to = y * {{ resized[1] * channels }};
    for (int x = 0; x < {{ resized[1] }}; x++) {
      double centre = (x + 0.5) * width / {{ resized[1] }} - 0.5;
      double low = Math.floor(centre);
      float weight = (float) (centre - low);
      int right = Math.min((int) low + 1, width - 1) * {{ channels }};
      int left = Math.max((int) low, 0) * {{ channels }};
      for (int c = 0; c < {{ channels }}; c++, to++) {
        float one = lower[left + c] * (1f - between) + upper[left + c] * between;
        float next = lower[right + c] * (1f - between) + upper[right + c] * between;
        float value = one * (1f - weight) + next * weight;
        values[to] = whole ? (float) Math.rint(value) : value;
      }
    }
  }

  /** What is done to a row before the size changes. */
  private static boolean before(float[] values, int count, boolean whole) {
{% for line in before %}
    {{ line }}
{% endfor %}
    return whole;
  }
{% endif %}
{% if resizes_again %}

  /** What a resize before this one has made, in the same way. */
  private void resize(int height, int width, int channels, int toHeight, int toWidth, boolean whole) {
    if (height == toHeight && width == toWidth) {
      return;
    }
    if (other.length < toHeight * width * channels) {
      other = new float[toHeight * width * channels];
    }
    int row = width * channels;
    for (int y = 0; y < toHeight; y++) {
      double centre = (y + 0.5) * height / toHeight - 0.5;
      double low = Math.floor(centre);
      float weight = (float) (centre - low);
      int upper = Math.min((int) low + 1, height - 1) * row;
      int lower = Math.max((int) low, 0) * row;
      for (int i = 0; i < row; i++) {
        other[y * row + i] = values[lower + i] * (1f - weight) + values[upper + i] * weight;
      }
    }
    take(toHeight * toWidth * channels);
    for (int x = 0; x < toWidth; x++) {
      double centre = (x + 0.5) * width / toWidth - 0.5;
      double low = Math.floor(centre);
      float weight = (float) (centre - low);
      int upper = Math.min((int) low + 1, width - 1) * channels;
      int lower = Math.max((int) low, 0) * channels;
      for (int y = 0; y < toHeight; y++) {
        int from = y * row;
        int to = (y * toWidth + x) * channels;
        for (int c = 0; c < channels; c++) {
          float value = other[from + lower + c] * (1f - weight) + other[from + upper + c] * weight;
          values[to + c] = whole ? (float) Math.rint(value) : value;
        }
      }
    }
  }
{% endif %}
{% if resized or c.takes_images %}

  /** Where the rows of a sample come from. */
  abstract static class Rows {
    abstract void read(int y, float[] into, int at);
  }
{% endif %}
{% if resized %}

  static final class FloatRows extends Rows {
    private final float[] sample;
    private final int row;

    FloatRows(float[] sample, int row) {
      this.sample = sample;
      this.row = row;
    }

    @Override
    void read(int y, float[] into, int at) {
      System.arraycopy(sample, y * row, into, at, row);
    }
  }

  static final class ByteRows extends Rows {
    private final byte[] sample;
    private final int row;

    ByteRows(byte[] sample, int row) {
      this.sample = sample;
      this.row = row;
    }

    @Override
    void read(int y, float[] into, int at) {
      for (int i = 0; i < row; i++) {
        into[at + i] = sample[y * row + i] & 0xff;
      }
    }
  }
{% endif %}
{% if c.takes_images %}

  static final class BitmapRows extends Rows {
    private final Bitmap image;
    private final int[] pixels;

    BitmapRows(Bitmap image, int[] pixels) {
      this.image = image;
      this.pixels = pixels;
    }

    @Override
    void read(int y, float[] into, int at) {
      int width = image.getWidth();
      image.getPixels(pixels, 0, width, 0, y, width, 1);
      for (int x = 0; x < width; x++) {
        int pixel = pixels[x];
        put(into, at + {{ raw.shape[2] }} * x, (pixel >> 16) & 0xff, (pixel >> 8) & 0xff, pixel & 0xff);
      }
    }
  }

  static final class FrameRows extends Rows {
    private final ByteBuffer frame;
    private final int width;
    private final int height;
    private final int stride;
    private final int rotation;

    FrameRows(ByteBuffer frame, int width, int height, int stride, int rotation) {
      this.frame = frame;
      this.width = width;
      this.height = height;
      this.stride = stride;
      this.rotation = rotation;
    }

    @Override
    void read(int y, float[] into, int at) {
      int count = rotation == 90 || rotation == 270 ? height : width;
      for (int x = 0; x < count; x++) {
        int fromX = rotation == 0 ? x : rotation == 90 ? y : rotation == 180 ? width - 1 - x : width - 1 - y;
        int fromY = rotation == 0 ? y : rotation == 90 ? height - 1 - x : rotation == 180 ? height - 1 - y : x;
        int from = fromY * stride + 4 * fromX;
        put(into, at + {{ raw.shape[2] }} * x, frame.get(from) & 0xff, frame.get(from + 1) & 0xff, frame.get(from + 2) & 0xff);
      }
    }
  }
{% endif %}
}
