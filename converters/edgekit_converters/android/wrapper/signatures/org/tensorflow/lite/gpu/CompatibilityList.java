package org.tensorflow.lite.gpu;

public class CompatibilityList implements java.io.Closeable {
  public native boolean isDelegateSupportedOnThisDevice();

  public native GpuDelegate.Options getBestOptionsForThisDevice();

  @Override
  public native void close();
}
