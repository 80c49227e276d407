"""Attributes of the published environment class that code in the wild reads and sets. New code has better names for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import mujoco
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import ArrayLike, NDArray

from metaworld_py.engine.layout import GOAL, MAX_DISPLACEMENT, NOW
from metaworld_py.instances.selection import FreshTasks, with_goal_hidden
from metaworld_py.instances.task import Task, checked_seed
from metaworld_py.sim.simulation import CONTROL_HZ, PHYSICS_STEPS

if TYPE_CHECKING:
    from metaworld_py.engine.episode import Episode
    from metaworld_py.instances.selection import Selector
    from metaworld_py.tasks import TaskDef

Position = NDArray[np.float64]
_PADS = ("leftpad_geom", "rightpad_geom")


class InstanceNames:
    """What published code asks and tells an environment about its instances. Positions are metres in the world frame.

    Classes that have it keep `_episode`, `_selector`, `_task` and `_steps`, and `use(selector)`.
    """

    task_def: ClassVar[TaskDef]
    _episode: Episode
    _selector: Selector | None
    _task: Task | None
    _steps: int

    @property
    def tasks(self) -> list[Task]:
        """The instances that are played; empty where each is freshly drawn."""
        return list(getattr(self._selector, "tasks", ()))

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


class PublishedNames(InstanceNames):
    """The rest, for `MetaWorldEnv`: what needs the engine's own model and data, and what takes effect on one episode."""

    @property
    def goal_space(self) -> Box:
        """Where goals lie (3,)."""
        return Box(np.array(self.task_def.goal_low), np.array(self.task_def.goal_high), dtype=np.float64)

    @property
    def goal(self) -> Position:
        """The goal of this episode (3,)."""
        return self._target_pos

    @property
    def init_config(self) -> dict[str, Position]:
        """Initial positions of hand and object (3,) each."""
        return {"hand_init_pos": self.hand_init_pos, "obj_init_pos": self.obj_init_pos}

    @property
    def sawyer_observation_space(self) -> Any:
        """The observation space."""
        env: Any = self
        return env.observation_space

    @property
    def frame_skip(self) -> int:
        """Physics steps per control step."""
        return PHYSICS_STEPS

    @property
    def dt(self) -> float:
        """Seconds per control step."""
        return 1.0 / CONTROL_HZ

    @property
    def tcp_center(self) -> Position:
        """Tool centre point now (3,)."""
        right, left = (self._get_site_pos(name) for name in ("rightEndEffector", "leftEndEffector"))
        middle: Position = (right + left) / 2.0
        return middle

    def get_endeff_pos(self) -> Position:
        """Hand position now (3,)."""
        position: Position = self._seen().body("hand").xpos.copy()
        return position

    def seed(self, seed: int | None = None) -> list[int]:
        """Seed the generator that chooses and draws instances; `reset(seed=...)` does the same and resets."""
        env: Any = self
        chosen = checked_seed(seed)
        env.seed_generator(chosen)
        return [chosen]

    def get_env_state(self) -> Any:
        """The complete environment, as `get_state`."""
        env: Any = self
        return env.get_state()

    def set_env_state(self, state: Any) -> None:
        """Continue exactly where `get_env_state` was called."""
        env: Any = self
        env.set_state(state)

    def reset_model(self) -> NDArray[np.float64]:
        """Start an episode and give its first observation."""
        env: Any = self
        observation: NDArray[np.float64] = env.reset()[0]
        return observation

    def evaluate_state(self, obs: Any, action: ArrayLike) -> tuple[float, dict[str, Any]]:
        """Reward and info of the state as it stands, for this action. The observation is not read: states have more than it shows."""
        from metaworld_py.envs.env import step_info  # noqa: PLC0415  # it stands above this module

        score, _ = self._episode.peek(float(np.asarray(action)[3]))
        return score.reward, step_info(score)

    def compute_reward(self, action: ArrayLike, obs: Any) -> tuple[float, ...]:
        """Reward of the state as it stands, then success, near_object, grasp_success, grasp_reward, in_place_reward, obj_to_target."""
        return tuple(float(value) for value in self._episode.peek(float(np.asarray(action)[3]))[0])

    def touching_object(self, object_geom_id: int) -> bool:
        """Whether both finger pads press on a geom of `model`."""
        return self._is_held({int(object_geom_id)})

    @property
    def touching_main_object(self) -> bool:
        """Whether both finger pads press on the first observed object."""
        data = self._seen()
        signal = self.task_def.reads["obj_pos"]
        model = self._model()
        body = model.geom(signal.name).bodyid[0] if signal.kind == "geom" else None
        if body is None:
            body = model.site(signal.name).bodyid[0] if signal.kind == "site" else model.body(signal.name).id
        moved = model.body_rootid[body]
        return self._is_held({geom for geom in range(model.ngeom) if model.body_rootid[model.geom_bodyid[geom]] == moved}, data)

    def _is_held(self, geoms: set[int], data: Any = None) -> bool:
        data, model = data or self._seen(), self._model()
        pads = {model.geom(name).id: name for name in _PADS}
        pressing, force = set(), np.zeros(6)
        for index, contact in enumerate(data.contact[: data.ncon]):
            one, two = int(contact.geom1), int(contact.geom2)
            for pad, other in ((one, two), (two, one)):
                if pad in pads and other in geoms:
                    mujoco.mj_contactForce(model, data, index, force)
                    if force[0] > 0.0:
                        pressing.add(pad)
        return len(pressing) == len(_PADS)

    def _get_obs(self) -> NDArray[np.float64]:
        observation: NDArray[np.float64] = self._episode.observation.copy()
        return observation

    def _get_pos_objects(self) -> Position:
        frame = self._episode.observation[NOW]
        return np.concatenate([frame[4:7], frame[11:14]])

    def _get_quat_objects(self) -> Position:
        frame = self._episode.observation[NOW]
        return np.concatenate([frame[7:11], frame[14:18]])

    def _get_site_pos(self, name: str) -> Position:
        position: Position = self._seen().site(name).xpos.copy()
        return position

    def _get_pos_goal(self) -> Position:
        goal: Position = self._episode.observation[GOAL].copy()
        return goal

    def _seen(self) -> Any:
        """The data for reading here, which need not follow the episode for that."""
        env: Any = self
        return env._mirror().data  # noqa: SLF001  # this is the environment

    def _model(self) -> mujoco.MjModel:
        env: Any = self
        return env._mirror().model  # noqa: SLF001
