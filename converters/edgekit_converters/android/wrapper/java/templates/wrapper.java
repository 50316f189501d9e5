// Made by EdgeKit {{ c.version }} from the .tflite with sha256 {{ c.sha256 }}. Do not edit.
package {{ c.package }};

import android.content.Context;
import android.content.res.AssetFileDescriptor;
import android.content.res.AssetManager;
{% if c.takes_images %}
import android.graphics.Bitmap;
{% endif %}
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
{% block imports %}
import org.tensorflow.lite.DataType;
{% if c.gpu %}
import org.tensorflow.lite.Delegate;
{% endif %}
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;
{% endblock %}

/**
 * The model {{ asset_comment }}: {{ summary }}.
 *
 * <p>An object belongs to one thread at a time, and must be closed.
 */
public final class {{ c.name }} implements Closeable {
  /** Path of the model among the assets. */
  public static final String ASSET = {{ asset }};
  /** Of the model's file, in hex. */
  public static final String SHA256 = "{{ c.sha256 }}";
  /** Size of the model's file. */
  public static final int MODEL_BYTES = {{ c.model_bytes }};
  /** Of EdgeKit, which made this class. */
  public static final String EDGEKIT_VERSION = "{{ c.version }}";
{% for port in c.inputs %}
  /** Values of the input{{ of(port) }}, {{ port.spec.dtype }} {{ port.spec.shape | list }}. */
  public static final int INPUT{{ constant(port) }}_ELEMENTS = {{ port.elements }};
{% endfor %}
{% for port in c.outputs %}
  /** Values of the output{{ of(port) }}, {{ port.spec.dtype }} {{ port.spec.shape | list }}. */
  public static final int OUTPUT{{ constant(port) }}_ELEMENTS = {{ port.elements }};
{% endfor %}

  /** How a model is opened. */
  public static final class Options {
{% block option_fields %}
    private int threads = 1;
    private boolean xnnpack = true;
    private boolean otherSha256 = false;
{% endblock %}
{% if c.gpu %}
    private boolean gpu = false;
{% endif %}

    /** Threads of an inference; 1 unless told. */
    public Options threads(int count) {
      if (count < 1) {
        throw new IllegalArgumentException("An inference has at least 1 thread. Received: " + count);
      }
      threads = count;
      return this;
    }

{% block option_methods %}
    /** Whether XNNPACK computes what it can; it does unless told. */
    public Options xnnpack(boolean use) {
      xnnpack = use;
      return this;
    }

    /** Whether a file with another sha256 may run, if its inputs, outputs{{ ", labels" if c.labels }} are the same; it may not unless told. */
    public Options otherSha256(boolean allow) {
      otherSha256 = allow;
      return this;
    }
{% endblock %}
{% if c.gpu %}

