package com.android.build.api.variant;

import kotlin.jvm.functions.Function1;
import org.gradle.api.Task;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.tasks.TaskProvider;

/** Signatures alone. */
public interface SourceDirectories {
    <TASK extends Task> void addGeneratedSourceDirectory(
            TaskProvider<TASK> task, Function1<? super TASK, ? extends DirectoryProperty> wiredWith);

    interface Layered extends SourceDirectories {}
}
