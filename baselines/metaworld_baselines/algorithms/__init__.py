"""Learning algorithms, a file each, and how they are found and loaded by name."""