    /**
{% block gpu_note %}
     * Whether a GPU computes, where the device has one that TFLite knows; it does not unless told. The model then runs on
     * the thread that opened it alone. `onGpu` says what came of it.
{% endblock %}
     */
    public Options gpu(boolean use) {
      gpu = use;
      return this;
    }
{% endif %}
  }

{% block runtime_fields %}
{% if c.keeps_state %}
  private final ByteBuffer model;
  private final Interpreter.Options settings = new Interpreter.Options();
  private Interpreter interpreter;
  private boolean closed = false;
{% else %}
  private final Interpreter interpreter;
{% endif %}
{% if c.gpu %}
  private final Delegate delegate;
  private final Thread opener = Thread.currentThread();
{% endif %}
  private final boolean xnnpack;
{% endblock %}
  private final AssetManager assets;
  private final ByteBuffer[] inputs = new ByteBuffer[{{ c.inputs | length }}];
  private final ByteBuffer[] outputs = new ByteBuffer[{{ c.outputs | length }}];
{% block ports %}
  private final Object[] given = new Object[{{ c.inputs | length }}];
  private final Map<Integer, Object> wanted = new HashMap<>();
{% endblock %}
{% if c.stages %}
  private final {{ c.name }}Preprocessing preprocessing = new {{ c.name }}Preprocessing();
{% endif %}
{% if c.classifies %}
  private final float[] scores = new float[{{ c.outputs[0].elements }}];
{% endif %}

{% block constructor %}
  private {{ c.name }}(ByteBuffer model, Options options, AssetManager assets) {
    check(model, options);
{% if c.keeps_state %}
    this.model = model;
{% else %}
    Interpreter.Options settings = new Interpreter.Options();
{% endif %}
    settings.setNumThreads(options.threads);
    settings.setUseXNNPACK(options.xnnpack);
    xnnpack = options.xnnpack;
    this.assets = assets;
{% if c.gpu %}
    Delegate wished = options.gpu ? gpuDelegate() : null;
    Interpreter opened = wished == null ? null : accelerated(model, options, wished);
    delegate = opened == null ? null : wished;
    interpreter = opened == null ? new Interpreter(model, settings) : opened;
{% else %}
    interpreter = new Interpreter(model, settings);
{% endif %}
    try {
      checkSignature();
    } catch (RuntimeException error) {
      close();
      throw error;
    }
    int[] inputBytes = { {{- c.inputs | map(attribute="bytes") | join(", ") -}} };
    int[] outputBytes = { {{- c.outputs | map(attribute="bytes") | join(", ") -}} };
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = ByteBuffer.allocateDirect(inputBytes[i]).order(ByteOrder.nativeOrder());
      given[i] = inputs[i];
    }
    for (int i = 0; i < outputs.length; i++) {
      outputs[i] = ByteBuffer.allocateDirect(outputBytes[i]).order(ByteOrder.nativeOrder());
      wanted.put(i, outputs[i]);
    }
  }
{% endblock %}

  /** Open the model that the app ships. */
  public static {{ c.name }} open(Context context) throws IOException {
    return open(context, new Options());
  }

  /** Open the model that the app ships. */
  public static {{ c.name }} open(Context context, Options options) throws IOException {
    AssetFileDescriptor asset;
    try {
      asset = context.getAssets().openFd(ASSET);
    } catch (IOException error) {
      throw new IOException(
          ASSET + " must lie in the assets, and not be compressed. Received: " + error.getMessage()
              + " Add to the app's build file: android { androidResources { noCompress.add(\"tflite\") } }",
          error);
    }
    try {
      FileInputStream stream = new FileInputStream(asset.getFileDescriptor());
      try {
        FileChannel channel = stream.getChannel();
        ByteBuffer model =
            channel.map(FileChannel.MapMode.READ_ONLY, asset.getStartOffset(), asset.getDeclaredLength());
        return new {{ c.name }}(model, options, context.getAssets(){% block asset_place %}{% endblock %});
      } finally {
        stream.close();
      }
    } finally {
      asset.close();
    }
  }

  /** Open a model that was delivered as a file. */
  public static {{ c.name }} open(File file, Options options) throws IOException {
    FileInputStream stream = new FileInputStream(file);
    try {
      FileChannel channel = stream.getChannel();
      return new {{ c.name }}(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()), options, null{% block file_place %}{% endblock %});
    } finally {
      stream.close();
    }
  }
{% block from_memory %}

  /** Open a model from memory: what remains of a direct buffer, which must not change while this object is open. */
  public static {{ c.name }} open(ByteBuffer model, Options options) {
    if (!model.isDirect()) {
      throw new IllegalArgumentException("A model in memory is a direct buffer.");
    }
    return new {{ c.name }}(model.slice().order(ByteOrder.nativeOrder()), options, null);
  }
{% endblock %}
{% for port in c.inputs %}

  /**
   * The input{{ of(port) }} itself, {{ port.spec.dtype }} {{ port.spec.shape | list }} in native order, to be filled with
   * {{ quantised_note(port) }}
   */
  public ByteBuffer input{{ port.name }}() {
    clear(inputs[{{ loop.index0 }}]);
    return inputs[{{ loop.index0 }}];
  }

  /** Set the input{{ of(port) }} from {{ port.elements }} values{{ real_note(port) }}. */
  public void setInput{{ port.name }}(float[] values) {
    if (values.length != INPUT{{ constant(port) }}_ELEMENTS) {
      throw new IllegalArgumentException(
          "The input{{ of(port) }} has " + INPUT{{ constant(port) }}_ELEMENTS + " values. Received: " + values.length);
    }
    ByteBuffer buffer = input{{ port.name }}();
    for (int i = 0; i < values.length; i++) {
      {{ put(port.spec, "values[i]") }};
    }
  }
{% endfor %}
{% if c.stages and raw.text %}

  /** Set the input from a text, through the model's own preprocessing. */
  public void prepare(String text) {
    load(preprocessing.prepare(text));
  }
{% elif c.stages %}

  /** Set the input from a sample of floats, {{ raw_note }}, through the model's own preprocessing. */
  public void prepare(float[] sample{{ size_parameters }}) {
    load(preprocessing.prepare(sample{{ size_arguments }}));
  }

