plugins {
    id("com.android.application")
}

android {
    namespace = "com.example.digits.app"
    compileSdk = 34

    defaultConfig {
        applicationId = "com.example.digits.app"
        minSdk = 24
        targetSdk = 34
        versionCode = 1
        versionName = "1.0"
    }

    buildTypes {
        release {
            isMinifyEnabled = true // the module brings the rules that TFLite needs
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    // A deflated model cannot be mapped.
    androidResources {
        noCompress.add("tflite")
    }
}

dependencies {
    implementation(project(":digits"))
}
