"""Files for the user's Gradle build: `templates/old`, a script from Gradle 4.4 on; `templates/current`, a plugin."""
