package edgekit.gradle;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.gradle.api.GradleException;

/** Modules with the wrappers of models: by asset path, the folder, and what else edgekit export android is told. */
final class Wrappers {
    private static final Pattern ASSET = Pattern.compile("edgekit/([^/]+)/([^/]+)\\.tflite");

    private Wrappers() {}

    /** Before anything trains: a wrapper is one of a recipe's model, and lies where the models do. */
    static void check(Map<String, List<String>> wrappers, Set<String> recipes, File models) {
        for (Map.Entry<String, List<String>> each : wrappers.entrySet()) {
            String asset = each.getKey();
            if (!ASSET.matcher(asset).matches() || !recipes.contains(asset)) {
                throw new GradleException("A wrapper is one of a recipe's model at edgekit/PACKAGE/NAME.tflite. Received: "
                        + asset + ". Give recipe(...) and wrapper(...) the asset path that the module has.");
            }
            Path assets = new File(each.getValue().get(0), "src/main/assets").toPath();
            if (!assets.normalize().equals(models.toPath().normalize())) {
                throw new GradleException("A wrapper's model lies among the assets of its module. Received: models in "
                        + models + " and the module " + each.getValue().get(0)
                        + ". Name that folder: models.set(file(\"../digits/src/main/assets\"))");
            }
        }
    }

    /** What EdgeKit is asked for, so that wrapper, golden vectors and model belong together. */
    static List<String> export(String asset, List<String> wrapper, File model) {
        Matcher names = ASSET.matcher(asset);
        if (!names.matches()) {
            throw new IllegalArgumentException(asset);
        }
        List<String> arguments = new ArrayList<>(List.of("export", "android", "-o", wrapper.get(0)));
        arguments.addAll(List.of("--package", names.group(1), "--name", names.group(2)));
        arguments.addAll(wrapper.subList(1, wrapper.size()));
        arguments.addAll(List.of("--", model.getPath()));
        return arguments;
    }
}
