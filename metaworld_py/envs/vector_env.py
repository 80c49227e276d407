"""Any mix of tasks as one `gymnasium.vector.VectorEnv`, stepped natively on all cores, in this process."""

from __future__ import annotations

import copy
import importlib.util
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
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
from metaworld_py.engine.layout import OBSERVATION_SIZE
from metaworld_py.engine.threaded import ThreadedBatch
from metaworld_py.envs.copies import deep_copy, taken_along
from metaworld_py.envs.options import (
    REWARD_MODES,
    EpisodeOptions,
    Option,
    RenderOptions,
    SteppingOptions,
    check_keyword,
    checked_autoreset_mode,
    read_keywords,
)
from metaworld_py.envs.states import VectorEnvState
from metaworld_py.envs.vector_access import VectorAccess
from metaworld_py.envs.vector_infos import episode_statistics, final_infos, leave_to_final_info, step_infos
from metaworld_py.files import install_hint
from metaworld_py.instances.selection import FreshTasks, Selector, TaskSelector
from metaworld_py.instances.task import Task, checked_seed, warn_outside
from metaworld_py.rendering.cameras import Camera, chosen_camera
from metaworld_py.rendering.renderer import EpisodeView, Renderer
from metaworld_py.sim.fields import changed_looks
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import HORIZON, TaskDef

VECTOR_RENDER_MODES = ("rgb_array", "depth_array")
RESET_OPTIONS = ("reset_mask", "tasks", "task", "elapsed_steps")


