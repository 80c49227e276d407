"""The Gymnasium classes, which wire episodes together."""
