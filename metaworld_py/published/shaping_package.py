"""What `utils` holds in the published package: the shaping functions of rewards."""

from metaworld_py.published import shaping as reward_utils

__all__ = ["reward_utils"]