class MetaWorldVectorEnv(VectorAccess, VectorEnv[NDArray[np.float64], NDArray[np.float32], NDArray[Any]]):
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
    camera_name, camera_id = Option("render_options", "camera_name"), Option("render_options", "camera_id")
    height, width = Option("render_options", "height"), Option("render_options", "width")
    render_quality, show_goal = Option("render_options", "render_quality"), Option("render_options", "show_goal")
    max_episode_steps = Option("episode_options", "max_episode_steps")
    terminate_on_success = Option("episode_options", "terminate_on_success")
    reward_function_version = Option("episode_options", "reward_function_version")
    action_repeat, reward_mode = Option("episode_options", "action_repeat"), Option("episode_options", "reward_mode")

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
        self._episode_options, self._stepping_options, self._render_options = options
        check_options(self._episode_options, self._render_options)
        self._lock = threading.RLock()  # two threads in one simulation would kill the interpreter
        self._records_statistics = check_keyword("record_episode_statistics", record_episode_statistics)
        use_one_hot, sample_on_reset = check_keyword("use_one_hot", use_one_hot), check_keyword("sample_on_reset", sample_on_reset)
        self.selectors = selectors_of(instances, task_select, sample_on_reset=sample_on_reset)
        self.num_envs = len(self.selectors)
        self._task_names = [find_task(selector.env_name).name for selector in self.selectors]
        self._tasks: list[Task | None] = [None] * self.num_envs
        self.autoreset_mode = autoreset_mode
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
        self._set_observation_space()

        self._cameras = chosen_cameras(self.task_names, self._render_options)
        self._renderer = Renderer()
        self._views: dict[int, EpisodeView] = {}
        self._watched: dict[int, EpisodeView] = {}  # whose model or data someone holds
        self.own_renderers = {}
        seeded = [seeding.np_random(value) for value in self._seeds(seed)]
        self._rngs, self._rng_seeds = [rng for rng, _ in seeded], [value for _, value in seeded]
        self.before_autoreset: Callable[[NDArray[np.intp]], None] | None = None  # told which episodes are about to be replaced
        self.steps = np.zeros(self.num_envs, dtype=int)
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=int)  # in actions
        self._start_times = np.zeros(self.num_envs)
        self._is_over = np.ones(self.num_envs, dtype=bool)
        self._was_reset = False

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """How a finished environment starts anew. Another mode takes effect at once."""
        return self._autoreset_mode

    @autoreset_mode.setter
    def autoreset_mode(self, mode: AutoresetMode | str) -> None:
        self._autoreset_mode = checked_autoreset_mode(mode)
        self.metadata = {
            "render_modes": list(VECTOR_RENDER_MODES),
            "render_fps": CONTROL_HZ / self.action_repeat,
            "autoreset_mode": self._autoreset_mode,
        }

    @property
    def task_names(self) -> list[str]:
        """Each environment's task."""
        return list(self._task_names)

    @property
    def tasks(self) -> list[Task | None]:
        """The instance that each environment plays; `set_tasks` gives others."""
        return list(self._tasks)

    @property  # type: ignore[misc]  # Gymnasium's can be set
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]  # as its SyncVectorEnv
        """Each environment's generator, as Gymnasium's own vector environments have it."""
        return tuple(self._rngs)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]
        """What each environment's generator was seeded with last."""
        return tuple(self._rng_seeds)

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
    def stepping_options(self) -> SteppingOptions:
        """How environments are stepped. Whether arrays are copied can change.

        Raises:
          ValueError: other threads, or compiled or not, which environments are made with.
        """
        options: SteppingOptions = self._stepping_options
        return options

    @stepping_options.setter
    def stepping_options(self, options: SteppingOptions) -> None:
        if replace(options, copy=self._stepping_options.copy) != self._stepping_options:
            raise ValueError("n_threads and compiled of a vector environment cannot change: make another one")
        self._stepping_options = options

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
          seed: environment i gets seed + i; or one seed per environment; None, and an environment outside of the mask, goes on with its
            generator as it is. Where resets do not choose (ML sets), the instances of the last `sample_tasks` are kept, whatever the seed.
          options: {"reset_mask": (num_envs,) bool} resets only those; {"tasks": one Task per environment} plays these instances once;
            {"task": Task} plays that instance from now on in all of them, as `set_task` does; {"elapsed_steps": (num_envs,) int} begins
            episodes as if so many control steps had gone by, so that they end at different times (staggered resets).

        Raises:
          ValueError: unknown options, wrong lengths, tasks of other environments or goal visibility, episodes over before they begin;
            nothing was changed.
          ResetNeeded: only some environments in the first reset.
        """
        options = options or {}
        unknown = set(options) - set(RESET_OPTIONS)
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown)}; known: {list(RESET_OPTIONS)}")
        mask = np.asarray(options.get("reset_mask", np.ones(self.num_envs, dtype=bool)))
        if mask.shape != (self.num_envs,) or mask.dtype != bool or not mask.any():
            raise ValueError(f"reset_mask must be ({self.num_envs},) bool with at least one True, got {mask!r}")
        if not self._was_reset and not mask.all():
            raise ResetNeeded("the first reset must begin episodes in all environments: leave reset_mask out")
        started = np.flatnonzero(mask)
        if "tasks" in options:
            self._check_tasks(options["tasks"], started.tolist(), "options['tasks'] must hold one task")
            warn_outside([options["tasks"][env] for env in started.tolist()])
        elapsed = layout.checked_elapsed(options.get("elapsed_steps"), self.num_envs, self.max_episode_steps or HORIZON)
        seeds = self._seeds(seed)
        with self._lock:
            if "task" in options:
                self.set_task(options["task"], started.tolist())
            for env, value in enumerate(seeds):
                if value is not None and mask[env]:
                    self.seed_generator(env, value)
                    self.selectors[env].restart()
            self._start(started, options.get("tasks"))
            self.steps[started] = elapsed[started]
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
        if self._watched:
            self.take_edits()
        anew = self._is_over if self._is_over.any() else None  # only in next-step mode
        played = self._batch.step(
            self._all if anew is None else np.flatnonzero(~anew),
            actions,
            max_steps - self.steps,
            stop_at_success=stops,
        )
        self.steps += played.control_steps
        scores = played.scores.copy() if self.stepping_options.copy else played.scores
        terminated = scores[1] > 0.0 if stops else np.zeros(self.num_envs, dtype=bool)
        truncated = played.unstable | (self.steps >= max_steps)
        if anew is not None:
            truncated &= ~anew
        self._is_over = over = terminated | truncated
        for view in self._watched.values():
            view.follow()
        rewards = self._rewards(scores, anew)
        infos = step_infos(scores, None if anew is None else ~anew, played.unstable)
        self._returns += rewards
        self._lengths += 1
        any_over = bool(over.any())
        if any_over and self._records_statistics:
            infos |= episode_statistics(over, self._returns, self._lengths, self._start_times)
        if anew is not None:
            self._start(np.flatnonzero(anew))
        elif any_over and self.autoreset_mode == AutoresetMode.SAME_STEP:
            infos |= final_infos(infos, self._observations(), over)
            leave_to_final_info(infos, over)
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
        self.selectors = [TaskSelector([task], sample_on_reset=False) for task in tasks]

    def set_task(self, task: Task, envs: Sequence[int] | None = None) -> None:
        """Play this instance from the next reset on, in all environments or in those given.

        Raises:
          ValueError: an instance of another task or goal visibility than theirs; nothing was changed.
        """
        chosen = range(self.num_envs) if envs is None else envs
        self._check_tasks([task] * self.num_envs, chosen, "give one instance")
        for env in chosen:
            self.selectors[env] = TaskSelector([task])

    def use(self, env: int, selector: Selector) -> None:
        """Let one environment play what a selector chooses.

        Raises:
          ValueError: a selector of another task or goal visibility.
        """
        self._check(env, selector.env_name, selector.is_goal_hidden)
        self.selectors[env] = selector

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
        if is_goal_hidden != self.selectors[env].is_goal_hidden:
            raise ValueError(f"environment {env} was made for goals that are {'visible' if is_goal_hidden else 'hidden'}")

    def sample_tasks(self) -> None:
        """Choose another instance in every environment, for the next reset; needed only where resets do not choose."""
        for selector, rng in zip(self.selectors, self._rngs, strict=True):
            selector.sample(rng)

    def toggle_sample_tasks_on_reset(self, on: bool) -> None:
        """Whether each reset takes another instance."""
        for selector in self.selectors:
            selector.sample_on_reset = on

    def toggle_terminate_on_success(self, on: bool) -> None:
        """Whether an episode ends at its first success."""
        self.terminate_on_success = on

    def get_state(self) -> VectorEnvState:
        """Everything that decides the future, as a value."""
        with self._lock:
            self.take_edits()
            return VectorEnvState(
                episodes=tuple(None if task is None else self._batch.snapshot(env) for env, task in enumerate(self._tasks)),
                tasks=tuple(self._tasks),
                steps=self.steps.copy(),
                returns=self._returns.copy(),
                lengths=self._lengths.copy(),
                is_over=self._is_over.copy(),
                was_reset=self._was_reset,
                selectors=tuple(self.selectors),
                selector_states=tuple(selector.get_state() for selector in self.selectors),
                rng_states=tuple(copy.deepcopy(dict(rng.bit_generator.state)) for rng in self._rngs),
                is_terminating=self.terminate_on_success,
                hand_starts=tuple(self._batch.view(env).hand_start for env in range(self.num_envs)),
                edits=tuple(dict(self._views[env].edits) if env in self._views else {} for env in range(self.num_envs)),
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
        for env, edits in enumerate(state.edits):
            if edits or env in self._watched:
                self.watched_view(env).take_edits()
                self._views[env].apply(edits)
        known = {env: episode for env, episode in enumerate(state.episodes) if episode is not None}
        self._batch.restore(list(known), list(known.values()))
        for env in range(self.num_envs):
            self._batch.view(env).hand_start = state.hand_starts[env]
            # environments must not draw from one another's cycle
            self.selectors[env] = copy.deepcopy(state.selectors[env])
            self.selectors[env].set_state(state.selector_states[env])
            self._rngs[env].bit_generator.state = state.rng_states[env]
        self._tasks = list(state.tasks)
        self.steps, self._returns, self._lengths = state.steps.copy(), state.returns.copy(), state.lengths.copy()
        self._is_over = state.is_over.copy()
        self._was_reset, self.terminate_on_success = state.was_reset, state.is_terminating
        for view in self._watched.values():
            view.catch_up()

    def __reduce__(self) -> tuple[Any, ...]:
        options = {**vars(self.episode_options), **vars(self.stepping_options), **vars(self.render_options)}
        options |= {"autoreset_mode": self.autoreset_mode, "use_one_hot": bool(self._one_hot.shape[1])}
        options["record_episode_statistics"] = self._records_statistics
        looks = {env: changed_looks(view.model, view.task.model) for env, view in self._watched.items()}
        arguments = (type(self), self.selectors, options, self.spec, looks, self.get_state())
        return _rebuild, arguments, taken_along(self, _own_attributes(self.task_names[0]))

    def __deepcopy__(self, memo: dict[int, Any]) -> MetaWorldVectorEnv:
        copied: MetaWorldVectorEnv = deep_copy(self, memo)
        return copied

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
        if not isinstance(seed, Iterable):
            first = checked_seed(seed, maximum=None)
            return [first + index for index in range(self.num_envs)]
        seeds = [None if one is None else checked_seed(one, maximum=None) for one in seed]
        if len(seeds) != self.num_envs:
            raise ValueError(f"give one seed per environment ({self.num_envs}), got {len(seeds)}")
        return seeds

    def _start(self, envs: NDArray[np.intp], tasks: Sequence[Task] | None = None) -> None:
        """New episodes in the given environments."""
        started = envs.tolist()
        if self._watched:
            self.take_edits()
        for env in started:
            self._tasks[env] = tasks[env] if tasks is not None else self.selectors[env].on_reset(self._rngs[env])
        self._batch.reset(started, [self._tasks[env] for env in started])
        self.steps[envs] = 0
        self._returns[envs] = 0.0
        self._lengths[envs] = 0
        self._start_times[envs] = time.perf_counter()
        self._is_over[envs] = False
        for env in started:
            if env in self._watched:
                self._watched[env].begin()

    def _rewards(self, scores: NDArray[np.float64], anew: NDArray[np.bool_] | None) -> NDArray[np.float64]:
        """Rewards (n,) as `reward_mode` has them; 0 where an episode starts anew."""
        rewards: NDArray[np.float64] = np.array(REWARD_MODES[self.episode_options.reward_mode](scores[0], scores[1]))
        if anew is not None:
            rewards[anew] = 0.0
        return rewards

    def _observations(self) -> NDArray[np.float64]:
        """All current observations (num_envs, 39 [+ tasks])."""
        now = self._batch.observation
        if self.stepping_options.copy:
            return np.hstack([now, self._one_hot]) if self._one_hot.shape[1] else now.copy()
        self._observed[:, :OBSERVATION_SIZE] = now
        return self._observed

    def _set_observation_space(self) -> None:
        """The space of one environment: the smallest box that holds every environment's observations."""
        kinds = {(name, selector.is_goal_hidden) for name, selector in zip(self._task_names, self.selectors, strict=True)}
        boxes = [layout.observation_space(find_task(name), is_goal_hidden=hidden) for name, hidden in kinds]
        ids = np.zeros(self._one_hot.shape[1])
        low = np.concatenate([np.min([box.low for box in boxes], axis=0), ids])
        high = np.concatenate([np.max([box.high for box in boxes], axis=0), ids + 1.0])
        self.single_observation_space = Box(low, high, dtype=np.float64)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)


