package com.android.build.api.variant;

/** Signatures alone. */
public interface VariantSelector {
    VariantSelector all();
}
