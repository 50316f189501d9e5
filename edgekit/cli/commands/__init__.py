"""Commands, one file each: `SUMMARY` is its line in `edgekit --help`, `command` is the click command."""
