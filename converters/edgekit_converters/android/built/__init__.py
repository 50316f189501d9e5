"""Packages that a build made, read under bounds: APK, AAB and AAR, their manifests, native libraries and globs."""
