"""Pixels as observations: what one or several cameras see, with or without the state; stacks of the last few frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from metaworld_py.envs.follows_space import FollowsSpace
from metaworld_py.envs.point_clouds import PointOptions, sampled
from metaworld_py.envs.vector_layer import VectorLayer
from metaworld_py.rendering.cameras import Camera, find_camera
from metaworld_py.rendering.renderer import DEPTH, FAST, KINDS, POINT_CLOUD, QUALITIES, RGB, SEGMENTATION, check_size
from metaworld_py.tasks.common.definition import TaskDef

STATE, PIXELS, PIXELS_AND_STATE = "state", "pixels", "pixels+state"
OBS_MODES = (STATE, PIXELS, PIXELS_AND_STATE)
DEFAULT_CAMERA = "corner2_upright"
DEFAULT_OBS_SIZE_PX = 84
POINT_MASK = "point_cloud_mask"  # which rows of a cloud are points

CameraChoice = str | int | Camera


@dataclass(frozen=True)
class PixelOptions:
    """Options of pixel observations: cameras, kinds of pictures, size, quality.

    Attributes:
      cameras: names, ids or `Camera`s of one's own.
      kinds: of "rgb", "depth", "segmentation", "point_cloud".
      with_state: whether the state is observed, too.
      width, height: pixels.
      quality: "fast" (no shadows, reflections and antialiasing) or "high".
      points: makes clouds of a fixed number of points; None leaves a point per pixel.

    Raises:
      ValueError: no camera or kind, one of them twice, or values that there are not.
    """

    cameras: tuple[CameraChoice, ...] = (DEFAULT_CAMERA,)
    kinds: tuple[str, ...] = (RGB,)
    with_state: bool = False
    width: int = DEFAULT_OBS_SIZE_PX
    height: int = DEFAULT_OBS_SIZE_PX
    quality: str = FAST
    points: PointOptions | None = None

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise ValueError(f"obs_kinds must be some of {KINDS}, got {self.kinds!r}")
        if not self.cameras:
            raise ValueError("obs_cameras must name at least one camera")
        if len(set(self.labels)) < len(self.cameras) or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"each camera and kind once, please; got {self.cameras!r} and {self.kinds!r}")
        if self.quality not in QUALITIES:
            raise ValueError(f"obs_quality must be one of {QUALITIES}, got {self.quality!r}")
        if self.points is not None and POINT_CLOUD not in self.kinds:
            raise ValueError(f"obs_points is about point clouds, which obs_kinds={self.kinds!r} leaves out: add {POINT_CLOUD!r}")
        check_size(self.width, self.height)

    @property
    def drawn(self) -> dict[str, Any]:
        """What to ask of a renderer: kinds, size and quality. Coloured points need colours."""
        needs_rgb = self.points is not None and self.points.with_colors and RGB not in self.kinds
        kinds = (*self.kinds, RGB) if needs_rgb else self.kinds
        return {"kinds": kinds, "width": self.width, "height": self.height, "quality": self.quality}

    @property
    def labels(self) -> list[str]:
        """A name for each camera; those of one's own are numbered."""
        return [f"camera{index}" if isinstance(camera, Camera) else str(camera) for index, camera in enumerate(self.cameras)]

    def key(self, label: str, kind: str) -> str:
        """Under which name something is observed: "pixels", "depth", …; with the camera's name where there are several."""
        name = "pixels" if kind == RGB else kind
        return name if len(self.cameras) == 1 else f"{name}_{label}"

    @property
    def is_bare(self) -> bool:
        """Whether an observation is a single array, not a dictionary."""
        return not self.with_state and len(self.cameras) == len(self.kinds) == 1 and self.points is None

    def space(self, state_space: gymnasium.Space[Any], n_bodies: int) -> gymnasium.Space[Any]:
        """The space of one environment's observations.

        Args:
          state_space: of the state.
          n_bodies: the largest number in a segmentation.
        """
        size = (self.height, self.width)
        boxes: dict[str, gymnasium.Space[Any]] = {
            RGB: Box(0, 255, (*size, 3), np.uint8),
            DEPTH: Box(0.0, np.inf, size, np.float32),
            SEGMENTATION: Box(-1, n_bodies, size, np.int32),
            POINT_CLOUD: Box(-np.inf, np.inf, (*size, 3), np.float32),
        }
        if self.points is not None:
            boxes[POINT_CLOUD] = Box(-np.inf, np.inf, (self.points.num, self.points.size), np.float32)
        spaces = {self.key(label, kind): boxes[kind] for label in self.labels for kind in self.kinds}
        if self.points is not None:
            mask_type: Any = np.bool_
            spaces |= {self.key(label, POINT_MASK): Box(0, 1, (self.points.num,), mask_type) for label in self.labels}
        if self.is_bare:
            return next(iter(spaces.values()))
        return Dict({"state": state_space, **spaces} if self.with_state else spaces)

    def observation(self, state: NDArray[Any], pictures: Sequence[dict[str, NDArray[Any]]]) -> Any:
        """One observation, of the state and of what each camera sees."""
        seen = {self.key(label, kind): taken[kind] for label, taken in zip(self.labels, pictures, strict=True) for kind in self.kinds}
        if self.points is not None:
            for label, taken in zip(self.labels, pictures, strict=True):
                cloud, mask = sampled(taken[POINT_CLOUD], taken.get(RGB), self.points)
                seen[self.key(label, POINT_CLOUD)], seen[self.key(label, POINT_MASK)] = cloud, mask
        if self.is_bare:
            return next(iter(seen.values()))
        return {"state": state, **seen} if self.with_state else seen

    def find_cameras(self, task: TaskDef) -> list[int | Camera]:
        """The cameras in a task's scene.

        Raises:
          ValueError: a camera that there is not.
        """
        return [find_camera(task, camera) for camera in self.cameras]


