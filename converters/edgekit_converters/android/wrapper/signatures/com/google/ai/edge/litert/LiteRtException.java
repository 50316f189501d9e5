package com.google.ai.edge.litert;

@SuppressWarnings("serial")
public final class LiteRtException extends Exception {}
