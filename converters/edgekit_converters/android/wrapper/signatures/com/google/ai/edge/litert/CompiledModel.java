package com.google.ai.edge.litert;

import android.content.res.AssetManager;
import java.util.List;
import java.util.Map;

public final class CompiledModel extends JniHandle {
  public static native CompiledModel create(AssetManager assetManager, String assetName, Options options)
      throws LiteRtException;

  public static native CompiledModel create(String filePath, Options options) throws LiteRtException;

  public native List<TensorBuffer> createInputBuffers(int signatureIndex) throws LiteRtException;

  public native List<TensorBuffer> createOutputBuffers(int signatureIndex) throws LiteRtException;

  public native TensorBuffer createInputBuffer(String inputName, String signature) throws LiteRtException;

  public native TensorBuffer createOutputBuffer(String outputName, String signature) throws LiteRtException;

  public native void run(List<TensorBuffer> inputs, List<TensorBuffer> outputs, int signatureIndex)
      throws LiteRtException;

  public native void run(Map<String, TensorBuffer> inputs, Map<String, TensorBuffer> outputs, String signature)
      throws LiteRtException;

  public static final class CpuOptions {
    public CpuOptions(Integer numThreads, Integer xnnPackFlags, String xnnPackWeightCachePath) {}
  }

  public static final class Options {
    public Options(Accelerator... accelerators) {}

    public native CpuOptions getCpuOptions();

    public native void setCpuOptions(CpuOptions options);
  }
}
