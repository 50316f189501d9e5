package com.android.build.api.variant;

import com.android.build.api.artifact.Artifacts;

/** Signatures alone. */
public interface Variant {
    String getName();

    Sources getSources();

    Artifacts getArtifacts();
}
