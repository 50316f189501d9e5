package edgekit.gradle;

import java.io.File;
import java.util.List;
import org.gradle.api.GradleException;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.RegularFileProperty;
import org.gradle.api.tasks.CacheableTask;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.OutputFile;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.TaskAction;

/** Holds models, budget and recipes to the lock. */
@CacheableTask
public abstract class EdgekitVerify extends EdgekitTask {
    /** The folder of the models; what counts of it is {@link #getModelFiles}. */
    @Internal
    public abstract DirectoryProperty getModels();

    /** The models, without other assets, which may be large and many. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract ConfigurableFileCollection getModelFiles();

    /** A list of files, so that one that is missing is said by the action. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract RegularFileProperty getLock();

    /** What the lock names as the recipes of its models. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract ConfigurableFileCollection getRecipes();

    /** What EdgeKit said. */
    @OutputFile
    public abstract RegularFileProperty getReport();

    @TaskAction
    public void verify() {
        File lock = getLock().get().getAsFile();
        File models = getModels().get().getAsFile();
        EdgekitLock.models(lock);
        if (!models.isDirectory()) {
            throw new GradleException("The models of an app lie in a folder. Received: no folder " + models
                    + ". Name it in the block edgekit { models = ... }.");
        }
        EdgekitProgram program = program();
        String held = program.path(lock);
        write(getReport(), program.run(List.of("android", "verify", "--lock", held, "--", program.path(models))));
    }
}
