"""Any mix of tasks as one `gymnasium.vector.VectorEnv`, stepped natively on all cores, in this process."""

from __future__ import annotations

import copy
import importlib.util
import threading
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
from metaworld_py.envs import checkpoints as checkpoints_of
from metaworld_py.envs.env import MetaWorldEnv, step_info
from metaworld_py.envs.options import REWARD_MODES, EpisodeOptions, Option, RenderOptions, SteppingOptions, check_keyword, read_keywords
from metaworld_py.envs.published_names import InstanceNames
from metaworld_py.files import install_hint
from metaworld_py.instances.selection import RANDOM, Selector, TaskSelector
from metaworld_py.instances.task import Task, checked_seed
from metaworld_py.rendering.cameras import Camera, chosen_camera, find_camera
from metaworld_py.rendering.renderer import DEPTH, RGB, EpisodeView, Renderer
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import HORIZON, TaskDef

VECTOR_RENDER_MODES = ("rgb_array", "depth_array")
_INFO_FIELDS = tuple(step_info(NO_SCORE))
RESET_OPTIONS = ("reset_mask", "tasks", "task")


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
    selectors: tuple[Selector, ...]
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
      record_episode_statistics: whether `info["episode"]` tells of the episodes that end.
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
        record_episode_statistics: bool = True,
        seed: int | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__()
        options = read_keywords(keywords, EpisodeOptions, SteppingOptions, RenderOptions)
        self._episode_options, self.stepping_options, self._render_options = options
        check_options(self._episode_options, self._render_options)
        self._lock = threading.RLock()  # two threads in one simulation would kill the interpreter
        self._records_statistics = check_keyword("record_episode_statistics", record_episode_statistics)
        use_one_hot, sample_on_reset = check_keyword("use_one_hot", use_one_hot), check_keyword("sample_on_reset", sample_on_reset)
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

        self._cameras = chosen_cameras(self.task_names, self._render_options)
        self._renderer = Renderer()
        self._views: dict[int, EpisodeView] = {}
        self._rngs = [seeding.np_random(None if seed is None else int(seed) + index)[0] for index in range(self.num_envs)]
        self.envs = [EnvOfVector(self, index) for index in range(self.num_envs)]
        self.before_autoreset: Callable[[NDArray[np.intp]], None] | None = None  # told which episodes are about to be replaced
        self._steps = np.zeros(self.num_envs, dtype=int)
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=int)  # in actions
        self._start_times = np.zeros(self.num_envs)
        self._is_over = np.ones(self.num_envs, dtype=bool)
        self._was_reset = False

    @property
    def episode_options(self) -> EpisodeOptions:
        """How episodes end and what they pay. Limits and ends take effect at once.

        Raises:
          ValueError: another reward version, action repeat or reward mode, which environments are made with.
        """
        options: EpisodeOptions = self._episode_options
        return options

    @episode_options.setter
    def episode_options(self, options: EpisodeOptions) -> None:
        for name in ("reward_function_version", "action_repeat", "reward_mode"):
            if getattr(options, name) != getattr(self._episode_options, name):
                raise ValueError(f"{name} of a vector environment cannot change: make another one with {name}={getattr(options, name)!r}")
        check_options(options, self._render_options)
        self._episode_options = options

    @property
    def render_options(self) -> RenderOptions:
        """How `render` draws. Another value takes effect at once."""
        options: RenderOptions = self._render_options
        return options

    @render_options.setter
    def render_options(self, options: RenderOptions) -> None:
        check_options(self._episode_options, options)
        self._cameras = chosen_cameras(self.task_names, options)
        self._render_options = options

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Start episodes in all environments, or in those of `options["reset_mask"]`.

        Args:
          seed: environment i gets seed + i; or one seed per environment; None goes on with the generators as they are.
          options: {"reset_mask": (num_envs,) bool} resets only those; {"tasks": one Task per environment} plays these instances once;
            {"task": Task} plays that instance from now on in all of them, as `set_task` does.

        Raises:
          ValueError: unknown options, wrong lengths, tasks of other environments or goal visibility; nothing was changed.
        """
        options = options or {}
        unknown = set(options) - set(RESET_OPTIONS)
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown)}; known: {list(RESET_OPTIONS)}")
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs, dtype=bool)))
        if mask.shape != (self.num_envs,) or mask.dtype != bool or not mask.any():
            raise ValueError(f"reset_mask must be ({self.num_envs},) bool with at least one True, got {mask!r}")
        started = np.flatnonzero(mask)
        if "tasks" in options:
            self._check_tasks(options["tasks"], started.tolist(), "options['tasks'] must hold one task")
        seeds = self._seeds(seed)
        with self._lock:
            if "task" in options:
                self.set_task(options["task"], started.tolist())
            for env, value in enumerate(seeds):
                if value is not None:
                    self._rngs[env] = seeding.np_random(value)[0]
                    self._selectors[env].restart()
            self._start(started, options.get("tasks"))
            self._was_reset = True
            return self._observations(), {}

    def step(self, actions: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Advance all environments by one action; finished ones start anew as `autoreset_mode` says.

        Raises:
          ResetNeeded: before the first reset; with autoreset disabled also if an environment has ended.
          ValueError: actions of wrong shape or with NaN; nothing was moved.
        """
        with self._lock:
            return self._step(actions)

    def _step(self, actions: Any) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        options = self._episode_options
        stops, max_steps = options.terminate_on_success, options.max_episode_steps or HORIZON
        if not self._was_reset:
            raise ResetNeeded("call reset() before step()")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._is_over.any():
            over = np.flatnonzero(self._is_over).tolist()
            raise ResetNeeded(f"environments {over} have ended: reset them with options={{'reset_mask': ...}}")
        actions = layout.checked_actions(actions, (self.num_envs, 4))
        anew = self._is_over if self._is_over.any() else None  # only in next-step mode
        played = self._batch.step(
            self._all if anew is None else np.flatnonzero(~anew),
            actions,
            max_steps - self._steps,
            stop_at_success=stops,
        )
        self._steps += played.control_steps
        scores = played.scores.copy() if self.stepping_options.copy else played.scores
        terminated = scores[1] > 0.0 if stops else np.zeros(self.num_envs, dtype=bool)
        truncated = played.unstable | (self._steps >= max_steps)
        if anew is not None:
            truncated &= ~anew
        self._is_over = over = terminated | truncated
        rewards = self._rewards(scores, anew)
        infos = self._infos(scores, None if anew is None else ~anew, played.unstable)
        self._returns += rewards
        self._lengths += 1
        any_over = bool(over.any())
        if any_over and self._records_statistics:
            infos |= self._episode_statistics()
        if anew is not None:
            self._start(np.flatnonzero(anew))
        elif any_over and self.autoreset_mode == AutoresetMode.SAME_STEP:
            infos |= _final_infos(infos, self._observations(), over)
            infos.pop("episode", None), infos.pop("_episode", None)  # of the episodes that ended: they stand in final_info
            if self.before_autoreset is not None:
                self.before_autoreset(np.flatnonzero(over))
            self._start(np.flatnonzero(over))
        return self._observations(), rewards, terminated, truncated, infos

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        """Environment i plays `tasks[i]` from its next reset on, again and again, as meta-learners need it while they adapt.

        Raises:
          ValueError: another number of instances than environments, or one of another task than its environment's.
        """
        self._check_tasks(tasks, range(self.num_envs), "give one instance")
        self._selectors = [TaskSelector([task], sample_on_reset=False) for task in tasks]

    def set_task(self, task: Task, envs: Sequence[int] | None = None) -> None:
        """Play this instance from the next reset on, in all environments or in those given.

        Raises:
          ValueError: an instance of another task or goal visibility than theirs; nothing was changed.
        """
        chosen = range(self.num_envs) if envs is None else envs
        self._check_tasks([task] * self.num_envs, chosen, "give one instance")
        for env in chosen:
            self._selectors[env] = TaskSelector([task])

    def use(self, env: int, selector: Selector) -> None:
        """Let one environment play what a selector chooses.

        Raises:
          ValueError: a selector of another task or goal visibility.
        """
        self._check(env, selector.env_name, selector.is_goal_hidden)
        self._selectors[env] = selector

    def _check_tasks(self, tasks: Sequence[Task], envs: Sequence[int], wanted: str) -> None:
        if len(tasks) != self.num_envs:
            raise ValueError(f"{wanted} per environment ({self.num_envs}), got {len(tasks)}")
        for env in envs:
            if not isinstance(tasks[env], Task):
                raise ValueError(f"expected metaworld_py.Task values (e.g. from MT1('reach').train_tasks), got {tasks[env]!r}")
            self._check(env, tasks[env].env_name, tasks[env].partially_observable)

    def _check(self, env: int, name: str, is_goal_hidden: bool) -> None:
        if find_task(name) is not find_task(self.task_names[env]):
            raise ValueError(f"environment {env} plays {self.task_names[env]}, got an instance of {name}")
        if is_goal_hidden != self._selectors[env].is_goal_hidden:
            raise ValueError(f"environment {env} was made for goals that are {'visible' if is_goal_hidden else 'hidden'}")

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
        """Call a method, or read an attribute, and hand out the answer once per environment, as Gymnasium's own vector environments do.

        Methods of this class act on all environments at once; others are looked up on `envs[i]`.
        """
        if name in PER_ENVIRONMENT or not hasattr(self, name):
            found = [getattr(env, name) for env in self.envs]
            return tuple(one(*args, **kwargs) if callable(one) else one for one in found)
        attribute = getattr(self, name)
        answer = attribute(*args, **kwargs) if callable(attribute) else attribute
        return tuple(answer) if isinstance(answer, list) and len(answer) == self.num_envs else (answer,) * self.num_envs

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute, once per environment: `task_name`, `task` (being played), `tasks` (instances that it plays), …"""
        return tuple(self.task_names) if name == "task_name" else self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of every environment: one value for all, or a list or tuple of one for each.

        Raises:
          ValueError: another number of values; or an option that environments here share, with several values.
          AttributeError: nothing that can be set.
        """
        each = list(values) if isinstance(values, (list, tuple)) else [values] * self.num_envs
        if len(each) != self.num_envs:
            raise ValueError(f"give one value of {name!r}, or one per environment ({self.num_envs}), got {len(each)}")
        for env, value in zip(self.envs, each, strict=True):
            if isinstance(getattr(type(self), name, None), Option) and any(value != other for other in each):
                raise ValueError(f"{name!r} is one value for all environments here, got {each}")
            setattr(env, name, value)

    def get_checkpoint(self) -> list[tuple[str, dict[str, Any]]]:
        """Each environment's id and state as a plain value, as `call("get_checkpoint")` gives it on environments of every strategy."""
        with self._lock:
            return [(checkpoint_id(task.id, env), self._checkpoint(env)) for env, task in enumerate(self.task_defs)]

    def load_checkpoint(self, checkpoints: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Go on from each environment's checkpoint among those given.

        Raises:
          ValueError: one is missing or there twice, or is of another task; nothing was changed.
        """
        known: dict[str, list[dict[str, Any]]] = {}
        for name, state in checkpoints:
            known.setdefault(name, []).append(state)
        own = []
        for env, task in enumerate(self.task_defs):
            name = checkpoint_id(task.id, env)
            if len(known.get(name, ())) != 1:
                raise ValueError(f"{name!r} must stand once in the checkpoints, which have {sorted(known)}")
            own.append(known[name][0])
        selectors = [checkpoints_of.selector_from_plain(one["selector"]) for one in own]
        self.set_state(
            VectorEnvState(
                episodes=tuple(checkpoints_of.episode_from_plain(one["episode"]) for one in own),
                tasks=tuple(checkpoints_of.from_plain(one["task"]) for one in own),
                steps=np.array([one["steps"] for one in own]),
                returns=np.array([one["return"] for one in own], dtype=float),
                lengths=np.array([one["length"] for one in own]),
                is_over=np.array([one["is_over"] for one in own]),
                was_reset=all(one["was_reset"] for one in own),
                selectors=tuple(selector for selector, _ in selectors if selector is not None),
                selector_states=tuple(state for _, state in selectors if state is not None),
                rng_states=tuple(checkpoints_of.from_plain(one["rng_state"]) for one in own),
                is_terminating=bool(own[0]["terminate_on_success"]),
            )
        )

    def _checkpoint(self, env: int) -> dict[str, Any]:
        selector, is_begun = self._selectors[env], self.tasks[env] is not None
        return {
            "episode": checkpoints_of.episode_to_plain(self._batch.snapshot(env) if is_begun else None),
            "task": checkpoints_of.to_plain(self.tasks[env]),
            "steps": int(self._steps[env]),
            "return": float(self._returns[env]),
            "length": int(self._lengths[env]),
            "is_over": bool(self._is_over[env]),
            "was_reset": self._was_reset,
            "selector": checkpoints_of.selector_to_plain(selector, selector.get_state()),
            "rng_state": checkpoints_of.to_plain(dict(self._rngs[env].bit_generator.state)),
            "terminate_on_success": self.terminate_on_success,
        }

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
            selectors=tuple(self._selectors),
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
        for env, selector in enumerate(state.selectors):
            self._check(env, selector.env_name, selector.is_goal_hidden)
        with self._lock:
            self._set_state(state)

    def _set_state(self, state: VectorEnvState) -> None:
        known = {env: episode for env, episode in enumerate(state.episodes) if episode is not None}
        self._batch.restore(list(known), list(known.values()))
        for env in range(self.num_envs):
            # environments must not draw from one another's cycle
            self._selectors[env] = copy.deepcopy(state.selectors[env])
            self._selectors[env].set_state(state.selector_states[env])
            self._rngs[env].bit_generator.state = state.rng_states[env]
        self.tasks = list(state.tasks)
        self._steps, self._returns, self._lengths = state.steps.copy(), state.returns.copy(), state.lengths.copy()
        self._is_over = state.is_over.copy()
        self._was_reset, self.terminate_on_success = state.was_reset, state.is_terminating

    def __reduce__(self) -> tuple[Any, ...]:
        options = {**vars(self.episode_options), **vars(self.stepping_options), **vars(self.render_options)}
        options |= {"autoreset_mode": self.autoreset_mode, "use_one_hot": bool(self._one_hot.shape[1])}
        options["record_episode_statistics"] = self._records_statistics
        return _rebuild, (self._selectors, options, self.spec, self.get_state())

    def __deepcopy__(self, memo: dict[int, Any]) -> MetaWorldVectorEnv:
        rebuild, arguments = self.__reduce__()
        copied: MetaWorldVectorEnv = rebuild(*arguments)
        return copied

    def render(self, camera: str | int | Camera | None = None) -> tuple[NDArray[Any], ...] | None:
        """One picture per environment, or None without a render mode; see `MetaWorldEnv.render`."""
        if self.render_mode is None:
            return None
        return tuple(self._picture(env, camera) for env in range(self.num_envs))

    def render_one(self, env: int, camera: str | int | Camera | None = None) -> NDArray[Any] | None:
        """The picture of one environment, or None without a render mode."""
        return None if self.render_mode is None else self._picture(env, camera)

    def _picture(self, env: int, camera: str | int | Camera | None) -> NDArray[Any]:
        options, kind = self.render_options, DEPTH if self.render_mode == "depth_array" else RGB
        task_def = self.task_defs[env]
        chosen = self._cameras[task_def.name] if camera is None else find_camera(task_def, camera)
        size = {"width": options.width, "height": options.height, "quality": options.render_quality}
        return self.pictures(env, [chosen], (kind,), **size)[0][kind]

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

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        """One seed per environment, checked."""
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, (int, np.integer)):
            first = checked_seed(int(seed), maximum=None)
            return [first + index for index in range(self.num_envs)]
        seeds = [None if one is None else checked_seed(one, maximum=None) for one in seed]
        if len(seeds) != self.num_envs:
            raise ValueError(f"give one seed per environment ({self.num_envs}), got {len(seeds)}")
        return seeds

    def _start(self, envs: NDArray[np.intp], tasks: Sequence[Task] | None = None) -> None:
        """New episodes in the given environments."""
        started = envs.tolist()
        for env in started:
            self.tasks[env] = tasks[env] if tasks is not None else self._selectors[env].on_reset(self._rngs[env])
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


def check_options(episode: EpisodeOptions, rendering: RenderOptions) -> None:
    """Refuse options that several environments cannot have.

    Raises:
      ValueError: no limit of steps, or a window.
    """
    if episode.max_episode_steps is None:
        raise ValueError("max_episode_steps of several environments must be a number: they start anew by themselves")
    if rendering.render_mode not in (None, *VECTOR_RENDER_MODES):
        raise ValueError(
            f"render_mode must be None or one of {VECTOR_RENDER_MODES}, got {rendering.render_mode!r}: windows are for one environment"
        )


def chosen_cameras(names: Sequence[str], options: RenderOptions) -> dict[str, int | Camera]:
    """The camera that options mean, in each task's scene."""
    return {name: chosen_camera(find_task(name), options.camera_name, options.camera_id) for name in dict.fromkeys(names)}


def checkpoint_id(task_id: str, index: int) -> str:
    """Id of an environment in lists of checkpoints, by every strategy."""
    return f"{task_id}_{index}"


class EnvOfVector(InstanceNames):
    """One environment of a vector environment, for code that reaches for `envs.envs[i]`: its instances, its episode, its picture.

    Attributes:
      index: which one it is.
    """

    def __init__(self, envs: MetaWorldVectorEnv, index: int) -> None:
        self._envs, self.index = envs, index

    @property
    def unwrapped(self) -> EnvOfVector:
        """Itself: nothing is wrapped."""
        return self

    @property
    def task_def(self) -> TaskDef:  # type: ignore[override]  # a class has one task, a vector environment many
        """The task that it plays."""
        return self._envs.task_defs[self.index]

    @property
    def task_name(self) -> str:
        """The task's name."""
        return self._envs.task_names[self.index]

    @property
    def task(self) -> Task | None:
        """The instance being played."""
        return self._envs.tasks[self.index]

    @property
    def env_id(self) -> str:
        """Name of this environment in lists of checkpoints."""
        return checkpoint_id(self.task_def.id, self.index)

    def set_task(self, task: Task) -> None:
        """Play this instance from the next reset on."""
        self._envs.set_task(task, [self.index])

    def set_tasks(self, tasks: Sequence[Task], *, task_select: str = RANDOM, sample_on_reset: bool = True) -> None:
        """Play these instances; see `MetaWorldEnv.set_tasks`."""
        self.use(TaskSelector(tasks, task_select, sample_on_reset=sample_on_reset))

    def use(self, selector: Selector) -> None:
        """Play what a selector chooses."""
        self._envs.use(self.index, selector)

    def render(self, camera: str | int | Camera | None = None) -> NDArray[Any] | None:
        """A picture; see `MetaWorldVectorEnv.render`."""
        return self._envs.render_one(self.index, camera)

    def get_wrapper_attr(self, name: str) -> Any:
        """An attribute, as Gymnasium's wrappers give it."""
        return getattr(self, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_envs", "index"):
            raise AttributeError(name)
        if isinstance(getattr(type(self._envs), name, None), Option):
            return getattr(self._envs, name)
        published = {"max_path_length": "max_episode_steps", "spec": "spec", "action_space": "single_action_space"}
        published["observation_space"] = "single_observation_space"
        if name in published:
            return getattr(self._envs, published[name])
        raise AttributeError(f"an environment of a native vector environment has no {name!r}; vector_strategy='sync' gives whole ones")

    def __setattr__(self, name: str, value: Any) -> None:
        name = {"max_path_length": "max_episode_steps"}.get(name, name)
        if isinstance(getattr(type(self._envs), name, None), Option) if "_envs" in vars(self) else False:
            setattr(self._envs, name, value)
        elif name in ("_envs", "index") or hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(f"{name!r} cannot be set on an environment of a native vector environment")

    @property
    def _episode(self) -> Any:  # type: ignore[override]
        return self._envs._batch.view(self.index)  # noqa: SLF001  # of this module

    @property
    def _selector(self) -> Selector:  # type: ignore[override]
        return self._envs._selectors[self.index]  # noqa: SLF001

    @property
    def _steps(self) -> int:  # type: ignore[override]
        return int(self._envs._steps[self.index])  # noqa: SLF001

    @property
    def _task(self) -> Task | None:  # type: ignore[override]
        return self.task


# Read and called on each environment, though the vector environment has something under that name.
PER_ENVIRONMENT = ("tasks", "render")


def is_compiled(wanted: bool | None) -> bool:
    """Whether to step in compiled code; None asks for it where Numba is installed.

    Raises:
      ImportError: wanted, but Numba is missing.
    """
    is_there = importlib.util.find_spec("numba") is not None
    if wanted and not is_there:
        raise ImportError(f"compiled=True needs Numba: {install_hint('fast')}")
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
