import groovy.json.JsonOutput;
import groovy.json.JsonSlurper;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import javax.inject.Inject;
import org.gradle.api.Action;
import org.gradle.api.DefaultTask;
import org.gradle.api.Project;
import org.gradle.api.Task;
import org.gradle.api.internal.TaskInternal;
import org.gradle.api.internal.project.ProjectInternal;
import org.gradle.api.internal.tasks.TaskPropertyUtils;
import org.gradle.api.tasks.CacheableTask;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.OutputDirectory;
import org.gradle.api.tasks.OutputFile;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.internal.properties.PropertyVisitor;
import org.gradle.internal.properties.bean.PropertyWalker;
import org.gradle.internal.reflect.DefaultTypeValidationContext;
import org.gradle.testfixtures.ProjectBuilder;
import org.gradle.work.DisableCachingByDefault;

/** Applies the plugin to projects and runs actions of its tasks: a line of JSON in, a line of JSON out. */
public final class Harness {
    private static final Set<Class<? extends Annotation>> KINDS =
            Set.of(Input.class, InputFiles.class, OutputFile.class, OutputDirectory.class, Internal.class, Inject.class);

    /** What a task class must not be: the checks below name it. */
    public abstract static class Broken extends DefaultTask {
        public Project getOwner() {
            return null;
        }
    }

    public static void main(String[] arguments) throws Exception {
        File home = new File(arguments[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println("> " + JsonOutput.toJson(answer((Map<?, ?>) new JsonSlurper().parseText(line), home)));
        }
    }

    private static Map<String, Object> answer(Map<?, ?> asked, File home) throws Exception {
        Map<String, Object> told = new LinkedHashMap<>();
        if (asked.get("class") != null) {
            told.put("problems", problems(Class.forName((String) asked.get("class"))));
            return told;
        }
        Project project = ProjectBuilder.builder()
                .withProjectDir(new File((String) asked.get("project")))
                .withGradleUserHomeDir(home)
                .build();
        project.getPluginManager().apply("com.android.application");
        project.getPluginManager().apply("edgekit.android");
        edgekit.gradle.EdgekitExtension block =
                project.getExtensions().getByType(edgekit.gradle.EdgekitExtension.class);
        if (asked.get("command") != null) {
            block.getCommand().set((String) asked.get("command"));
        }
        if (asked.get("models") != null) {
            block.getModels().set(project.file(asked.get("models")));
        }
        if (asked.get("recipe") != null) {
            block.recipe((String) asked.get("asset"), project.file(asked.get("recipe")));
            block.budget("model_bytes", 1_000_000);
        }
        if (asked.get("module") != null) {
            File module = project.file(asked.get("module"));
            block.getLock().set(new File(module, "edgekit.lock"));
            block.wrapper((String) asked.get("asset"), module, "--language", "kotlin");
        }
        project.getExtensions().getByType(AndroidStandIn.Components.class).variants(project);
        project.getTasks().register("broken", Broken.class);
        Task task = project.getTasks().getByName((String) asked.get("task"));
        told.put("tasks", names(project.getTasks().matching(one -> one.getName().startsWith("edgekit"))));
        Task check = project.getTasks().getByName("check");
        told.put("check", names(check.getTaskDependencies().getDependencies(check)));
        Set<String> inputs = new TreeSet<>();
        for (File file : task.getInputs().getFiles()) {
            inputs.add(project.getProjectDir().toPath().relativize(file.toPath()).toString());
        }
        told.put("inputs", inputs);
        told.put("validation", validation((ProjectInternal) project, (TaskInternal) task));
        try {
            for (Action<? super Task> action : task.getActions()) {
                action.execute(task);
            }
            told.put("failed", null);
        } catch (RuntimeException error) {
            told.put("failed", error.getMessage());
        }
        return told;
    }

    /** What Gradle itself says of a task's annotations before it would run it. */
    private static List<String> validation(ProjectInternal project, TaskInternal task) {
        PropertyWalker walker = project.getServices().get(PropertyWalker.class);
        DefaultTypeValidationContext context = DefaultTypeValidationContext.withRootType(task.getClass(), true);
        TaskPropertyUtils.visitProperties(walker, task, context, new PropertyVisitor() {});
        List<String> problems = new ArrayList<>();
        context.getProblems().forEach(problem -> problems.add(problem.getDefinition().getId().getName()));
        return problems;
    }

    private static Set<String> names(Iterable<? extends Task> tasks) {
        Set<String> names = new TreeSet<>();
        for (Task task : tasks) {
            names.add(task.getName());
        }
        return names;
    }

    /** What a task class has that a configuration cache or a build cache cannot keep. */
    private static List<String> problems(Class<?> type) {
        List<String> problems = new ArrayList<>();
        if (!type.isAnnotationPresent(CacheableTask.class) && !type.isAnnotationPresent(DisableCachingByDefault.class)) {
            problems.add(type + " does not say whether it can be cached");
        }
        for (Class<?> each = type; each != DefaultTask.class; each = each.getSuperclass()) {
            if (each.getDeclaredFields().length > 0) {
                problems.add(each + " has fields");
            }
            for (Method method : each.getDeclaredMethods()) {
                boolean getter = method.getName().matches("(get|is)[A-Z].*") && method.getParameterCount() == 0;
                if (getter && !method.isSynthetic()) {
                    check(method, problems);
                }
            }
        }
        return problems;
    }

    private static void check(Method getter, List<String> problems) {
        int count = 0;
        for (Class<? extends Annotation> kind : KINDS) {
            count += getter.isAnnotationPresent(kind) ? 1 : 0;
        }
        PathSensitive paths = getter.getAnnotation(PathSensitive.class);
        boolean relative = paths != null && paths.value() == PathSensitivity.RELATIVE;
        if (count != 1 || getter.isAnnotationPresent(InputFiles.class) != relative) {
            problems.add(getter + " is annotated " + count + " times, relative: " + relative);
        }
        if (Project.class.isAssignableFrom(getter.getReturnType())) {
            problems.add(getter + " gives the project");
        }
    }
}
