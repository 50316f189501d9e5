package com.google.ai.edge.litert;

public final class TensorBuffer extends JniHandle {
  public native void writeFloat(float[] data) throws LiteRtException;

  public native void writeInt(int[] data) throws LiteRtException;

  public native void writeInt8(byte[] data) throws LiteRtException;

  public native void writeBoolean(boolean[] data) throws LiteRtException;

  public native float[] readFloat() throws LiteRtException;

  public native int[] readInt() throws LiteRtException;

  public native byte[] readInt8() throws LiteRtException;

  public native boolean[] readBoolean() throws LiteRtException;
}
