"""Data sources, one file each: `matches(source)` says whose it is, `read(source, wanted)` reads it."""

ORDER = ("digits", "npz", "csv", "text", "images", "function", "keras")
"""Asked in this order; the first that matches reads."""
