package edgekit.gradle;

import com.android.build.api.artifact.SingleArtifact;
import com.android.build.api.variant.AndroidComponentsExtension;
import com.android.build.api.variant.ApplicationVariant;
import com.android.build.api.variant.SourceDirectories;
import com.android.build.api.variant.Variant;
import java.io.File;
import java.util.Locale;
import org.gradle.api.Action;
import org.gradle.api.Project;
import org.gradle.api.provider.Provider;
import org.gradle.api.tasks.TaskProvider;

/** What EdgeKit adds to each variant. Only a project with Android's plugin loads this class. */
final class AndroidWiring {
    private AndroidWiring() {}

    static void wire(Project project, EdgekitExtension block) {
        AndroidComponentsExtension<?, ?, ?> components =
                project.getExtensions().getByType(AndroidComponentsExtension.class);
        each(components, project, block);
    }

    private static <V extends Variant> void each(
            AndroidComponentsExtension<?, ?, V> components, Project project, EdgekitExtension block) {
        Action<V> variants = variant -> {
            copy(variant, project, block);
            if (variant instanceof ApplicationVariant) {
                check(variant, "Apk", variant.getArtifacts().get(SingleArtifact.APK.INSTANCE), project, block);
                check(variant, "Bundle", variant.getArtifacts().get(SingleArtifact.BUNDLE.INSTANCE), project, block);
            }
        };
        components.onVariants(components.selector().all(), variants);
    }

    /** Models that lie among the assets of this module, or of another one, are there already. */
    private static void copy(Variant variant, Project project, EdgekitExtension block) {
        SourceDirectories.Layered assets = variant.getSources().getAssets();
        File models = block.getModels().get().getAsFile();
        if (assets == null || models.toPath().endsWith("src/main/assets")) {
            return;
        }
        TaskProvider<EdgekitCopy> task =
                project.getTasks().register("edgekitCopy" + capital(variant.getName()), EdgekitCopy.class);
        assets.addGeneratedSourceDirectory(task, EdgekitCopy::getInto);
    }

    private static void check(
            Variant variant, String kind, Provider<?> packages, Project project, EdgekitExtension block) {
        String name = "edgekitVerify" + capital(variant.getName()) + kind;
        project.getTasks().register(name, EdgekitVerifyPackage.class, task -> {
            task.setDescription("Holds the " + variant.getName() + " " + kind.toLowerCase(Locale.ROOT) + " to edgekit.lock.");
            task.getPackages().from(packages);
            task.getLock().set(block.getLock());
            task.getReport().set(EdgekitPlugin.report(project.getLayout(), name));
        });
    }

    private static String capital(String name) {
        return name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
    }
}
