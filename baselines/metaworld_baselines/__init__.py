"""Agents for Meta-World in JAX, one readable file per algorithm. `metaworld_py` does not need this package; see README.md."""
