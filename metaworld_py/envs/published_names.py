"""The rest of the published environment class: what needs the engine's own model and data, and what acts on one episode."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaworld_py.envs.instance_names import InstanceNames, Position
from metaworld_py.envs.published_renderer import PublishedRenderer
from metaworld_py.instances.task import checked_seed
from metaworld_py.sim.simulation import CONTROL_HZ, PHYSICS_STEPS
from metaworld_py.tasks.common.definition import Score

_PADS = ("leftpad_geom", "rightpad_geom")


class PublishedNames(InstanceNames):
    """The rest: what needs the engine's own model and data. Classes that have it keep `_mirror()` and `np_random`.

    Attributes:
      own_renderer: a renderer of the user's own, or None.
    """

    own_renderer: Any = None

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

    def get_body_com(self, body_name: str) -> Position:
        """Position of a body now (3,)."""
        position: Position = self._seen().body(body_name).xpos.copy()
        return position

    def state_vector(self) -> NDArray[np.float64]:
        """Positions and velocities of all joints now (nq + nv,)."""
        data = self._seen()
        return np.concatenate([data.qpos, data.qvel])

    @property
    def init_qpos(self) -> NDArray[np.float64]:
        """Positions of all joints in the scene as it is written (nq,)."""
        positions: NDArray[np.float64] = self._model().qpos0.copy()
        return positions

    @property
    def init_qvel(self) -> NDArray[np.float64]:
        """Zeros (nv,)."""
        return np.zeros(self._model().nv)

    @property
    def mujoco_renderer(self) -> Any:
        """What draws: `PublishedRenderer`, or a renderer of your own that was assigned, which `render` draws with from then on."""
        return self.own_renderer or PublishedRenderer(self)

    @mujoco_renderer.setter
    def mujoco_renderer(self, renderer: Any) -> None:
        if renderer is not None and not callable(getattr(renderer, "render", None)):
            raise ValueError(f"mujoco_renderer must have a method render(render_mode), got {renderer!r}")
        self.own_renderer = None if isinstance(renderer, PublishedRenderer) else renderer

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

        score = self._score_now(action)
        return score.reward, step_info(score)

    def compute_reward(self, action: ArrayLike, obs: Any) -> tuple[float, ...]:
        """Reward of the state as it stands, then success, near_object, grasp_success, grasp_reward, in_place_reward, obj_to_target."""
        return tuple(float(value) for value in self._score_now(action))

    def _score_now(self, action: ArrayLike) -> Score:
        with self._lock:
            score, _ = self._begun.peek(float(np.asarray(action)[3]))
            return score

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

    def _get_site_pos(self, name: str) -> Position:
        position: Position = self._seen().site(name).xpos.copy()
        return position

    def _seen(self) -> Any:
        """The data for reading here, which need not follow the episode for that."""
        env: Any = self
        with self._lock:
            return env._mirror().data  # noqa: SLF001  # this is the environment

    def _model(self) -> mujoco.MjModel:
        env: Any = self
        return env._mirror().model  # noqa: SLF001