class PixelObservations(FollowsSpace, RecordConstructorArgs):
    """Observations become what the cameras see; see `PixelOptions`. A hidden goal is never seen."""

    def __init__(self, env: gymnasium.Env[Any, Any], options: PixelOptions | None = None) -> None:
        RecordConstructorArgs.__init__(self, options=options)
        gymnasium.Wrapper.__init__(self, env)
        self._options = options or PixelOptions()
        base: Any = env.unwrapped
        self._cameras = self._options.find_cameras(base.task_def)

    def _observed(self, inside: Any) -> Any:
        base: Any = self.env.unwrapped
        return self._options.space(inside, base.task_def.physics_model.nbody)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        state, info = self.env.reset(seed=seed, options=options)
        return self._seen(state), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Advance by one action."""
        state, reward, terminated, truncated, info = self.env.step(action)
        return self._seen(state), reward, terminated, truncated, info

    def _seen(self, state: Any) -> Any:
        base, options = self.env.unwrapped, self._options
        return options.observation(state, base.pictures(self._cameras, **options.drawn))  # type: ignore[attr-defined]


class PixelVectorEnv(VectorLayer):
    """Observations of the native vector environment become what the cameras see.

    Draws in the thread that steps it: engine and software renderers use the cores anyway.
    """

    def __init__(self, env: Any, options: PixelOptions | None = None) -> None:
        super().__init__(env)
        self._options = options or PixelOptions()
        self._base = env.unwrapped
        self._cameras = {task.name: self._options.find_cameras(task) for task in self._base.task_defs}
        self._final: dict[int, Any] = {}

    def _observed(self, inside: Any) -> Any:
        return self._options.space(inside, max(task.physics_model.nbody for task in self._base.task_defs))

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start episodes; see `MetaWorldVectorEnv.reset`."""
        states, infos = self.env.reset(seed=seed, options=options)
        return self._seen(states), infos

    def step(self, actions: Any) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance by one action; see `MetaWorldVectorEnv.step`."""
        self._base.before_autoreset = self._keep_final  # for this step only: copies have a base of their own, and nothing holds this layer
        try:
            states, rewards, terminations, truncations, infos = self.env.step(actions)
        finally:
            self._base.before_autoreset = None
        for env, pictures in self._final.items():
            infos["final_obs"][env] = self._options.observation(infos["final_obs"][env], pictures)
        self._final = {}
        return self._seen(states), rewards, terminations, truncations, infos

    def _pictures(self, env: int) -> list[dict[str, NDArray[Any]]]:
        options, cameras = self._options, self._cameras[self._base.task_names[env]]
        pictures: list[dict[str, NDArray[Any]]] = self._base.pictures(env, cameras, **options.drawn)
        return pictures

    def _keep_final(self, envs: NDArray[np.intp]) -> None:
        """Draw the last moment of episodes that are about to be replaced."""
        self._final = {env: self._pictures(env) for env in envs.tolist()}

    def _seen(self, states: NDArray[Any]) -> Any:
        observed = [self._options.observation(state, self._pictures(env)) for env, state in enumerate(states)]
        if self._options.is_bare:
            return np.stack(observed)
        return {key: np.stack([one[key] for one in observed]) for key in observed[0]}


class FrameStackVectorEnv(VectorLayer):
    """The last `size` observations of each environment, oldest first, along a new axis after the environments'.

    The same as Gymnasium's `FrameStackObservation` with `padding_type="reset"` around each: an episode begins with copies of its first.
    """

    carried = ("_stacks", "_was_over")

    def __init__(self, env: Any, size: int) -> None:
        super().__init__(env)
        self._stacks: Any = None
        self._was_over = np.zeros(env.num_envs, dtype=bool)
        self._size = size

    def _observed(self, inside: Any) -> Any:
        return batch_space(inside, self._size)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start episodes; see `MetaWorldVectorEnv.reset`."""
        observations, infos = self.env.reset(seed=seed, options=options)
        mask = np.asarray((options or {}).get("reset_mask", np.ones(self.num_envs, dtype=bool)))
        self._begin(observations, mask)
        self._was_over &= ~mask
        return _map(np.copy, self._stacks), infos

    def step(self, actions: Any) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance by one action; see `MetaWorldVectorEnv.step`."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        over, before = terminations | truncations, self._stacks
        self._stacks = _map(lambda stack, now: np.concatenate([stack[:, 1:], now[:, np.newaxis]], axis=1), before, observations)
        anew, self._was_over = self._was_over, over
        if self.env.unwrapped.autoreset_mode == AutoresetMode.SAME_STEP:
            for env in np.flatnonzero(over).tolist():
                earlier = _map(lambda stack, env=env: stack[env, 1:], before)
                infos["final_obs"][env] = _map(
                    lambda stack, last: np.concatenate([stack, last[np.newaxis]]), earlier, infos["final_obs"][env]
                )
            anew = over
        self._begin(observations, anew)
        return _map(np.copy, self._stacks), rewards, terminations, truncations, infos

    def _begin(self, observations: Any, mask: NDArray[np.bool_]) -> None:
        """Fill the stacks of episodes that begin with copies of their first observation."""
        repeated = _map(lambda now: np.repeat(now[:, np.newaxis], self._size, axis=1), observations)
        if self._stacks is None:
            self._stacks = repeated
        elif mask.any():
            for stack, fresh in zip(_leaves(self._stacks), _leaves(repeated), strict=True):
                stack[mask] = fresh[mask]


def _map(function: Callable[..., Any], *trees: Any) -> Any:
    """Apply a function to arrays, or to those under each key of dictionaries."""
    if not isinstance(trees[0], dict):
        return function(*trees)
    return {key: function(*[tree[key] for tree in trees]) for key in trees[0]}


def _leaves(tree: Any) -> list[NDArray[Any]]:
    return list(tree.values()) if isinstance(tree, dict) else [tree]