def selectors_of(instances: Sequence[Sequence[Task] | Selector], task_select: str, *, sample_on_reset: bool) -> list[Selector]:
    """A selector for each environment, from those and from lists of instances.

    Raises:
      ValueError: no environment, or something else than these.
    """
    if not instances:
        raise ValueError("give instances for at least one environment, got none")
    for source in instances:
        if not isinstance(source, (Sequence, TaskSelector, FreshTasks)):
            raise ValueError(f"give a list of instances for each environment, e.g. [tasks, tasks] for two of them, got {source!r} for one")
    return [
        TaskSelector(source, task_select, sample_on_reset=sample_on_reset) if isinstance(source, Sequence) else source
        for source in instances
    ]


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


@cache
def _own_attributes(task: str) -> frozenset[str]:
    """Attributes that every vector environment has, or may come to have by what is done with it."""
    names = vars(MetaWorldVectorEnv([FreshTasks(task, is_goal_hidden=False)], compiled=False))
    return frozenset(names) | {"spec", "closed", "_np_random", "_np_random_seed"}


def _rebuild(
    own_class: type[MetaWorldVectorEnv],
    selectors: list[Selector],
    options: dict[str, Any],
    spec: Any,
    looks: dict[int, dict[str, Any]],
    state: VectorEnvState,
) -> MetaWorldVectorEnv:
    """What unpickling and copying do."""
    envs = own_class.__new__(own_class)
    MetaWorldVectorEnv.__init__(envs, copy.deepcopy(selectors), **options)  # as single environments do
    envs.spec = spec
    of_each = envs.envs
    for env, fields in looks.items():
        for field, value in fields.items():
            getattr(of_each[env].model, field)[:] = value
    envs.set_state(copy.deepcopy(state))
    return envs
