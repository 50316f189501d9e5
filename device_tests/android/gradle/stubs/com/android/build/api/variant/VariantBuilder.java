package com.android.build.api.variant;

/** Signatures alone. */
public interface VariantBuilder {}
