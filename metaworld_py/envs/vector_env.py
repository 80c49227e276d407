"""Any mix of tasks as one `gymnasium.vector.VectorEnv`, stepped natively on all cores, in this process."""

from __future__ import annotations

import copy
import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from metaworld_py.engine import layout
from metaworld_py.engine.batch import EpisodeBatch
from metaworld_py.engine.episode import NO_SCORE, EpisodeState
from metaworld_py.engine.layout import OBSERVATION_SIZE
from metaworld_py.engine.threaded import ThreadedBatch
from metaworld_py.envs.env import MetaWorldEnv, step_info
from metaworld_py.envs.options import REWARD_MODES, EpisodeOptions, Option, RenderOptions, SteppingOptions, read_keywords
from metaworld_py.instances.selection import Selector, TaskSelector
from metaworld_py.instances.task import Task
from metaworld_py.rendering.cameras import Camera, chosen_camera, find_camera
from metaworld_py.rendering.renderer import DEPTH, RGB, EpisodeView, Renderer
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import TaskDef

VECTOR_RENDER_MODES = ("rgb_array", "depth_array")
_INFO_FIELDS = tuple(step_info(NO_SCORE))
RESET_OPTIONS = ("reset_mask", "tasks")


@dataclass(frozen=True)
class VectorEnvState:
    """A complete vector environment in the middle of its episodes, generators and choices of instances included."""

    episodes: tuple[EpisodeState | None, ...]
    tasks: tuple[Task | None, ...]
    steps: NDArray[np.int_]
    returns: NDArray[np.float64]
    lengths: NDArray[np.int_]
    is_over: NDArray[np.bool_]
    was_reset: bool
    selector_states: tuple[dict[str, Any], ...]
    rng_states: tuple[dict[str, Any], ...]
    is_terminating: bool


