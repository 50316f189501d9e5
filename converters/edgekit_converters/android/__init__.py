"""Models in Android apps: the lock that names what ships, and checks of packages that were built."""
