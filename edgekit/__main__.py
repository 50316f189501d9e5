"""`python -m edgekit`: the command line, where the script `edgekit` is not on PATH."""

from edgekit.cli import main

if __name__ == "__main__":
    main()
