package com.google.ai.edge.litert;

public final class LiteRtException extends Exception {
  private static final long serialVersionUID = 1;

  LiteRtException(String message) {
    super(message);
  }
}
