package org.tensorflow.lite;

public interface Tensor {
  DataType dataType();

  int[] shape();

  QuantizationParams quantizationParams();

  class QuantizationParams {
    private QuantizationParams() {}

    public native float getScale();

    public native int getZeroPoint();
  }
}
