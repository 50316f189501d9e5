plugins {
    `java-gradle-plugin`
}

dependencies {
    compileOnly(localGroovy())
    compileOnly("com.android.tools.build:gradle-api:" + @AGP@)
}

gradlePlugin {
    plugins {
        create("edgekit") {
            id = "edgekit.android"
            implementationClass = "edgekit.gradle.EdgekitPlugin"
        }
    }
}
