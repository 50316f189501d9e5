"""A pass and a target for EdgeKit."""
