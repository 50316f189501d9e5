package edgekit.gradle;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.RegularFileProperty;
import org.gradle.api.provider.MapProperty;
import org.gradle.api.provider.Property;

/** The block {@code edgekit { }} of a build file. */
public abstract class EdgekitExtension {
    /** The folder of the models by their asset paths; default src/main/assets. Models of another one are copied into the app. */
    public abstract DirectoryProperty getModels();

    /** Default edgekit.lock beside the build file. */
    public abstract RegularFileProperty getLock();

    /** By asset path, the recipe that makes the model, for -Pedgekit.rebuild. */
    public abstract MapProperty<String, File> getRecipes();

    /** By asset path, the module that holds the model's wrapper, and the options of edgekit export android. */
    public abstract MapProperty<String, List<String>> getWrappers();

    /** Limits by the names of figures such as model_bytes, for models that a rebuild makes; default the recipe's. */
    public abstract MapProperty<String, Number> getBudget();

    /** The program edgekit; default the one in PATH. -Pedgekit.command goes before it. */
    public abstract Property<String> getCommand();

    /** Which recipe makes the model at an asset path. */
    public void recipe(String asset, File file) {
        getRecipes().put(asset, file);
    }

    /**
     * Which module holds the wrapper of the model at an asset path, so that a rebuild exports it again. The path holds
     * package and name, as an export has it: edgekit/com.example.digits/DigitClassifier.tflite.
     *
     * @param options What else edgekit export android was told, such as "--language", "kotlin".
     */
    public void wrapper(String asset, File module, String... options) {
        List<String> told = new ArrayList<>(List.of(module.getPath()));
        told.addAll(Arrays.asList(options));
        getWrappers().put(asset, told);
    }

    /** A limit, such as model_bytes, 100000. */
    public void budget(String figure, Number limit) {
        getBudget().put(figure, limit);
    }
}
