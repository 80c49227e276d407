"""Transitions from environments: replay, rollouts, advantages."""
