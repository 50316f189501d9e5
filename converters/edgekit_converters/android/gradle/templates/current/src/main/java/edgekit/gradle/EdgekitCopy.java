package edgekit.gradle;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import javax.inject.Inject;
import org.gradle.api.DefaultTask;
import org.gradle.api.GradleException;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.FileSystemOperations;
import org.gradle.api.file.RegularFileProperty;
import org.gradle.api.tasks.CacheableTask;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.OutputDirectory;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.TaskAction;

/** Copies the models that the lock names, byte for byte, into the app's assets. It needs no EdgeKit and no Python. */
@CacheableTask
public abstract class EdgekitCopy extends DefaultTask {
    /** The folder of the models; what counts of it is {@link #getModelFiles}. */
    @Internal
    public abstract DirectoryProperty getModels();

    /** The models. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract ConfigurableFileCollection getModelFiles();

    /** A list of files, so that one that is missing is said by the action. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract RegularFileProperty getLock();

    /** A folder of assets; what was in it before is removed. */
    @OutputDirectory
    public abstract DirectoryProperty getInto();

    /** What removes. */
    @Inject
    protected abstract FileSystemOperations getFiles();

    @TaskAction
    public void copy() throws IOException {
        File models = getModels().get().getAsFile();
        File lock = getLock().get().getAsFile();
        List<EdgekitLock.Model> locked = EdgekitLock.models(lock);
        for (EdgekitLock.Model model : locked) {
            File file = new File(models, model.asset);
            String digest = file.isFile() ? EdgekitLock.sha256(file) : "none";
            if (!digest.equals(model.sha256)) {
                throw new GradleException("An app ships the models that its lock names. Received: " + file + " with sha256 "
                        + digest + ", where " + lock.getName() + " says " + model.sha256
                        + ". Put the locked file there, or renew the lock with: edgekit android lock");
            }
        }
        File into = getInto().get().getAsFile();
        getFiles().delete(spec -> spec.delete(into));
        for (EdgekitLock.Model model : locked) {
            File file = new File(into, model.asset);
            Files.createDirectories(file.getParentFile().toPath());
            Files.copy(new File(models, model.asset).toPath(), file.toPath());
        }
    }
}
