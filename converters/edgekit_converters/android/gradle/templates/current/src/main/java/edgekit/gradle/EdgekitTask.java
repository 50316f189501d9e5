package edgekit.gradle;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import javax.inject.Inject;
import org.gradle.api.DefaultTask;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.RegularFileProperty;
import org.gradle.api.provider.Property;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.Internal;
import org.gradle.process.ExecOperations;
import org.gradle.work.DisableCachingByDefault;

/** What tasks that call EdgeKit share. */
@DisableCachingByDefault(because = "Its subclasses say themselves what they write")
public abstract class EdgekitTask extends DefaultTask {
    /** A name in PATH, or the path of the program. */
    @Internal
    public abstract Property<String> getCommand();

    /** Where EdgeKit runs: the project's folder. Nothing that is written holds its path. */
    @Internal
    public abstract DirectoryProperty getFolder();

    /** The version that this plugin asks for. */
    @Input
    public String getOldest() {
        return EdgekitProgram.OLDEST;
    }

    /** How it is started. */
    @Inject
    protected abstract ExecOperations getOperations();

    EdgekitProgram program() {
        return new EdgekitProgram(getOperations(), getCommand().get(), getFolder().get().getAsFile());
    }

    static void write(RegularFileProperty report, String text) {
        File file = report.get().getAsFile();
        try {
            Files.createDirectories(file.getParentFile().toPath());
            Files.write(file.toPath(), text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