{% if c.takes_bytes %}
  /** Set the input from a sample of bytes (0 to 255), {{ raw_note }}, through the model's own preprocessing. */
  public void prepare(byte[] sample{{ size_parameters }}) {
    load(preprocessing.prepare(sample{{ size_arguments }}));
  }
{% endif %}
{% endif %}
{% if c.takes_images %}

  /**
   * Set the input from an image, through the model's own preprocessing.
   *
   * <p>Transparent pixels are refused{{ ", and colours become luma as ITU-R 601-2 has it" if raw.shape[2] == 1 else "" }}. An image of another
   * configuration than ARGB_8888 is copied first.
   */
  public void prepare(Bitmap image) {
    load(preprocessing.prepare(image));
  }

  /**
   * Set the input from a camera's frame (CameraX with OUTPUT_IMAGE_FORMAT_RGBA_8888), through the model's own preprocessing.
   *
   * @param pixels Bytes of R, G, B and A, row after row.
   * @param width Pixels of a row.
   * @param height Rows.
   * @param rowStride Bytes from one row to the next, as the plane says.
   * @param rotation Degrees that the image must be turned clockwise to stand upright: 0, 90, 180 or 270.
   */
  public void prepareRgba(ByteBuffer pixels, int width, int height, int rowStride, int rotation) {
    load(preprocessing.prepareRgba(pixels, width, height, rowStride, rotation));
  }
{% endif %}
{% if c.stages %}

  private void load(boolean whole) {
    float[] values = preprocessing.values();
    ByteBuffer buffer = input();
    for (int i = 0; i < INPUT_ELEMENTS; i++) {
      float value = values[i];
      if (whole) {
        {{ put_whole(c.inputs[0].spec, "value") }};
      } else {
        {{ put(c.inputs[0].spec, "value") }};
      }
    }
  }
{% endif %}

{% block running %}
{% if c.gpu %}

  /** Whether a GPU computes. */
  public boolean onGpu() {
    return delegate != null;
  }

  /** A delegate for the GPU; null where the device has none that TFLite knows, or the app no library for it. */
  private static Delegate gpuDelegate() {
    try {
      return {{ c.name }}Gpu.delegate();
    } catch (LinkageError error) {
      return null;
    } catch (RuntimeException error) {
      return null;
    }
  }

  /** An interpreter on a GPU; null where the GPU cannot take the model. */
  private static Interpreter accelerated(ByteBuffer model, Options options, Delegate delegate) {
    try {
      return new Interpreter(model, new Interpreter.Options().setNumThreads(options.threads).addDelegate(delegate));
    } catch (RuntimeException error) {
      {{ c.name }}Gpu.close(delegate);
      return null;
    }
  }
{% endif %}

  /** Run the model on what the inputs hold. Allocates nothing of its own. */
  public void run() {
{% if c.gpu %}
    if (delegate != null && Thread.currentThread() != opener) {
      throw new IllegalStateException(
          "A model on a GPU runs on the thread that opened it, " + opener.getName() + ". Received: "
              + Thread.currentThread().getName());
    }
{% endif %}
    for (int i = 0; i < inputs.length; i++) {
      clear(inputs[i]);
    }
    for (int i = 0; i < outputs.length; i++) {
      clear(outputs[i]);
    }
{% if c.has_variables and not c.keeps_state %}
    interpreter.resetVariableTensors();
{% endif %}
    interpreter.runForMultipleInputsOutputs(given, wanted);
  }

