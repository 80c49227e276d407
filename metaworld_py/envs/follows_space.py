"""Wrappers of one environment whose observation space follows from the one inside."""

from __future__ import annotations

from typing import Any

import gymnasium


class FollowsSpace(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A wrapper whose observation space is computed from the one inside, again where that has changed: goals can be hidden later."""

    _inside: Any = None

    def _observed(self, inside: Any) -> Any:
        """The observation space, from that inside."""
        raise NotImplementedError

    @property
    def observation_space(self) -> Any:
        """The space of observations."""
        inside = self.env.observation_space
        if inside is not self._inside:
            self._inside, self._observation_space = inside, self._observed(inside)
        return self._observation_space

    @observation_space.setter
    def observation_space(self, space: Any) -> None:
        self._inside, self._observation_space = self.env.observation_space, space


class FrameStack(FollowsSpace, gymnasium.wrappers.FrameStackObservation):  # unparametrised: versions of Gymnasium differ
    """Gymnasium's `FrameStackObservation`, with a space that follows."""

    def _observed(self, inside: Any) -> Any:
        return gymnasium.vector.utils.batch_space(inside, n=self.stack_size)
