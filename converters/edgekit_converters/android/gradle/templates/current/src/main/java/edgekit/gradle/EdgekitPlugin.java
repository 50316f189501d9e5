package edgekit.gradle;

import java.io.File;
import org.gradle.api.Plugin;
import org.gradle.api.Project;
import org.gradle.api.file.FileTree;
import org.gradle.api.file.ProjectLayout;
import org.gradle.api.file.RegularFile;
import org.gradle.api.provider.Provider;
import org.gradle.api.tasks.TaskProvider;
import org.gradle.language.base.plugins.LifecycleBasePlugin;

/** The models that the app ships are those that edgekit.lock names. */
public final class EdgekitPlugin implements Plugin<Project> {
    private static final String GROUP = "EdgeKit";

    @Override
    public void apply(Project project) {
        project.getPluginManager().apply(LifecycleBasePlugin.class);
        ProjectLayout layout = project.getLayout();
        EdgekitExtension block = project.getExtensions().create("edgekit", EdgekitExtension.class);
        block.getModels().convention(layout.getProjectDirectory().dir("src/main/assets"));
        block.getLock().convention(layout.getProjectDirectory().file("edgekit.lock"));
        Provider<String> command = command(project, block);

        project.getTasks().withType(EdgekitTask.class).configureEach(task -> {
            task.setGroup(GROUP);
            task.getCommand().set(command);
            task.getFolder().set(layout.getProjectDirectory());
        });
        TaskProvider<EdgekitRebuild> rebuild = rebuild(project, block);
        boolean asked = !project.getProviders().gradleProperty("edgekit.rebuild").getOrElse("false").equals("false");

        if (asked) { // before Android's plugin reads assets
            project.getTasks().matching(task -> task.getName().equals("preBuild")).configureEach(task -> task.dependsOn(rebuild));
        }
        project.getTasks().withType(EdgekitCopy.class).configureEach(task -> {
            task.setGroup(GROUP);
            task.setDescription("Copies the models that edgekit.lock names into the assets.");
            task.getModels().set(block.getModels());
            task.getModelFiles().from(models(project, block));
            task.getLock().set(block.getLock());
            if (asked) {
                task.dependsOn(rebuild);
            }
        });
        TaskProvider<EdgekitVerify> verify = project.getTasks().register("edgekitVerify", EdgekitVerify.class, task -> {
            task.setDescription("Holds models, budget and recipes to edgekit.lock.");
            task.getModels().set(block.getModels());
            task.getModelFiles().from(models(project, block));
            task.getLock().set(block.getLock());
            task.getRecipes().from(block.getLock().map(lock -> EdgekitLock.recipes(lock.getAsFile())));
            task.getReport().set(report(layout, "verify"));
            if (asked) {
                task.dependsOn(rebuild);
            }
        });
        project.getTasks().named(LifecycleBasePlugin.CHECK_TASK_NAME).configure(check -> check.dependsOn(verify));
        for (String id : new String[] {"com.android.application", "com.android.library"}) {
            project.getPluginManager().withPlugin(id, plugin -> AndroidWiring.wire(project, block));
        }
    }

    static Provider<RegularFile> report(ProjectLayout layout, String name) {
        return layout.getBuildDirectory().file("reports/edgekit/" + name + ".txt");
    }

    private static TaskProvider<EdgekitRebuild> rebuild(Project project, EdgekitExtension block) {
        return project.getTasks().register("edgekitRebuild", EdgekitRebuild.class, task -> {
            task.setDescription("Runs the recipes and renews edgekit.lock; part of a build with -Pedgekit.rebuild.");
            task.getModels().set(block.getModels());
            task.getRuns().set(project.getLayout().getBuildDirectory().dir("edgekit/runs"));
            task.getLock().set(block.getLock());
            task.getRecipes().set(block.getRecipes());
            task.getWrappers().set(block.getWrappers());
            task.getBudget().set(block.getBudget());
        });
    }

    private static FileTree models(Project project, EdgekitExtension block) {
        return project.files(block.getModels()).getAsFileTree().matching(p -> p.include("**/*.tflite", "**/*.TFLITE"));
    }

    /** A path is taken from the root project's folder, where gradle.properties stands. */
    private static Provider<String> command(Project project, EdgekitExtension block) {
        File root = project.getRootDir();
        return project.getProviders()
                .gradleProperty("edgekit.command")
                .orElse(block.getCommand())
                .orElse("edgekit")
                .map(command -> command.contains("/") || command.contains("\\")
                        ? root.toPath().resolve(command).toString()
                        : command);
    }
}
