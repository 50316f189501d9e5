package com.android.build.api.variant;

import kotlin.Unit;
import kotlin.jvm.functions.Function1;
import org.gradle.api.Action;

/** Signatures alone: the extension androidComponents, with both forms of onVariants. */
public interface AndroidComponentsExtension<D, B extends VariantBuilder, V extends Variant> {
    VariantSelector selector();

    void onVariants(VariantSelector selector, Function1<? super V, Unit> callback);

    void onVariants(VariantSelector selector, Action<V> callback);
}
