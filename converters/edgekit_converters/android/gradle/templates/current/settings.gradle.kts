// EdgeKit's plugin, an included build. Written by edgekit android init; write it anew to update it.
dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
@CATALOGUE@}

rootProject.name = "edgekit-gradle"
