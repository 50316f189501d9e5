"""The text of the exported files, one module a file."""
