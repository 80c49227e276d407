"""Attributes of the published environment class that code in the wild reads. New code has better names for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.layout import MAX_DISPLACEMENT

if TYPE_CHECKING:
    from metaworld_py.engine.episode import Episode
    from metaworld_py.instances.selection import Selector
    from metaworld_py.tasks import TaskDef

Position = NDArray[np.float64]


class PublishedNames:
    """Read-only views under published names, for `MetaWorldEnv`. Positions are metres in the world frame."""

    task_def: ClassVar[TaskDef]
    _episode: Episode
    _selector: Selector | None
    _steps: int

    action_scale = MAX_DISPLACEMENT

    @property
    def _target_pos(self) -> Position:
        return np.array(self._episode.start.goal_pos)

    @property
    def obj_init_pos(self) -> Position:
        """The initial object position that the rewards use (3,)."""
        return np.array(self._episode.start.obj_pos)

    @property
    def hand_init_pos(self) -> Position:
        """Where the hand's target starts (3,)."""
        return np.array(self.task_def.hand_start)

    @property
    def tcp_center(self) -> Position:
        """Tool centre point now (3,)."""
        right, left = (self._data().site(name).xpos for name in ("rightEndEffector", "leftEndEffector"))
        middle: Position = (right + left) / 2.0
        return middle

    def get_endeff_pos(self) -> Position:
        """Hand position now (3,)."""
        position: Position = self._data().body("hand").xpos.copy()
        return position

    @property
    def mocap_low(self) -> Position:
        """Lower corner of the box of the hand's target (3,)."""
        return np.array(self.task_def.hand_low)

    @property
    def mocap_high(self) -> Position:
        """Upper corner of the box of the hand's target (3,)."""
        return np.array(self.task_def.hand_high)

    hand_low, hand_high = mocap_low, mocap_high

    @property
    def curr_path_length(self) -> int:
        """Control steps since the reset."""
        return self._steps

    @property
    def _last_rand_vec(self) -> Position:
        return np.array(self._episode.rand_vec)

    @property
    def _partially_observable(self) -> bool:
        return self._selector is not None and self._selector.is_goal_hidden

    @property
    def _freeze_rand_vec(self) -> bool:
        return self._selector is not None and not self._selector.sample_on_reset

    @_freeze_rand_vec.setter
    def _freeze_rand_vec(self, is_frozen: bool) -> None:
        """False, as downstream projects set it: a freshly drawn instance at each reset. True: keep the one being played."""
        if is_frozen:
            if self._selector is not None:
                self._selector.sample_on_reset = False
        else:
            draw: Any = self
            draw.draw_tasks(hide_goal=self._partially_observable)

    def _data(self) -> Any:
        env: Any = self
        return env.data
