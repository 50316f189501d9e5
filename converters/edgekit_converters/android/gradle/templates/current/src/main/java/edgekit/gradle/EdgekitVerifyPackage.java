package edgekit.gradle;

import java.io.File;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.gradle.api.GradleException;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.file.RegularFileProperty;
import org.gradle.api.tasks.CacheableTask;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.OutputFile;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.TaskAction;

/** Holds the packages that a build made, APKs or a bundle, to the lock and to what devices need. */
@CacheableTask
public abstract class EdgekitVerifyPackage extends EdgekitTask {
    /** The packages, or folders of them. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract ConfigurableFileCollection getPackages();

    /** A list of files, so that one that is missing is said by the action. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract RegularFileProperty getLock();

    /** What EdgeKit said. */
    @OutputFile
    public abstract RegularFileProperty getReport();

    @TaskAction
    public void verify() {
        File lock = getLock().get().getAsFile();
        EdgekitLock.models(lock);
        Set<File> packages = new TreeSet<>();
        for (File file : getPackages().getAsFileTree()) {
            if (file.getName().endsWith(".apk") || file.getName().endsWith(".aab")) {
                packages.add(file);
            }
        }
        if (packages.isEmpty()) {
            throw new GradleException("A build makes an APK or a bundle. Received: none in " + getPackages().getFiles());
        }
        EdgekitProgram program = program();
        StringBuilder said = new StringBuilder();
        for (File file : packages) {
            said.append(program.run(List.of("android", "verify", "--lock", program.path(lock), "--", program.path(file))));
        }
        write(getReport(), said.toString());
    }
}
