import com.android.build.api.artifact.Artifacts;
import com.android.build.api.artifact.SingleArtifact;
import com.android.build.api.variant.AndroidComponentsExtension;
import com.android.build.api.variant.ApplicationVariant;
import com.android.build.api.variant.SourceDirectories;
import com.android.build.api.variant.Sources;
import com.android.build.api.variant.VariantBuilder;
import com.android.build.api.variant.VariantSelector;
import java.io.File;
import kotlin.Unit;
import kotlin.jvm.functions.Function1;
import org.gradle.api.Action;
import org.gradle.api.Plugin;
import org.gradle.api.Project;
import org.gradle.api.Task;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.FileSystemLocation;
import org.gradle.api.provider.Provider;
import org.gradle.api.tasks.TaskProvider;

/** Stands in for Android's plugin: one release variant, whose packages lie in build/out. Its callbacks run when asked. */
public final class AndroidStandIn implements Plugin<Project> {
    /** The extension androidComponents. */
    public static class Components
            implements AndroidComponentsExtension<Object, VariantBuilder, ApplicationVariant> {
        private Action<ApplicationVariant> callback;

        @Override
        public VariantSelector selector() {
            return new VariantSelector() {
                @Override
                public VariantSelector all() {
                    return this;
                }
            };
        }

        @Override
        public void onVariants(VariantSelector selector, Function1<? super ApplicationVariant, Unit> callback) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void onVariants(VariantSelector selector, Action<ApplicationVariant> callback) {
            this.callback = callback;
        }

        void variants(Project project) {
            callback.execute(new Release(project));
        }
    }

    private static final class Release implements ApplicationVariant {
        private final Project project;

        Release(Project project) {
            this.project = project;
        }

        @Override
        public String getName() {
            return "release";
        }

        @Override
        public Sources getSources() {
            return () -> new SourceDirectories.Layered() {
                @Override
                public <TASK extends Task> void addGeneratedSourceDirectory(
                        TaskProvider<TASK> task, Function1<? super TASK, ? extends DirectoryProperty> wiredWith) {
                    task.configure(made -> wiredWith.invoke(made).set(new File(project.getProjectDir(), "build/generated")));
                }
            };
        }

        @Override
        public Artifacts getArtifacts() {
            return new Artifacts() {
                @Override
                @SuppressWarnings("unchecked")
                public <T extends FileSystemLocation> Provider<T> get(SingleArtifact<T> type) {
                    boolean apk = type instanceof SingleArtifact.APK;
                    return (Provider<T>) (apk
                            ? project.getLayout().getBuildDirectory().dir("out")
                            : project.getLayout().getBuildDirectory().file("out/app.aab"));
                }
            };
        }
    }

    @Override
    public void apply(Project project) {
        project.getExtensions().create("androidComponents", Components.class);
    }
}
