"""What a child process is asked to do with a foreign model."""
