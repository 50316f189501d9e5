package com.google.ai.edge.litert;

public abstract class JniHandle implements AutoCloseable {
  private boolean closed = false;

  abstract void destroy();

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      destroy();
    }
  }
}
