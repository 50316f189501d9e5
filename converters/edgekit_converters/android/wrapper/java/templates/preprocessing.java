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
{% if resizes %}
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
    take(count);
    System.arraycopy(sample, 0, values, 0, count);
    return apply(count, false{{ size_arguments }});
  }

  /** Prepare a sample of bytes, 0 to 255. Whether the prepared values are whole numbers of an integer type. */
  boolean prepare(byte[] sample{{ size_parameters }}) {
    int count = {{ count_check }};
    take(count);
    for (int i = 0; i < count; i++) {
      values[i] = sample[i] & 0xff;
    }
    return apply(count, true{{ size_arguments }});
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
    if (pixels.length < width * height) {
      pixels = new int[width * height];
    }
    plain.getPixels(pixels, 0, width, 0, 0, width, height);
    if (plain != image) {
      plain.recycle();
    }
    int count = width * height * {{ raw.shape[2] }};
    take(count);
    int opaque = -1;
    for (int i = 0; i < width * height; i++) {
      opaque &= pixels[i];
      put(i, (pixels[i] >> 16) & 0xff, (pixels[i] >> 8) & 0xff, pixels[i] & 0xff);
    }
    if (opaque >>> 24 != 0xff) {
      throw new IllegalArgumentException(
          "An image has no transparent pixels: draw it onto a background first. Received: a bitmap with alpha");
    }
    return apply(count, true{{ image_arguments }});
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
    int count = width * height * {{ raw.shape[2] }};
    take(count);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int fromX = rotation == 0 ? x : rotation == 90 ? y : rotation == 180 ? frameWidth - 1 - x : frameWidth - 1 - y;
        int fromY = rotation == 0 ? y : rotation == 90 ? frameHeight - 1 - x : rotation == 180 ? frameHeight - 1 - y : x;
        int at = fromY * rowStride + 4 * fromX;
        put(y * width + x, frame.get(at) & 0xff, frame.get(at + 1) & 0xff, frame.get(at + 2) & 0xff);
      }
    }
    return apply(count, true{{ image_arguments }});
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

  private void put(int pixel, int red, int green, int blue) {
{% if raw.shape[2] == 3 %}
    values[3 * pixel] = red;
    values[3 * pixel + 1] = green;
    values[3 * pixel + 2] = blue;
{% else %}
    values[pixel] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
{% endif %}
  }
{% endif %}

  private boolean apply(int count, boolean whole{{ size_parameters }}) {
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
{% if resizes %}

  /** Bilinear, with half-pixel centres and no antialiasing, rows first; whole numbers are rounded to the even one. */
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
}
