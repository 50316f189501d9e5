package edgekit.gradle;

import groovy.json.JsonException;
import groovy.json.JsonSlurper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.gradle.api.GradleException;

/** A lock as far as a build reads it: which files ship, and what made them. EdgeKit checks the rest. */
final class EdgekitLock {
    private static final String RENEW = "Renew it with: edgekit android lock ASSETS_FOLDER -o edgekit.lock";

    private EdgekitLock() {}

    /** One model that ships; the recipe's path is null where none is known. */
    static final class Model {
        final String asset;
        final String sha256;
        final String recipe;

        Model(String asset, String sha256, String recipe) {
            this.asset = asset;
            this.sha256 = sha256;
            this.recipe = recipe;
        }
    }

    static List<Model> models(File lock) {
        if (!lock.isFile()) {
            throw new GradleException("An app's models are named by edgekit.lock. Received: no file " + lock
                    + ". Write it with: edgekit android lock ASSETS_FOLDER -o edgekit.lock");
        }
        List<Model> models = new ArrayList<>();
        for (Object record : records(lock)) {
            Map<?, ?> told = record instanceof Map ? (Map<?, ?>) record : Map.of();
            Object recipe = told.get("recipe");
            String asset = asset(told.get("asset"), lock);
            models.add(new Model(asset, String.valueOf(told.get("sha256")), recipe instanceof String ? (String) recipe : null));
        }
        return models;
    }

    /** Files of the recipes that a lock names; none where it cannot be read, which the task that reads it says. */
    static List<File> recipes(File lock) {
        List<File> files = new ArrayList<>();
        try {
            for (Model model : models(lock)) {
                if (model.recipe != null) {
                    files.add(new File(lock.getParentFile(), model.recipe));
                }
            }
        } catch (GradleException broken) {
            return List.of();
        }
        return files;
    }

    static String sha256(File file) throws IOException {
        try {
            StringBuilder text = new StringBuilder();
            for (byte value : MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file.toPath()))) {
                text.append(String.format("%02x", value));
            }
            return text.toString();
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    private static List<?> records(File lock) {
        Object content = null;
        try {
            content = new JsonSlurper().parse(lock, "UTF-8");
        } catch (JsonException | IllegalArgumentException broken) {
            // Said below, as of any other content.
        }
        Map<?, ?> told = content instanceof Map ? (Map<?, ?>) content : Map.of();
        if (!"edgekit.lock/1".equals(told.get("schema")) || !(told.get("models") instanceof List)) {
            throw new GradleException("A lock is JSON of the schema edgekit.lock/1. Received: " + lock + ". " + RENEW
                    + "; one of a newer EdgeKit needs a newer plugin, which edgekit android init writes.");
        }
        return (List<?>) told.get("models");
    }

    private static String asset(Object told, File lock) {
        String asset = told instanceof String ? (String) told : "";
        boolean inside = !asset.contains("\\") && !asset.split("/", -1)[0].contains(":");
        for (String part : asset.split("/", -1)) {
            inside &= !part.isEmpty() && !part.equals(".") && !part.equals("..");
        }
        if (!inside) {
            throw new GradleException("An asset in a lock is a path inside the assets folder, with \"/\" between folders."
                    + " Received: " + told + " in " + lock + ". " + RENEW);
        }
        return asset;
    }
}
