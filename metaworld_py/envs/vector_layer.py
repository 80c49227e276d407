"""What our wrappers of the native vector environment have in common."""

from __future__ import annotations

from typing import Any

from gymnasium.vector import VectorWrapper


class VectorLayer(VectorWrapper):
    """A wrapper of ours around the native vector environment: what code calls on Gymnasium's own vector environments passes through."""

    env: Any

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """See `MetaWorldVectorEnv.call`."""
        answer: tuple[Any, ...] = self.env.call(name, *args, **kwargs)
        return answer

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """See `MetaWorldVectorEnv.get_attr`."""
        answer: tuple[Any, ...] = self.env.get_attr(name)
        return answer
