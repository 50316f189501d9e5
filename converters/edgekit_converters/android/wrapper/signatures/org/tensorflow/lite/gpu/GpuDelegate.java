package org.tensorflow.lite.gpu;

public class GpuDelegate implements org.tensorflow.lite.Delegate {
  public GpuDelegate(GpuDelegateFactory.Options options) {}

  @Override
  public native long getNativeHandle();

  public native void close();

  public static class Options extends GpuDelegateFactory.Options {}
}
