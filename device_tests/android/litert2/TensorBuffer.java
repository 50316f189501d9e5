package com.google.ai.edge.litert;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Tensor;

/** In the place of LiteRT's, which copies bytes and looks at no dtype; this one does. */
public final class TensorBuffer extends JniHandle {
  private final ByteBuffer content;
  private final DataType dtype;

  TensorBuffer(Tensor tensor) {
    content = ByteBuffer.allocateDirect(tensor.numBytes()).order(ByteOrder.nativeOrder());
    dtype = tensor.dataType();
  }

  ByteBuffer whole() {
    content.clear();
    return content;
  }

  private void expect(DataType... dtypes) throws LiteRtException {
    for (DataType one : dtypes) {
      if (one == dtype) {
        whole();
        return;
      }
    }
    throw new LiteRtException("a tensor of " + dtype);
  }

  public void writeFloat(float[] data) throws LiteRtException {
    expect(DataType.FLOAT32);
    content.asFloatBuffer().put(data);
  }

  public void writeInt(int[] data) throws LiteRtException {
    expect(DataType.INT32);
    content.asIntBuffer().put(data);
  }

  public void writeInt8(byte[] data) throws LiteRtException {
    expect(DataType.INT8, DataType.UINT8);
    content.put(data);
  }

  public void writeBoolean(boolean[] data) throws LiteRtException {
    expect(DataType.BOOL);
    for (boolean value : data) {
      content.put((byte) (value ? 1 : 0));
    }
  }

  public float[] readFloat() throws LiteRtException {
    expect(DataType.FLOAT32);
    float[] data = new float[content.capacity() / 4];
    content.asFloatBuffer().get(data);
    return data;
  }

  public int[] readInt() throws LiteRtException {
    expect(DataType.INT32);
    int[] data = new int[content.capacity() / 4];
    content.asIntBuffer().get(data);
    return data;
  }

  public byte[] readInt8() throws LiteRtException {
    expect(DataType.INT8, DataType.UINT8);
    byte[] data = new byte[content.capacity()];
    content.get(data);
    return data;
  }

  public boolean[] readBoolean() throws LiteRtException {
    expect(DataType.BOOL);
    boolean[] data = new boolean[content.capacity()];
    for (int i = 0; i < data.length; i++) {
      data[i] = content.get() != 0;
    }
    return data;
  }

  @Override
  void destroy() {}
}
