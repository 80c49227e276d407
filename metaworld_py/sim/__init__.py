"""Scenes, signals and batched stepping: everything that touches the physics engine."""
