"""Attributes of the published environment class that tell of instances and episodes. New code has better names for all of them."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from numpy.typing import ArrayLike, NDArray

from metaworld_py.engine.layout import BEFORE, GOAL, MAX_DISPLACEMENT, NOW
from metaworld_py.instances.selection import FreshTasks, with_goal_hidden
from metaworld_py.instances.task import Task

if TYPE_CHECKING:
    from metaworld_py.engine.episode import Episode
    from metaworld_py.instances.selection import Selector
    from metaworld_py.sim.signals import Vec3
    from metaworld_py.tasks import TaskDef

Position = NDArray[np.float64]


def checked_position(name: str, value: ArrayLike) -> Vec3:
    """Three finite numbers from whatever array is given.

    Raises:
      ValueError: something else; says of what.
    """
    position = np.asarray(value, dtype=float)
    if position.shape != (3,) or not np.isfinite(position).all():
        raise ValueError(f"{name} must be three finite numbers (m), got {value!r}")
    x, y, z = position.tolist()
    return (x, y, z)


class InstanceNames:
    """What published code asks and tells an environment about its instance and episode. Positions are metres in the world frame.

    Classes that have it keep `_episode`, `_lock`, `_selector`, `_task`, `_steps`, `use(selector)`, `set_task(task)`, `_episode_changed()`.
    """

    task_def: ClassVar[TaskDef]
    TARGET_RADIUS = 0.05  # m
    _episode: Episode
    _lock: threading.RLock
    _selector: Selector | None
    _task: Task | None
    _steps: int

    @property
    def _begun(self) -> Episode:
        """The running episode, with what was written into its model and data.

        Raises:
          ResetNeeded: there is none yet.
        """
        if self._task is None:
            raise ResetNeeded("there is no episode yet: call reset() first")
        with self._lock:
            self._take_edits()
        return self._episode

    def _take_edits(self) -> None:
        """Carry what was written into model and data to the episode, where someone holds them."""

    @property
    def tasks(self) -> list[Task]:
        """The instances that are played; empty where each is freshly drawn."""
        return list(getattr(self._selector, "tasks", ()))

    @property
    def _target_pos(self) -> Position:
        return np.array(self._begun.start.goal_pos)

    @_target_pos.setter
    def _target_pos(self, position: ArrayLike) -> None:
        """Another goal for the rest of the episode."""
        self._set_constants(goal_pos=checked_position("_target_pos", position))

    @property
    def goal(self) -> Position:
        """The goal of this episode (3,)."""
        return self._target_pos

    @property
    def obj_init_pos(self) -> Position:
        """The initial object position that the rewards use (3,); another one counts for the rest of the episode."""
        return np.array(self._begun.start.obj_pos)

    @obj_init_pos.setter
    def obj_init_pos(self, position: ArrayLike) -> None:
        self._set_constants(obj_pos=checked_position("obj_init_pos", position))

    @property
    def init_tcp(self) -> Position:
        """Tool centre point at the reset (3,)."""
        return np.array(self._begun.start.tcp_pos)

    def _set_constants(self, **constants: Vec3) -> None:
        if self._task is None:
            raise AttributeError(f"{', '.join(constants)} of an episode can be set once there is one: call reset() first")
        self._episode.set_constants(**constants)
        self._episode_changed()

    def _episode_changed(self) -> None:
        """Tell whoever keeps constants of the episode besides the episode itself."""

    @property
    def hand_init_pos(self) -> Position:
        """Where the hand's target starts (3,); another place counts from the next reset on."""
        return np.array(self._episode.hand_start)

    @hand_init_pos.setter
    def hand_init_pos(self, position: ArrayLike) -> None:
        self._episode.hand_start = checked_position("hand_init_pos", position)

    @property
    def init_config(self) -> dict[str, Position]:
        """Initial positions of hand and object (3,) each."""
        return {"hand_init_pos": self.hand_init_pos, "obj_init_pos": self.obj_init_pos}

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
    def goal_space(self) -> Box:
        """Where goals lie (3,)."""
        return Box(np.array(self.task_def.goal_low), np.array(self.task_def.goal_high), dtype=np.float64)

    @property
    def _random_reset_space(self) -> Box:
        return Box(np.array(self.task_def.random_low), np.array(self.task_def.random_high), dtype=np.float64)

    @property
    def curr_path_length(self) -> int:
        """Control steps since the reset; another number brings the limit nearer or farther."""
        return self._steps

    @curr_path_length.setter
    def curr_path_length(self, steps: int) -> None:
        if not isinstance(steps, (int, np.integer)) or isinstance(steps, bool) or steps < 0:
            raise ValueError(f"curr_path_length must be a whole number of steps, got {steps!r}")
        self._steps = int(steps)

    @property
    def action_scale(self) -> float:
        """Metres that an action of 1 moves the hand's target."""
        return MAX_DISPLACEMENT

    @property
    def seeded_rand_vec(self) -> bool:
        """Whether the environment's own generator draws instances: always."""
        return True

    @seeded_rand_vec.setter
    def seeded_rand_vec(self, is_seeded: bool) -> None:
        if not is_seeded:
            raise ValueError("instances are always drawn from the environment's own generator, never from the global one")

    @property
    def _last_rand_vec(self) -> Position:
        return np.array(self._episode.rand_vec)

    @_last_rand_vec.setter
    def _last_rand_vec(self, rand_vec: ArrayLike) -> None:
        """Play this random vector from the next reset on, as a frozen one."""
        env: Any = self
        vector = tuple(np.asarray(rand_vec, dtype=float).tolist())
        env.set_task(Task(self.task_def.id, vector, self._partially_observable))

    @property
    def _set_task_called(self) -> bool:
        return self._selector is not None

    @_set_task_called.setter
    def _set_task_called(self, was_called: bool) -> None:
        """True, where no instance was set: a freshly drawn one at each reset."""
        if was_called and self._selector is None:
            env: Any = self
            env.use(FreshTasks(self.task_def.id, is_goal_hidden=False))
        elif not was_called:
            self._selector = None

    @property
    def _partially_observable(self) -> bool:
        return self._selector is not None and self._selector.is_goal_hidden

    @_partially_observable.setter
    def _partially_observable(self, is_hidden: bool) -> None:
        """Show or hide the goal from now on, in the observation space as well."""
        env: Any = self
        env.use(with_goal_hidden(self._selector or FreshTasks(self.task_def.id, is_goal_hidden=False), bool(is_hidden)))
        if self._task is not None:
            self._task = replace(self._task, partially_observable=bool(is_hidden))
            self._episode.hide_goal(bool(is_hidden))

    @property
    def _freeze_rand_vec(self) -> bool:
        return self._selector is not None and not self._selector.sample_on_reset

    @_freeze_rand_vec.setter
    def _freeze_rand_vec(self, is_frozen: bool) -> None:
        """False, as downstream projects set it: a freshly drawn instance at each reset. True: keep the one being played."""
        env: Any = self
        if not is_frozen:
            env.use(FreshTasks(self.task_def.id, is_goal_hidden=self._partially_observable))
        elif self._selector is not None:
            self._selector.sample_on_reset = False

    def _get_obs(self) -> NDArray[np.float64]:
        observation: NDArray[np.float64] = self._begun.observation.copy()
        return observation

    @property
    def _prev_obs(self) -> NDArray[np.float64]:
        return self._get_obs()[BEFORE]

    def _get_curr_obs_combined_no_goal(self) -> NDArray[np.float64]:
        return self._get_obs()[NOW]

    def _get_obs_dict(self) -> dict[str, NDArray[np.float64]]:
        observation = self._get_obs()
        return {
            "state_observation": observation,
            "state_desired_goal": observation[GOAL],
            "state_achieved_goal": observation[3 : GOAL.start],
        }

    def _get_pos_objects(self) -> Position:
        frame = self._begun.observation[NOW]
        return np.concatenate([frame[4:7], frame[11:14]])

    def _get_quat_objects(self) -> Position:
        frame = self._begun.observation[NOW]
        return np.concatenate([frame[7:11], frame[14:18]])

    def _get_pos_goal(self) -> Position:
        return self._get_obs()[GOAL]
