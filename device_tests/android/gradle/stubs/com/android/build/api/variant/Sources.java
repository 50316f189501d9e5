package com.android.build.api.variant;

/** Signatures alone; assets are null where a variant has none. */
public interface Sources {
    SourceDirectories.Layered getAssets();
}