{% endblock %}
  /** What is done with the model on another thread. */
  public interface Work<T> {
    T with({{ c.name }} model) throws Exception;
  }

  /** Told on that thread what came of it. */
  public interface Outcome<T> {
    void succeeded(T result);

    void failed(Throwable error);
  }

  /** Do something with the model on an executor's thread, which must have one thread alone, and tell what came of it. */
  public <T> void on(Executor executor, final Work<T> work, final Outcome<T> outcome) {
    executor.execute(
        new Runnable() {
          @Override
          public void run() {
            T result;
            try {
              result = work.with({{ c.name }}.this);
            } catch (Throwable error) {
              outcome.failed(error);
              return;
            }
            outcome.succeeded(result);
          }
        });
  }
{% if c.keeps_state %}

  /** Forget what was remembered: the next run is the first. The interpreter is made anew, as its variables are. */
  public void reset() {
    if (closed) {
      throw new IllegalStateException("The model was closed.");
    }
    interpreter.close();
    interpreter = new Interpreter(model, settings);
  }
{% endif %}
{% for port in c.outputs %}

  /** The output{{ of(port) }} itself, {{ port.spec.dtype }} {{ port.spec.shape | list }} in native order, as the last run left it. */
  public ByteBuffer output{{ port.name }}() {
    clear(outputs[{{ loop.index0 }}]);
    return outputs[{{ loop.index0 }}];
  }

  /** Read the output{{ of(port) }}{{ dequantised_note(port) }} into an array of {{ port.elements }} values. */
  public float[] output{{ port.name }}(float[] into) {
    if (into.length != OUTPUT{{ constant(port) }}_ELEMENTS) {
      throw new IllegalArgumentException(
          "The output{{ of(port) }} has " + OUTPUT{{ constant(port) }}_ELEMENTS + " values. Received: " + into.length);
    }
    ByteBuffer buffer = output{{ port.name }}();
    for (int i = 0; i < into.length; i++) {
      into[i] = {{ get(port.spec) }};
    }
    return into;
  }
{% endfor %}
{% if c.classifies %}

  /** Scores of the classes, 0 to 1{{ ": the softmax of the first output" if c.softmax else "" }}. The array is used again by the next call. */
  public float[] scores() {
    output{{ c.outputs[0].name }}(scores);
{% if c.softmax %}
    float largest = scores[0];
    for (int i = 1; i < scores.length; i++) {
      largest = Math.max(largest, scores[i]);
    }
    float sum = 0;
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (float) Math.exp(scores[i] - largest);
      sum += scores[i];
    }
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= sum;
    }
{% endif %}
    return scores;
  }

  /** The class with the highest score. Of equal scores, the first. */
  public int best() {
    float[] all = scores();
    int best = 0;
    for (int i = 1; i < all.length; i++) {
      if (all[i] > all[best]) {
        best = i;
      }
    }
    return best;
  }

  /** The classes with the highest scores, best first. Of equal scores, the first ones. */
  public int[] top(int count) {
    float[] all = scores();
    int[] found = new int[Math.min(count, all.length)];
    boolean[] taken = new boolean[all.length];
    for (int place = 0; place < found.length; place++) {
      int best = -1;
      for (int i = 0; i < all.length; i++) {
        if (!taken[i] && (best < 0 || all[i] > all[best])) {
          best = i;
        }
      }
      taken[best] = true;
      found[place] = best;
    }
    return found;
  }
{% if c.takes_images %}

  /** Prepare an image, run the model, and give the class with the highest score; `scores` has them all. */
  public int classify(Bitmap image) {
    prepare(image);
    run();
    return best();
  }
{% endif %}
{% endif %}
{% if c.labels %}

  /** The name of a class. */
  public static String label(int index) {
    return {{ c.name }}Labels.NAMES[index];
  }
{% endif %}

  /**
   * Run the golden vectors that the app ships: inputs with what reference kernels answer.
   *
   * @return What differs by more than the vectors allow, at most ten lines; empty where all is as it should be.
   */
  public List<String> selfTest() throws IOException {
    if (assets == null) {
      throw new IllegalStateException("A model that was not opened from the assets takes selfTest(InputStream).");
    }
    InputStream vectors = assets.open({{ golden }});
    try {
      return selfTest(vectors);
    } finally {
      vectors.close();
    }
  }

  /** As `selfTest()`, with the golden vectors from elsewhere. */
  public List<String> selfTest(InputStream vectors) throws IOException {
{% if c.gpu %}
    if (onGpu()) {
      throw new IllegalStateException("Golden vectors have bounds for processors alone: open the model without gpu.");
    }
{% endif %}
    return {{ c.name }}SelfTest.run(this, readAll(vectors), {% block kernels %}xnnpack{% endblock %});
  }

  /** Which of the inputs' buffers the golden vectors fill. */
  ByteBuffer inputAt(int index) {
    clear(inputs[index]);
    return inputs[index];
  }

  ByteBuffer outputAt(int index) {
    clear(outputs[index]);
    return outputs[index];
  }

  /** What a model remembers is forgotten before the golden vectors, which follow each other, and after them. */
  void forget() {
{% if c.keeps_state %}
    reset();
{% endif %}
  }

  @Override
  public void close() {
{% block closing %}
{% if c.keeps_state %}
    closed = true;
{% endif %}
    interpreter.close();
{% if c.gpu %}
    if (delegate != null) {
      {{ c.name }}Gpu.close(delegate);
    }
{% endif %}
{% endblock %}
  }

  private static void check(ByteBuffer model, Options options) {
{% block other_sha256 %}
    if (options.otherSha256) {
{% if c.labels %}
      {{ c.name }}Labels.check(model);
{% endif %}
      return;
    }
{% endblock %}
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error);
    }
    digest.update(model.duplicate());
    StringBuilder hex = new StringBuilder(64);
    for (byte b : digest.digest()) {
      hex.append(Character.forDigit((b >> 4) & 15, 16)).append(Character.forDigit(b & 15, 16));
    }
    if (!SHA256.contentEquals(hex)) {
      throw new IllegalArgumentException(
          "The model must be the one that this class was made from, with sha256 " + SHA256 + ". Received: " + hex
              + ".{% block allowing %} Allow another with Options.otherSha256(true).{% endblock %}");
    }
  }
{% block signature %}

  private void checkSignature() {
    if (interpreter.getInputTensorCount() != {{ c.inputs | length }} || interpreter.getOutputTensorCount() != {{ c.outputs | length }}) {
      throw new IllegalArgumentException(
          "The model must have {{ c.inputs | length }} inputs and {{ c.outputs | length }} outputs. Received: "
              + interpreter.getInputTensorCount() + " and " + interpreter.getOutputTensorCount());
    }
{% for side, ports in (("input", c.inputs), ("output", c.outputs)) %}
{% for port in ports %}
    checkTensor(
        "{{ side }} {{ loop.index0 }}", interpreter.get{{ side | capitalize }}Tensor({{ loop.index0 }}), DataType.{{ port.spec.dtype | upper }},
        new int[] { {{- port.spec.shape | join(", ") -}} }, {{ scale(port.spec) }}, {{ zero_point(port.spec) }});
{% endfor %}
{% endfor %}
  }

  private static void checkTensor(
      String name, Tensor tensor, DataType dtype, int[] shape, float scale, int zeroPoint) {
    Tensor.QuantizationParams quantization = tensor.quantizationParams();
    String expected = describe(dtype, shape, scale, zeroPoint);
    String received =
        describe(tensor.dataType(), tensor.shape(), quantization.getScale(), quantization.getZeroPoint());
    if (!expected.equals(received)) {
      throw new IllegalArgumentException("The " + name + " must be " + expected + ". Received: " + received);
    }
  }

  private static String describe(DataType dtype, int[] shape, float scale, int zeroPoint) {
    return dtype + " " + java.util.Arrays.toString(shape) + ", scale " + scale + ", zero point " + zeroPoint;
  }
{% endblock %}
{% if quantises %}

  private static float quantised(float value, float scale, int zeroPoint, float least, float most) {
    float scaled = value / scale;
    float whole = (float) (scaled < 0 ? Math.ceil(scaled) : Math.floor(scaled));
    if (Math.abs(scaled - whole) >= 0.5f) {
      whole += scaled < 0 ? -1f : 1f;
    }
    return Math.max(least, Math.min(most, whole + zeroPoint));
  }
{% endif %}

  /** As of `Buffer`: `ByteBuffer` has a method of its own in newer Androids alone. */
  private static void clear(Buffer buffer) {
    buffer.clear();
  }

  private static byte[] readAll(InputStream stream) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    byte[] block = new byte[1 << 14];
    for (int read = stream.read(block); read >= 0; read = stream.read(block)) {
      all.write(block, 0, read);
    }
    return all.toByteArray();
  }
}
