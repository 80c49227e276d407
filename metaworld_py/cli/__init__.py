"""The command line: thin wrappers over the package's own functions."""
