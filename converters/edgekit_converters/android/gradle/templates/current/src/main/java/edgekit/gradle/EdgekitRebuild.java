package edgekit.gradle;

import groovy.json.JsonSlurper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.gradle.api.GradleException;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.RegularFileProperty;
import org.gradle.api.provider.MapProperty;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.TaskAction;
import org.gradle.work.DisableCachingByDefault;

/** Runs the recipes, puts the models that they choose in place and renews the lock. */
@DisableCachingByDefault(because = "It changes models and lock in place, and EdgeKit itself keeps the steps that are done")
public abstract class EdgekitRebuild extends EdgekitTask {
    /** The folder that models are put into. */
    @Internal
    public abstract DirectoryProperty getModels();

    /** Where the runs lie. */
    @Internal
    public abstract DirectoryProperty getRuns();

    /** What is renewed. */
    @Internal
    public abstract RegularFileProperty getLock();

    /** By asset path. */
    @Internal
    public abstract MapProperty<String, File> getRecipes();

    /** By asset path, the folder of the module with its wrapper, and options of edgekit export android. */
    @Internal
    public abstract MapProperty<String, List<String>> getWrappers();

    /** Limits by the names of figures. */
    @Internal
    public abstract MapProperty<String, Number> getBudget();

    @TaskAction
    public void rebuild() throws IOException {
        if (getRecipes().get().isEmpty()) {
            throw new GradleException("A rebuild runs the recipes of the block edgekit { }. Received: none. "
                    + "Name one: recipe(\"digits.tflite\", file(\"../digits.yaml\"))");
        }
        File models = getModels().get().getAsFile();
        Wrappers.check(getWrappers().get(), getRecipes().get().keySet(), models);
        EdgekitProgram program = program();
        for (Map.Entry<String, File> each : getRecipes().get().entrySet()) {
            String asset = each.getKey();
            String recipe = each.getValue().getPath();
            File run = new File(getRuns().get().getAsFile(), asset.replaceAll("[^A-Za-z0-9._-]", "_"));
            getLogger().lifecycle(program.run(List.of("compress", "-o", run.getPath(), "--quiet", "--", recipe)));
            Map<?, ?> manifest = (Map<?, ?>) new JsonSlurper().parse(new File(run, "manifest.json"), "UTF-8");
            File chosen = new File(run, (String) manifest.get("selected"));
            List<String> wrapper = getWrappers().get().get(asset);
            if (wrapper == null) {
                File model = new File(models, asset);
                Files.createDirectories(model.getParentFile().toPath());
                Files.copy(chosen.toPath(), model.toPath(), StandardCopyOption.REPLACE_EXISTING);
            } else { // which puts the model in place too, with golden vectors and sources that belong to it
                getLogger().lifecycle(program.run(Wrappers.export(asset, wrapper, chosen)));
            }
            getLogger().lifecycle(program.run(lock(run, recipe)));
        }
    }

    private List<String> lock(File run, String recipe) {
        String lock = getLock().get().getAsFile().getPath();
        List<String> arguments = new ArrayList<>(List.of("android", "lock", "-o", lock));
        arguments.addAll(List.of("--run", run.getPath(), "--recipe", recipe));
        for (Map.Entry<String, Number> limit : getBudget().get().entrySet()) {
            arguments.addAll(List.of("--budget", limit.getKey() + "=" + limit.getValue()));
        }
        arguments.addAll(List.of("--", getModels().get().getAsFile().getPath()));
        return arguments;
    }
}
