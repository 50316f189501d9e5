package edgekit.gradle;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.gradle.api.GradleException;
import org.gradle.process.ExecOperations;
import org.gradle.process.ExecResult;

/** The program edgekit. */
final class EdgekitProgram {
    static final String OLDEST = "@EDGEKIT@";
    private static final String INSTALL = "Install Python 3.11 or newer and EdgeKit (pip install \"edgekit>=" + OLDEST
            + "\"), or name the program with -Pedgekit.command=PATH";
    private static final Pattern VERSION = Pattern.compile("edgekit, version (\\d+(?:\\.\\d+)*)");

    private final ExecOperations operations;
    private final File program;
    private final File folder;

    /** Finds the program and makes sure that it is new enough. */
    EdgekitProgram(ExecOperations operations, String command, File folder) {
        this.operations = operations;
        this.folder = folder;
        this.program = find(command);
        checkVersion();
    }

    /** Runs it; gives what it printed.
     *
     * @throws GradleException with EdgeKit's words, where it ends with another code than 0.
     */
    String run(List<String> arguments) {
        StringBuilder text = new StringBuilder();
        int code = start(arguments, text);
        if (code != 0) {
            throw new GradleException("edgekit " + String.join(" ", arguments) + " ended with " + code + ".\n" + text);
        }
        return text.toString();
    }

    /** A path as EdgeKit is given it: relative to the folder, so that reports are the same in every checkout. */
    String path(File file) {
        try {
            Path relative = folder.getCanonicalFile().toPath().relativize(file.getCanonicalFile().toPath());
            return relative.toString().isEmpty() ? "." : relative.toString();
        } catch (IOException | IllegalArgumentException otherDrive) {
            return file.getPath();
        }
    }

    /** The file of a program in PATH as it is now: a running daemon looks in the PATH that it was started with. */
    private static File find(String command) {
        if (command.contains("/") || command.contains("\\")) {
            File file = new File(command);
            if (file.isFile()) {
                return file;
            }
            throw new GradleException("EdgeKit is not there. Received: edgekit.command " + command + ". " + INSTALL + ".");
        }
        String path = System.getenv("PATH");
        String[] endings = File.separatorChar == '\\' ? new String[] {".exe", ".bat", ".cmd"} : new String[] {""};
        for (String place : (path == null ? "" : path).split(Pattern.quote(File.pathSeparator))) {
            for (String ending : endings) {
                File file = new File(place, command + ending);
                if (!place.isEmpty() && file.isFile() && file.canExecute()) {
                    return file;
                }
            }
        }
        throw new GradleException("EdgeKit is not in PATH. Received: no program " + command + ". " + INSTALL + ".");
    }

    private void checkVersion() {
        StringBuilder said = new StringBuilder();
        start(List.of("--version"), said);
        Matcher version = VERSION.matcher(said);
        if (!version.find()) {
            throw new GradleException(
                    "EdgeKit does not run. Received: " + program + " --version says: " + said.toString().trim() + " " + INSTALL + ".");
        }
        if (older(version.group(1), OLDEST)) {
            throw new GradleException("This build needs EdgeKit " + OLDEST + " or newer. Received: " + version.group(1) + " ("
                    + program + "). Update it: pip install --upgrade \"edgekit>=" + OLDEST + "\"");
        }
    }

    private static boolean older(String one, String other) {
        String[] left = one.split("\\.");
        String[] right = other.split("\\.");
        for (int i = 0; i < Math.max(left.length, right.length); i++) {
            long difference = (i < left.length ? Long.parseLong(left[i]) : 0) - (i < right.length ? Long.parseLong(right[i]) : 0);
            if (difference != 0) {
                return difference < 0;
            }
        }
        return false;
    }

    private int start(List<String> arguments, StringBuilder said) {
        List<String> line = new ArrayList<>(arguments);
        line.add(0, program.getPath());
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        ExecResult result;
        try {
            result = operations.exec(spec -> {
                spec.commandLine(line);
                spec.setWorkingDir(folder);
                spec.environment("PYTHONIOENCODING", "utf-8");
                spec.environment("PYTHONUTF8", "1");
                spec.environment("COLUMNS", "160");
                spec.environment("NO_COLOR", "1");
                spec.setStandardOutput(output);
                spec.setErrorOutput(output);
                spec.setIgnoreExitValue(true);
            });
        } catch (GradleException error) {
            throw new GradleException("EdgeKit does not start. Received: " + program + ". " + INSTALL + ".", error);
        }
        for (String text : output.toString(StandardCharsets.UTF_8).split("\\R")) {
            if (!text.isBlank()) {
                said.append(text.stripTrailing()).append('\n');
            }
        }
        return result.getExitValue();
    }
}