class MetaWorldVectorEnv(VectorEnv[NDArray[np.float64], NDArray[np.float32], NDArray[Any]]):
    """Environments of one or many tasks. Environment i plays one of `instances[i]` at each reset, chosen by its own generator.

    Same numbers as one `MetaWorldEnv` per environment with the same seeds. `reset(seed=s)` seeds environment i with s + i. Copies and
    pickles in the middle of episodes; `get_state` and `set_state` do the same as a value.

    Args:
      instances: per environment the task instances it plays, all of one task; or a selector of them.
      autoreset_mode: `SAME_STEP` (default; `final_obs` and `final_info` in `info`), `NEXT_STEP` or `DISABLED`.
      task_select: "random" or "pseudorandom" (a shuffled cycle), where `instances` are lists.
      sample_on_reset: whether each reset takes another instance; else only `sample_tasks` does.
      use_one_hot: append a one-hot id of the task (in order of first appearance) to each observation.
      seed: seeds the generators once, as `reset(seed=...)` does.
      keywords: fields of `EpisodeOptions`, `SteppingOptions` and `RenderOptions`; `render()` gives one picture per environment. Whether
        stepping is compiled or not, rewards agree to 1e-12, observations to the last bit.
    """

    render_mode = Option("render_options", "render_mode")
    max_episode_steps = Option("episode_options", "max_episode_steps")
    terminate_on_success = Option("episode_options", "terminate_on_success")
    reward_function_version = Option("episode_options", "reward_function_version")

    def __init__(
        self,
        instances: Sequence[Sequence[Task] | Selector],
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        task_select: str = "random",
        sample_on_reset: bool = True,
        use_one_hot: bool = False,
        seed: int | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__()
        options = read_keywords(keywords, EpisodeOptions, SteppingOptions, RenderOptions)
        self.episode_options, self.stepping_options, self.render_options = options
        if self.max_episode_steps is None:
            raise ValueError("max_episode_steps of several environments must be a number: they start anew by themselves")
        if self.render_mode not in (None, *VECTOR_RENDER_MODES):
            raise ValueError(
                f"render_mode must be None or one of {VECTOR_RENDER_MODES}, got {self.render_mode!r}: windows are for one environment"
            )
        self._selectors: list[Selector] = [
            TaskSelector(source, task_select, sample_on_reset=sample_on_reset) if isinstance(source, Sequence) else source
            for source in instances
        ]
        self.num_envs = len(self._selectors)
        self.task_names = [find_task(selector.env_name).name for selector in self._selectors]
        self.tasks: list[Task | None] = [None] * self.num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**MetaWorldEnv.metadata, "render_modes": list(VECTOR_RENDER_MODES), "autoreset_mode": self.autoreset_mode}
        names = list(dict.fromkeys(self.task_names))
        self._one_hot = np.zeros((self.num_envs, len(names) if use_one_hot else 0))
        if use_one_hot:
            self._one_hot[np.arange(self.num_envs), [names.index(name) for name in self.task_names]] = 1.0
        self._all = np.arange(self.num_envs)
        self._batch = new_batch(
            [find_task(name) for name in self.task_names],
            reward_version=self.reward_function_version,
            action_repeat=self.episode_options.action_repeat,
            n_threads=self.stepping_options.n_threads,
            compiled=is_compiled(self.stepping_options.compiled),
        )
        self._observed = np.hstack([self._batch.observation, self._one_hot])  # handed out where arrays are not copied

        self.single_action_space = layout.action_space()
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self.single_observation_space = self._joint_observation_space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)

        drawn = self.render_options
        self._cameras = {name: chosen_camera(find_task(name), drawn.camera_name, drawn.camera_id) for name in names}
        self._renderer = Renderer()
        self._views: dict[int, EpisodeView] = {}
        self._rngs = [seeding.np_random(None if seed is None else seed + index)[0] for index in range(self.num_envs)]
        self.before_autoreset: Callable[[NDArray[np.intp]], None] | None = None  # told which episodes are about to be replaced
        self._steps = np.zeros(self.num_envs, dtype=int)
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=int)  # in actions
        self._start_times = np.zeros(self.num_envs)
        self._is_over = np.ones(self.num_envs, dtype=bool)
        self._was_reset = False

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Start episodes in all environments, or in those of `options["reset_mask"]`.

        Args:
          seed: environment i gets seed + i; or one seed per environment; None goes on with the generators as they are.
          options: {"reset_mask": (num_envs,) bool} resets only those; {"tasks": one Task per environment} plays these instances once.

        Raises:
          ValueError: unknown options, wrong lengths, tasks of other environments.
        """
        options = options or {}
        unknown = set(options) - set(RESET_OPTIONS)
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown)}; known: {list(RESET_OPTIONS)}")
        self._seed(seed)
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs, dtype=bool)))
        if mask.shape != (self.num_envs,) or mask.dtype != bool or not mask.any():
            raise ValueError(f"reset_mask must be ({self.num_envs},) bool with at least one True, got {mask!r}")
        self._start(np.flatnonzero(mask), options.get("tasks"))
        self._was_reset = True
        return self._observations(), {}

    def step(self, actions: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Advance all environments by one action; finished ones start anew as `autoreset_mode` says.

        Raises:
          ResetNeeded: before the first reset; with autoreset disabled also if an environment has ended.
          ValueError: actions of wrong shape or with NaN; nothing was moved.
        """
        if not self._was_reset:
            raise ResetNeeded("call reset() before step()")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._is_over.any():
            over = np.flatnonzero(self._is_over).tolist()
            raise ResetNeeded(f"environments {over} have ended: reset them with options={{'reset_mask': ...}}")
        actions = layout.checked_actions(actions, (self.num_envs, 4))
        anew = self._is_over if self._is_over.any() else None  # only in next-step mode
        options = self.episode_options
        played = self._batch.step(
            self._all if anew is None else np.flatnonzero(~anew),
            actions,
            options.max_episode_steps - self._steps,
            stop_at_success=options.terminate_on_success,
        )
        self._steps += played.control_steps
        scores = played.scores.copy() if self.stepping_options.copy else played.scores
        terminated = scores[1] > 0.0 if options.terminate_on_success else np.zeros(self.num_envs, dtype=bool)
        truncated = played.unstable | (self._steps >= options.max_episode_steps)
        if anew is not None:
            truncated &= ~anew
        self._is_over = over = terminated | truncated
        rewards = self._rewards(scores, anew)
        infos = self._infos(scores, None if anew is None else ~anew, played.unstable)
        self._returns += rewards
        self._lengths += 1
        any_over = bool(over.any())
        if any_over:
            infos |= self._episode_statistics()
        if anew is not None:
            self._start(np.flatnonzero(anew))
        elif any_over and self.autoreset_mode == AutoresetMode.SAME_STEP:
            infos |= _final_infos(infos, self._observations(), over)
            del infos["episode"], infos["_episode"]  # of the episodes that ended: they stand in final_info
            if self.before_autoreset is not None:
                self.before_autoreset(np.flatnonzero(over))
            self._start(np.flatnonzero(over))
        return self._observations(), rewards, terminated, truncated, infos

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        """Environment i plays `tasks[i]` from its next reset on, again and again, as meta-learners need it while they adapt.

        Raises:
          ValueError: another number of instances than environments, or one of another task than its environment's.
        """
        if len(tasks) != self.num_envs:
            raise ValueError(f"give one instance per environment ({self.num_envs}), got {len(tasks)}")
        for env, task in enumerate(tasks):
            if find_task(task.env_name) is not find_task(self.task_names[env]):
                raise ValueError(f"environment {env} plays {self.task_names[env]}, got an instance of {task.env_name}")
            if task.partially_observable != self._selectors[env].is_goal_hidden:
                raise ValueError(
                    f"environment {env} was made for goals that are {'hidden' if not task.partially_observable else 'visible'}"
                )
        self._selectors = [TaskSelector([task], sample_on_reset=False) for task in tasks]

    def sample_tasks(self) -> None:
        """Choose another instance in every environment, for the next reset; needed only where resets do not choose."""
        for selector, rng in zip(self._selectors, self._rngs, strict=True):
            selector.sample(rng)

    def toggle_sample_tasks_on_reset(self, on: bool) -> None:
        """Whether each reset takes another instance."""
        for selector in self._selectors:
            selector.sample_on_reset = on

    def toggle_terminate_on_success(self, on: bool) -> None:
        """Whether an episode ends at its first success."""
        self.terminate_on_success = on

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method of this vector environment, or read an attribute, and hand out the answer once per environment.

        For code written for Gymnasium's own vector environments; methods here act on all environments at once.
        """
        attribute = getattr(self, name)
        answer = attribute(*args, **kwargs) if callable(attribute) else attribute
        return tuple(answer) if isinstance(answer, list) else (answer,) * self.num_envs

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute, once per environment; `task_name` gives each environment's task."""
        return tuple(self.task_names) if name == "task_name" else self.call(name)

    def get_state(self) -> VectorEnvState:
        """Everything that decides the future, as a value."""
        return VectorEnvState(
            episodes=tuple(None if task is None else self._batch.snapshot(env) for env, task in enumerate(self.tasks)),
            tasks=tuple(self.tasks),
            steps=self._steps.copy(),
            returns=self._returns.copy(),
            lengths=self._lengths.copy(),
            is_over=self._is_over.copy(),
            was_reset=self._was_reset,
            selector_states=tuple(selector.get_state() for selector in self._selectors),
            rng_states=tuple(copy.deepcopy(dict(rng.bit_generator.state)) for rng in self._rngs),
            is_terminating=self.terminate_on_success,
        )

    def set_state(self, state: VectorEnvState) -> None:
        """Continue exactly where `get_state` was called: same future to the last bit.

        Raises:
          ValueError: a state of another number of environments or of other tasks.
        """
        if len(state.tasks) != self.num_envs:
            raise ValueError(f"the state is of {len(state.tasks)} environments, this one has {self.num_envs}")
        known = {env: episode for env, episode in enumerate(state.episodes) if episode is not None}
        self._batch.restore(list(known), list(known.values()))
        for env in range(self.num_envs):
            self._selectors[env].set_state(state.selector_states[env])
            self._rngs[env].bit_generator.state = state.rng_states[env]
        self.tasks = list(state.tasks)
        self._steps, self._returns, self._lengths = state.steps.copy(), state.returns.copy(), state.lengths.copy()
        self._is_over = state.is_over.copy()
        self._was_reset, self.terminate_on_success = state.was_reset, state.is_terminating

    def __reduce__(self) -> tuple[Any, ...]:
        options = {**vars(self.episode_options), **vars(self.stepping_options), **vars(self.render_options)}
        options |= {"autoreset_mode": self.autoreset_mode, "use_one_hot": bool(self._one_hot.shape[1])}
        return _rebuild, (self._selectors, options, self.spec, self.get_state())

    def __deepcopy__(self, memo: dict[int, Any]) -> MetaWorldVectorEnv:
        rebuild, arguments = self.__reduce__()
        copied: MetaWorldVectorEnv = rebuild(*arguments)
        return copied

    def render(self, camera: str | int | Camera | None = None) -> tuple[NDArray[Any], ...] | None:
        """One picture per environment, or None without a render mode; see `MetaWorldEnv.render`."""
        if self.render_mode is None:
            return None
        options, kind = self.render_options, DEPTH if self.render_mode == "depth_array" else RGB
        pictures = []
        for env, task_def in enumerate(self.task_defs):
            chosen = self._cameras[task_def.name] if camera is None else find_camera(task_def, camera)
            size = {"width": options.width, "height": options.height, "quality": options.render_quality}
            (seen,) = self.pictures(env, [chosen], (kind,), **size)
            pictures.append(seen[kind])
        return tuple(pictures)

    def pictures(self, env: int, cameras: list[int | Camera], kinds: tuple[str, ...], **options: Any) -> list[dict[str, NDArray[Any]]]:
        """Pictures of one environment; see `metaworld_py.rendering.Renderer.pictures`.

        Raises:
          ResetNeeded: before the first reset.
        """
        if not self._was_reset:
            raise ResetNeeded("there is nothing to see yet: call reset() before render()")
        episode = self._batch.view(env)
        if env not in self._views:
            self._views[env] = EpisodeView(episode)
        self._views[env].shows_goal = self.render_options.show_goal
        return self._renderer.pictures(self._views[env], cameras, kinds, **options)

    @property
    def task_defs(self) -> list[TaskDef]:
        """Each environment's task."""
        return list(self._batch.tasks)

    def close_extras(self, **kwargs: Any) -> None:
        """Free what renders, if anything does."""
        self._renderer.close()

    def _seed(self, seed: int | Sequence[int | None] | None) -> None:
        if seed is None:
            return
        seeds = [seed + index for index in range(self.num_envs)] if isinstance(seed, (int, np.integer)) else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"give one seed per environment ({self.num_envs}), got {len(seeds)}")
        for env, value in enumerate(seeds):
            if value is not None:
                self._rngs[env] = seeding.np_random(value)[0]
                self._selectors[env].restart()

    def _start(self, envs: NDArray[np.intp], tasks: Sequence[Task] | None = None) -> None:
        """New episodes in the given environments."""
        if tasks is not None and len(tasks) != self.num_envs:
            raise ValueError(f"options['tasks'] must hold one task per environment ({self.num_envs}), got {len(tasks)}")
        started = envs.tolist()
        for env in started:
            task = tasks[env] if tasks is not None else self._selectors[env].on_reset(self._rngs[env])
            if tasks is not None and find_task(task.env_name) is not self._batch.tasks[env]:
                raise ValueError(f"environment {env} plays {self.task_names[env]}, got an instance of {task.env_name}")
            self.tasks[env] = task
        self._batch.reset(started, [self.tasks[env] for env in started])
        self._steps[envs] = 0
        self._returns[envs] = 0.0
        self._lengths[envs] = 0
        self._start_times[envs] = time.perf_counter()
        self._is_over[envs] = False

    def _rewards(self, scores: NDArray[np.float64], anew: NDArray[np.bool_] | None) -> NDArray[np.float64]:
        """Rewards (n,) as `reward_mode` has them; 0 where an episode starts anew."""
        rewards: NDArray[np.float64] = np.array(REWARD_MODES[self.episode_options.reward_mode](scores[0], scores[1]))
        if anew is not None:
            rewards[anew] = 0.0
        return rewards

    def _episode_statistics(self) -> dict[str, Any]:
        """Return, length and seconds of the episodes that ended, as Gymnasium's RecordEpisodeStatistics names them."""
        over = self._is_over
        seconds = np.round(time.perf_counter() - self._start_times, 6)
        numbers = {"r": self._returns, "l": self._lengths, "t": seconds}
        episode: dict[str, Any] = {name: np.where(over, values, 0) for name, values in numbers.items()}
        episode |= {f"_{name}": over.copy() for name in numbers}
        return {"episode": episode, "_episode": over.copy()}

    def _infos(self, scores: NDArray[np.float64], mask: NDArray[np.bool_] | None, unstable: NDArray[np.bool_]) -> dict[str, Any]:
        """Each field's numbers (n,) and, under its name with an underscore, for which environments they count."""
        mask = np.ones(self.num_envs, dtype=bool) if mask is None else mask
        infos: dict[str, Any] = {}
        for name, values in zip(_INFO_FIELDS, (*scores[1:], scores[0]), strict=True):
            infos[name] = values
            infos[f"_{name}"] = mask
        if unstable.any():
            infos["is_unstable"] = unstable.copy()
            infos["_is_unstable"] = unstable.copy()
        return infos

    def _observations(self) -> NDArray[np.float64]:
        """All current observations (num_envs, 39 [+ tasks])."""
        now = self._batch.observation
        if self.stepping_options.copy:
            return np.hstack([now, self._one_hot]) if self._one_hot.shape[1] else now.copy()
        self._observed[:, :OBSERVATION_SIZE] = now
        return self._observed

    def _joint_observation_space(self) -> Box:
        """The smallest box that holds every environment's observations."""
        kinds = {(name, selector.is_goal_hidden) for name, selector in zip(self.task_names, self._selectors, strict=True)}
        boxes = [layout.observation_space(find_task(name), is_goal_hidden=hidden) for name, hidden in kinds]
        ids = np.zeros(self._one_hot.shape[1])
        low = np.concatenate([np.min([box.low for box in boxes], axis=0), ids])
        high = np.concatenate([np.max([box.high for box in boxes], axis=0), ids + 1.0])
        return Box(low, high, dtype=np.float64)


