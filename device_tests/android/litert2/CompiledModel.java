package com.google.ai.edge.litert;

import android.content.res.AssetManager;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;

/** In the place of LiteRT's: the same methods, on TFLite's own interpreter. There is a GPU where the property "gpu" says so. */
public final class CompiledModel extends JniHandle {
  private final Interpreter interpreter;

  private CompiledModel(ByteBuffer model, Options options) throws LiteRtException {
    boolean accelerated = options.accelerators[0] == Accelerator.GPU;
    if (accelerated && !"takes".equals(System.getProperty("gpu"))) {
      throw new LiteRtException("no GPU");
    }
    System.out.println(accelerated ? "on a GPU" : options.cpuOptions.threads + " threads");
    interpreter = new Interpreter(model, new Interpreter.Options().setUseXNNPACK(false));
  }

  public static CompiledModel create(AssetManager assetManager, String assetName, Options options)
      throws LiteRtException {
    throw new LiteRtException("no assets here");
  }

  public static CompiledModel create(String filePath, Options options) throws LiteRtException {
    try (FileInputStream stream = new FileInputStream(filePath)) {
      FileChannel channel = stream.getChannel();
      return new CompiledModel(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()), options);
    } catch (IOException error) {
      throw new LiteRtException(error.getMessage());
    }
  }

  public List<TensorBuffer> createInputBuffers(int signatureIndex) throws LiteRtException {
    List<TensorBuffer> all = new ArrayList<>();
    for (int i = 0; i < interpreter.getInputTensorCount(); i++) {
      all.add(new TensorBuffer(interpreter.getInputTensor(i)));
    }
    return all;
  }

  public List<TensorBuffer> createOutputBuffers(int signatureIndex) throws LiteRtException {
    List<TensorBuffer> all = new ArrayList<>();
    for (int i = 0; i < interpreter.getOutputTensorCount(); i++) {
      all.add(new TensorBuffer(interpreter.getOutputTensor(i)));
    }
    return all;
  }

  public TensorBuffer createInputBuffer(String inputName, String signature) throws LiteRtException {
    return new TensorBuffer(interpreter.getInputTensorFromSignature(inputName, signature));
  }

  public TensorBuffer createOutputBuffer(String outputName, String signature) throws LiteRtException {
    return new TensorBuffer(interpreter.getOutputTensorFromSignature(outputName, signature));
  }

  public void run(List<TensorBuffer> inputs, List<TensorBuffer> outputs, int signatureIndex) throws LiteRtException {
    Object[] given = new Object[inputs.size()];
    for (int i = 0; i < given.length; i++) {
      given[i] = inputs.get(i).whole();
    }
    Map<Integer, Object> wanted = new HashMap<>();
    for (int i = 0; i < outputs.size(); i++) {
      wanted.put(i, outputs.get(i).whole());
    }
    interpreter.runForMultipleInputsOutputs(given, wanted);
  }

  public void run(Map<String, TensorBuffer> inputs, Map<String, TensorBuffer> outputs, String signature)
      throws LiteRtException {
    Map<String, Object> given = new HashMap<>();
    for (Map.Entry<String, TensorBuffer> input : inputs.entrySet()) {
      given.put(input.getKey(), input.getValue().whole());
    }
    Map<String, Object> wanted = new HashMap<>();
    for (Map.Entry<String, TensorBuffer> output : outputs.entrySet()) {
      wanted.put(output.getKey(), output.getValue().whole());
    }
    interpreter.runSignature(given, wanted, signature);
  }

  @Override
  void destroy() {
    interpreter.close();
    System.out.println("model closed");
  }

  public static final class CpuOptions {
    final Integer threads;

    public CpuOptions(Integer numThreads, Integer xnnPackFlags, String xnnPackWeightCachePath) {
      threads = numThreads;
    }
  }

  public static final class Options {
    final Accelerator[] accelerators;
    private CpuOptions cpuOptions;

    public Options(Accelerator... accelerators) {
      this.accelerators = accelerators;
    }

    public CpuOptions getCpuOptions() {
      return cpuOptions;
    }

    public void setCpuOptions(CpuOptions options) {
      cpuOptions = options;
    }
  }
}
