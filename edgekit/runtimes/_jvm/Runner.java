// SPDX-License-Identifier: Apache-2.0

import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.SynchronousQueue;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;

/**
 * Runs a .tflite with TensorFlow Lite's own Java classes, one answer for each request.
 *
 * <p>Arguments: the file descriptor from which the model is read, and the number of threads.
 *
 * <p>Everything on standard input, which is a socket and takes the answers too, is little-endian and packed:
 *
 * <pre>
 *   greeting  u32 magic; u32 count of inputs, and each as a tensor without values; u32 count of outputs
 *   tensor    u32 rank, i32 dims[], u64 bytes, and the values
 *   request   u32 1, the bytes of every input: an inference that goes on from the last one's variable tensors
 *             u32 2, the same, with variable tensors that begin at zero
 *             u32 3, u32 n: the times of n inferences on the last inputs
 *   answer    u32 magic, and every output as a tensor, or the n times as u64 nanoseconds
 * </pre>
 *
 * A refusal is a line on standard error and exit code 3.
 */
final class Runner {
  private static final int MAGIC = 0x314d564a; // "JVM1"
  private static final int RUN = 1;
  private static final int RUN_FRESH = 2;
  private static final int TIME = 3;
  private static final int REFUSED = 3;
  private static final Map<Integer, Object> NOT_COPIED = Collections.emptyMap();

  private final FileChannel in = new FileInputStream(FileDescriptor.in).getChannel();
  private final FileChannel out = new FileOutputStream(FileDescriptor.in).getChannel();
  private final SynchronousQueue<int[]> requests = new SynchronousQueue<>();
  private final Interpreter interpreter;
  private final ByteBuffer[] inputs;

  private Runner(String descriptor, int threads) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(new File("/proc/self/fd", descriptor), "r")) {
      ByteBuffer model = file.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, file.length());
      // XNNPACK was an option that apps had to ask for: what they got without are the built-in kernels.
      interpreter = new Interpreter(model, new Interpreter.Options().setNumThreads(threads).setUseXNNPACK(false));
    }
    interpreter.allocateTensors();
    inputs = new ByteBuffer[interpreter.getInputTensorCount()];
    for (int i = 0; i < inputs.length; i++) {
      Tensor tensor = interpreter.getInputTensor(i);
      if (tensor.dataType() == DataType.STRING) {
        throw new IllegalArgumentException("input " + i + " holds strings");
      }
      inputs[i] = ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder());
    }
  }

  public static void main(String[] arguments) {
    spareTheUser();
    try {
      Runner runner = new Runner(arguments[0], Integer.parseInt(arguments[1]));
      runner.greet();
      Thread reader = new Thread(runner::listen, "reader");
      reader.setDaemon(true);
      reader.start();
      while (true) {
        runner.answer(runner.requests.take());
      }
    } catch (IOException | InterruptedException gone) {
      Runtime.getRuntime().halt(0);
    } catch (RuntimeException | OutOfMemoryError refusal) {
      System.err.println("refused: " + String.valueOf(refusal.getMessage()).replaceAll("\\s+", " "));
      Runtime.getRuntime().halt(REFUSED);
    } catch (Throwable broken) {
      System.err.println(broken);
      Runtime.getRuntime().halt(1);
    }
  }

  /** Lets a bad model cost no other process the memory that it asks for. */
  private static void spareTheUser() {
    try (FileOutputStream score = new FileOutputStream("/proc/self/oom_score_adj")) {
      score.write("1000".getBytes(StandardCharsets.US_ASCII));
    } catch (IOException unsupported) {
      // Then the kernel chooses.
    }
  }

  /** Leaves out the outputs' shapes: these classes remember the first that they are asked for, before an inference. */
  private void greet() throws IOException {
    giveInts(MAGIC, inputs.length);
    for (int i = 0; i < inputs.length; i++) {
      giveHead(interpreter.getInputTensor(i));
    }
    giveInts(interpreter.getOutputTensorCount());
  }

  /** Takes requests on a thread of its own, so that this process ends with its parent also during an inference. */
  private void listen() {
    try {
      while (true) {
        int kind = takeInt();
        if (kind == TIME) {
          requests.put(new int[] {kind, takeInt()});
          continue;
        }
        for (ByteBuffer input : inputs) {
          input.clear();
          take(input);
        }
        requests.put(new int[] {kind});
      }
    } catch (IOException | InterruptedException gone) {
      Runtime.getRuntime().halt(0);
    }
  }

  private void answer(int[] request) throws IOException {
    if (request[0] == TIME) {
      time(request[1]);
      return;
    }
    if (request[0] == RUN_FRESH) {
      interpreter.resetVariableTensors();
    } else if (request[0] != RUN) {
      throw new IllegalArgumentException("request " + request[0]);
    }
    infer();
    giveInts(MAGIC);
    for (int i = 0; i < interpreter.getOutputTensorCount(); i++) {
      Tensor tensor = interpreter.getOutputTensor(i);
      if (tensor.dataType() == DataType.STRING) {
        throw new IllegalArgumentException("output " + i + " holds strings");
      }
      // These classes know no size of a boolean.
      int size = tensor.dataType() == DataType.BOOL ? 1 : tensor.dataType().byteSize();
      if (tensor.numBytes() != (long) tensor.numElements() * size) {
        throw new IllegalArgumentException("output " + i + " has another shape than at the first inference");
      }
      giveHead(tensor);
      give(tensor.asReadOnlyBuffer());
    }
  }

  private void time(int runs) throws IOException {
    ByteBuffer times = ByteBuffer.allocate(Long.BYTES * runs).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < runs; i++) {
      infer();
      // By System.nanoTime, just around the native call: without the copying of the inputs.
      times.putLong(interpreter.getLastNativeInferenceDurationNanoseconds());
    }
    times.flip();
    giveInts(MAGIC);
    give(times);
  }

  private void infer() {
    for (ByteBuffer input : inputs) {
      input.rewind();
    }
    interpreter.runForMultipleInputsOutputs(inputs, NOT_COPIED);
  }

  private void giveHead(Tensor tensor) throws IOException {
    int[] shape = tensor.shape();
    ByteBuffer head = ByteBuffer.allocate(Integer.BYTES * (1 + shape.length) + Long.BYTES);
    head.order(ByteOrder.LITTLE_ENDIAN).putInt(shape.length);
    for (int dimension : shape) {
      head.putInt(dimension);
    }
    head.putLong(tensor.numBytes());
    head.flip();
    give(head);
  }

  private void giveInts(int... values) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      buffer.putInt(value);
    }
    buffer.flip();
    give(buffer);
  }

  private void give(ByteBuffer values) throws IOException {
    while (values.hasRemaining()) {
      out.write(values);
    }
  }

  private int takeInt() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    take(buffer);
    return buffer.getInt(0);
  }

  private void take(ByteBuffer values) throws IOException {
    while (values.hasRemaining()) {
      if (in.read(values) < 0) {
        throw new IOException("the other side is gone");
      }
    }
  }
}
