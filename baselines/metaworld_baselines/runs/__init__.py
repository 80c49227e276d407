"""Training runs: folders, curves, checkpoints, exact resume."""