def is_compiled(wanted: bool | None) -> bool:
    """Whether to step in compiled code; None asks for it where Numba is installed.

    Raises:
      ImportError: wanted, but Numba is missing.
    """
    is_there = importlib.util.find_spec("numba") is not None
    if wanted and not is_there:
        raise ImportError("compiled=True needs Numba: pip install 'metaworld_py[fast]'")
    return is_there if wanted is None else wanted


def new_batch(tasks: Sequence[TaskDef], *, compiled: bool, **options: Any) -> EpisodeBatch:
    """Episodes of these tasks, stepped in compiled code or by threads; see `metaworld_py.engine.batch.HostBatch` for the options."""
    if not compiled:
        return ThreadedBatch(tasks, **options)
    from metaworld_py.engine.compiled import CompiledBatch  # noqa: PLC0415  # needs Numba, and half a second

    return CompiledBatch(tasks, **options)


def _final_infos(infos: dict[str, Any], observations: NDArray[np.float64], over: NDArray[np.bool_]) -> dict[str, Any]:
    """What same-step autoreset adds: the last observations and infos of finished environments."""
    final_obs = np.full(len(over), None, dtype=object)
    for env in np.flatnonzero(over).tolist():
        final_obs[env] = observations[env].copy()
    final_info = {name: value if isinstance(value, dict) else np.where(over, value, np.zeros_like(value)) for name, value in infos.items()}
    return {"final_obs": final_obs, "_final_obs": over.copy(), "final_info": final_info, "_final_info": over.copy()}


def _rebuild(selectors: list[Selector], options: dict[str, Any], spec: Any, state: VectorEnvState) -> MetaWorldVectorEnv:
    """What unpickling and copying do."""
    envs = MetaWorldVectorEnv(copy.deepcopy(selectors), **options)
    envs.spec = spec
    envs.set_state(copy.deepcopy(state))
    return envs
