"""Gymnasium ids and what they construct: one explicit function per kind of id."""

from __future__ import annotations

import copy
import multiprocessing
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec, WrapperSpec, register, registry
from gymnasium.error import Error
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from metaworld_py import benchmarks, wrappers
from metaworld_py.benchmarks import Benchmark
from metaworld_py.envs.env import HUMAN, MetaWorldEnv, env_class
from metaworld_py.envs.options import DENSE, Options, check_keyword
from metaworld_py.envs.pixels import FrameStackVectorEnv, PixelObservations, PixelVectorEnv
from metaworld_py.envs.published_classes import GOAL_HIDDEN, GOAL_OBSERVABLE, EnvClasses
from metaworld_py.envs.vector_env import VECTOR_RENDER_MODES, MetaWorldVectorEnv, checkpoint_id
from metaworld_py.envs.vector_wrappers import TransformedVectorEnv
from metaworld_py.instances import task_sets
from metaworld_py.instances.selection import PSEUDORANDOM, RANDOM, FreshTasks, Selector, TaskSelector, with_goal_hidden
from metaworld_py.instances.task import INSTANCES_PER_TASK
from metaworld_py.rendering.renderer import has_drawn
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import HORIZON

_NAMESPACE = "Meta-World"
NATIVE, SYNC, ASYNC = "native", "sync", "async"
STRATEGIES = (NATIVE, SYNC, ASYNC)
META_BATCH_SIZE = 20  # environments of an ML set, rounded to the same number for each task


class StandardWrappers(wrappers.CheckpointWrapper):
    """The outermost layer of an environment from `gymnasium.make`: the wrappers that its options ask for, checkpoints, and a spec.

    The environment itself counts the steps, up to the limit of Gymnasium's TimeLimit, which is taken off: with one counter only, a state
    that is set back has the steps left that it had.

    Args:
      env: a `MetaWorldEnv` in the wrappers that `gymnasium.make` puts on.
      env_id: names it in lists of checkpoints; its task by default.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], env_id: str | None = None) -> None:
        RecordConstructorArgs.__init__(self, env_id=env_id)
        base: Any = env.unwrapped
        self._made_spec = env.spec
        if isinstance(env, gymnasium.wrappers.TimeLimit):
            base.max_path_length = env.spec.max_episode_steps if env.spec is not None else None
            env = env.env
        super().__init__(wrapped(env, base.wrapper_options, base.one_hot), env_id or f"{base.task_def.id}_{base.one_hot[0]}")

    @property
    def spec(self) -> EnvSpec | None:  # type: ignore[override]  # Gymnasium's wrappers have a property here, too
        """How to make this environment again: `gymnasium.make(env.spec)`. What this layer puts on follows from the keywords."""
        if self._made_spec is None:  # it was put on by an entry point, which puts it on again
            return self.unwrapped.spec
        spec = copy.deepcopy(self._made_spec)
        own = WrapperSpec(type(self).__name__, f"{__name__}:{type(self).__name__}", copy.deepcopy(self._saved_kwargs))
        spec.additional_wrappers = (*spec.additional_wrappers, own)
        return spec

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the future, wrappers included, as a plain value."""
        return wrappers.checkpoint_of(self)

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue exactly where `get_state` was called.

        Raises:
          ValueError: a state of another task or of other wrappers; nothing was changed.
        """
        wrappers.load_checkpoint_of(self, state, self.env_id)


def base_env(
    selector: Selector, options: Options, seed: int | None, max_episode_steps: int | None, one_hot: tuple[int, int] = (0, 1)
) -> MetaWorldEnv:
    """One environment that plays what the selector chooses, before wrappers.

    Args:
      selector: the instances to play.
      options: see `Options`.
      seed: seeds the environment's generator.
      max_episode_steps: control steps; None where a wrapper counts.
      one_hot: index of the task and number of tasks, where options ask for one-hot ids.
    """
    episode = replace(options.episode, max_episode_steps=max_episode_steps, action_repeat=1, reward_mode=DENSE)
    env = env_class(selector.env_name)(**vars(episode), **vars(options.rendering))
    env.use(as_visible(selector, options))
    env.wrapper_options, env.one_hot = options, one_hot
    if seed is not None:
        env.seed_generator(seed)
    return env


def as_visible(selector: Selector, options: Options) -> Selector:
    """A choice of instances with their goals visible or hidden, where the options say which."""
    goal_visible = options.observation.goal_visible
    return selector if goal_visible is None else with_goal_hidden(selector, not goal_visible)


def wrapped(env: gymnasium.Env[Any, Any], options: Options, one_hot: tuple[int, int] = (0, 1)) -> gymnasium.Env[Any, Any]:
    """An environment with the wrappers that its options ask for, from the inside out.

    Args:
      env: a `MetaWorldEnv`, with a time limit of control steps of its own or around it.
      options: see `Options`.
      one_hot: index of the task and number of tasks, where options ask for one-hot ids.
    """
    episode, observed = options.episode, options.observation
    if episode.action_repeat > 1:
        env = wrappers.ActionRepeat(env, episode.action_repeat)
    if episode.reward_mode != DENSE:
        env = wrappers.SparseReward(env, episode.reward_mode)
    if observed.record_episode_statistics:
        env = gymnasium.wrappers.RecordEpisodeStatistics(env)
    if not observed.include_previous_frame:
        env = wrappers.CurrentFrameOnly(env)
    if observed.use_one_hot:
        env = wrappers.OneHotWrapper(env, *one_hot)
    if observed.recurrent_info_in_obs:
        env = wrappers.RNNBasedMetaRLWrapper(env, normalize_reward=observed.normalize_reward_in_recurrent_info)
    if observed.reward_normalization_method == "gymnasium":
        env = gymnasium.wrappers.NormalizeReward(env)
    elif observed.reward_normalization_method == "exponential":
        env = wrappers.NormalizeRewardsExponential(observed.reward_alpha, env)
    if observed.normalize_observations:
        env = gymnasium.wrappers.NormalizeObservation(env)
    elif observed.float32_observations:
        env = wrappers.Float32Observations(env)
    if observed.pixels is not None:
        env = PixelObservations(env, observed.pixels)
    return gymnasium.wrappers.FrameStackObservation(env, observed.frame_stack) if observed.frame_stack > 1 else env


def seen_vectors(envs: Any, options: Options) -> Any:
    """A native vector environment, with pixels and stacked frames where its options ask for them."""
    observed = options.observation
    if observed.pixels is not None:
        envs = PixelVectorEnv(envs, observed.pixels)
    return FrameStackVectorEnv(envs, observed.frame_stack) if observed.frame_stack > 1 else envs


def make_env(
    selector: Selector, options: Options, *, seed: int | None = None, one_hot: tuple[int, int] = (0, 1), env_id: str = "0"
) -> gymnasium.Env[Any, Any]:
    """One environment with its options' wrappers, checkpoints and a time limit of its own; see `base_env` and `wrapped`."""
    env = wrapped(base_env(selector, options, seed, options.episode.max_episode_steps), options, one_hot)
    return wrappers.CheckpointWrapper(env, env_id)


def make_vector_env(
    selectors: Sequence[Selector],
    options: Options,
    *,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    seed: int | None = None,
) -> Any:
    """Several environments, by our own native stepping or by Gymnasium's sync or async classes; same numbers for the same seeds.

    Args:
      selectors: one per environment.
      options: see `Options`.
      vector_strategy: "native", "sync" or "async" (a process each).
      autoreset_mode: how a finished environment starts anew.
      seed: environment i's generator gets seed + i.

    Raises:
      ValueError: unknown strategy, or a window for several environments.
    """
    check_vector_keywords(vector_strategy, autoreset_mode)
    if options.rendering.render_mode == HUMAN:
        raise ValueError(
            f"render_mode of several environments must be None or one of {VECTOR_RENDER_MODES}: windows are for one environment"
        )
    if vector_strategy == NATIVE:
        envs = MetaWorldVectorEnv(
            [as_visible(selector, options) for selector in selectors],
            autoreset_mode=autoreset_mode,
            use_one_hot=options.observation.use_one_hot,
            record_episode_statistics=options.observation.record_episode_statistics,
            seed=seed,
            **vars(options.episode),
            **vars(options.stepping),
            **vars(options.rendering),
        )
        return seen_vectors(TransformedVectorEnv.wrap(envs, options.observation), options)
    if options.stepping.compiled or options.stepping.n_threads:
        raise ValueError(f"compiled=True and n_threads go with vector_strategy='native', not {vector_strategy!r}")
    names = list(dict.fromkeys(selector.env_name for selector in selectors))
    functions: list[Callable[[], gymnasium.Env[Any, Any]]] = [
        partial(
            make_env,
            selector,
            options,
            seed=None if seed is None else seed + index,
            one_hot=(names.index(selector.env_name), len(names)),
            env_id=checkpoint_id(selector.env_name, index),
        )
        for index, selector in enumerate(selectors)
    ]
    vector_class: Any = SyncVectorEnv if vector_strategy == SYNC else AsyncVectorEnv
    mode: Any = AutoresetMode(autoreset_mode)
    extra = {"context": _clean_processes()} if vector_strategy == ASYNC and options.draws else {}
    made: VectorEnv[Any, Any, Any] = vector_class(
        functions, autoreset_mode=mode, observation_mode="different", copy=options.stepping.copy, **extra
    )
    return made


def _clean_processes() -> str | None:
    """How to start processes that draw; None for the platform's default.

    A fork is quickest and safe as long as this process has drawn nothing; later it would hang in OpenGL.

    Raises:
      RuntimeError: a process started by this function has come here again, because its script has no main guard.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            "a process for environments has run the whole script again: put what makes environments under `if __name__ == '__main__':`, "
            "or make them before the first picture is drawn"
        )
    methods = multiprocessing.get_all_start_methods()
    if "fork" in methods and sys.platform.startswith("linux") and not has_drawn():
        return "fork"
    if "forkserver" not in methods:
        return None
    multiprocessing.get_context("forkserver").set_forkserver_preload(["metaworld_py"])
    return "forkserver"


# one task


def make_mt1(
    env_name: str,
    seed: int | None = None,
    num_tasks: int | None = None,
    num_goals: int | None = None,
    task_select: str = RANDOM,
    env_id: int | None = None,
    vector_strategy: str = SYNC,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    num_envs: int | None = None,
    **keywords: Any,
) -> gymnasium.Env[Any, Any]:
    """`Meta-World/MT1`: one task, its instances of `seed`, one of them at random each reset, goal visible.

    Args:
      env_name: task name.
      seed: seeds the instances and their choice.
      num_tasks: instances, `num_goals` by another name; with `env_id` and one-hot ids the length of the id, as published.
      num_goals: instances.
      task_select: "random" or "pseudorandom".
      env_id: index of the task in one-hot ids.
      vector_strategy, autoreset_mode, num_envs: of `gymnasium.make_vec`; taken for published code, without effect on one environment.
      keywords: see `Options`.
    """
    check_vector_keywords(vector_strategy, autoreset_mode)
    num_tasks, num_goals, env_id, num_envs = checked(num_tasks=num_tasks, num_goals=num_goals, env_id=env_id, num_envs=num_envs)
    if num_envs not in (None, 1):
        warnings.warn(f"gymnasium.make gives one environment; gymnasium.make_vec gives num_envs={num_envs}", UserWarning, stacklevel=2)
    options = Options.of(keywords)
    one_hot = (0, 1)
    if options.observation.use_one_hot and (env_id is not None or num_tasks is not None):
        if env_id is None or num_tasks is None:
            raise ValueError(
                "a one-hot id needs env_id= (its index) and num_tasks= (its length) together; "
                f"num_goals= says how many instances there are. Got env_id={env_id}, num_tasks={num_tasks}"
            )
        one_hot, num_tasks = (env_id, num_tasks), None
    instances = benchmarks.MT1(env_name, seed, per_task=num_goals or num_tasks or INSTANCES_PER_TASK).train_tasks
    # The limit comes with the TimeLimit that gymnasium.make adds; see StandardWrappers.
    return base_env(TaskSelector(instances, task_select), options, seed, max_episode_steps=None, one_hot=one_hot)


def checked(**keywords: Any) -> list[Any]:
    """Values of keywords in order; see `check_keyword`.

    Raises:
      ValueError: not what a keyword may be.
    """
    return [check_keyword(name, value) for name, value in keywords.items()]


def check_vector_keywords(vector_strategy: str, autoreset_mode: AutoresetMode | str) -> None:
    """Refuse strategies and modes that there are not.

    Raises:
      ValueError: says which there are.
    """
    if vector_strategy not in STRATEGIES:
        raise ValueError(f"vector_strategy must be one of {STRATEGIES}, got {vector_strategy!r}")
    AutoresetMode(autoreset_mode)


def make_goal_observable(env_name: str, seed: int | None = None, **keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_observable`: one task, a freshly drawn instance each reset, goal visible."""
    return base_env(fresh_tasks(env_name, is_goal_hidden=False), Options.of(keywords), seed, max_episode_steps=None)


def make_goal_hidden(env_name: str, seed: int | None = None, **keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_hidden`: one task, a freshly drawn instance each reset, goal slots zero."""
    return base_env(fresh_tasks(env_name, is_goal_hidden=True), Options.of(keywords), seed, max_episode_steps=None)


def fresh_tasks(env_name: str, *, is_goal_hidden: bool) -> FreshTasks:
    """Freshly drawn instances of a task under its name or that of its goal-observable or goal-hidden variant."""
    return FreshTasks(env_name.removesuffix(GOAL_HIDDEN if is_goal_hidden else GOAL_OBSERVABLE), is_goal_hidden=is_goal_hidden)


# one task, several environments


def make_mt1_vector(env_name: str, **keywords: Any) -> Any:
    """`Meta-World/MT1` by `gymnasium.make_vec`: `num_envs` environments of one task, with the keywords of sets."""
    return make_mt((env_name,), **keywords)


def make_goal_observable_vector(env_name: str, **keywords: Any) -> Any:
    """`Meta-World/goal_observable` by `gymnasium.make_vec`, with the keywords of sets."""
    return make_fresh_vector(fresh_tasks(env_name, is_goal_hidden=False), **keywords)


def make_goal_hidden_vector(env_name: str, **keywords: Any) -> Any:
    """`Meta-World/goal_hidden` by `gymnasium.make_vec`, with the keywords of sets."""
    return make_fresh_vector(fresh_tasks(env_name, is_goal_hidden=True), **keywords)


def make_fresh_vector(
    selector: FreshTasks,
    num_envs: int = 1,
    seed: int | None = None,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    **keywords: Any,
) -> Any:
    """Several environments that draw an instance at each reset, each from its own generator, seeded with seed + i."""
    (num_envs,) = checked(num_envs=num_envs)
    selectors = [copy.deepcopy(selector) for _ in range(num_envs or 1)]
    return make_vector_env(selectors, Options.of(keywords), vector_strategy=vector_strategy, autoreset_mode=autoreset_mode, seed=seed)


def make_mt1_alone(**keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/MT1` with its wrappers, for Gymnasium's own vector environments; see `SingleTaskSpec`."""
    return wrapped_alone(make_mt1(**keywords))


def make_goal_observable_alone(**keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_observable` with its wrappers; see `SingleTaskSpec`."""
    return wrapped_alone(make_goal_observable(**keywords))


def make_goal_hidden_alone(**keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_hidden` with its wrappers; see `SingleTaskSpec`."""
    return wrapped_alone(make_goal_hidden(**keywords))


def wrapped_alone(env: Any) -> gymnasium.Env[Any, Any]:
    """An environment with its wrappers, for a TimeLimit that counts actions around them.

    Raises:
      ValueError: repeated actions, for which such a limit is another one.
    """
    if env.wrapper_options.episode.action_repeat > 1:
        raise ValueError(
            "with action_repeat write vector_strategy='sync' or 'async' instead of vectorization_mode: steps are counted there"
        )
    return StandardWrappers(env)


class SingleTaskSpec(EnvSpec):
    """Spec of an id that is one environment by `gymnasium.make` and our vector environment by `gymnasium.make_vec`.

    `make_vec` refuses the wrappers of a spec, which `make` needs to put ours outside its TimeLimit; but it works on a copy of the spec, and
    copies have none: their entry point puts them on.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> EnvSpec:
        return EnvSpec(
            id=self.id,
            entry_point=f"{self.entry_point}_alone",
            max_episode_steps=self.max_episode_steps,
            kwargs=copy.deepcopy(self.kwargs),
            vector_entry_point=self.vector_entry_point,
        )


# multi-task sets


def make_mt(
    names: Sequence[str],
    num_envs: int = 1,
    seed: int | None = None,
    num_tasks: int = INSTANCES_PER_TASK,
    num_goals: int | None = None,
    task_select: str = RANDOM,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    **keywords: Any,
) -> Any:
    """A multi-task set, by `gymnasium.make_vec`: its tasks side by side, each with its instances of `seed`, goals visible.

    Args:
      names: task names.
      num_envs: a multiple of the number of tasks; Gymnasium's default of 1 means one environment per task.
      seed: seeds the instances; environment i's choice among them gets seed + i.
      num_tasks: instances per task; `num_goals` is the same under the published name.
      task_select: "random" or "pseudorandom".
      vector_strategy: "native", "sync" or "async".
      autoreset_mode: how a finished environment starts anew.
      keywords: see `Options`.

    Raises:
      ValueError: num_envs is no multiple of the number of tasks, or bad options.
    """
    options = Options.of(keywords)
    num_envs, num_tasks, num_goals = checked(num_envs=num_envs or 1, num_tasks=num_tasks, num_goals=num_goals)
    if not names:
        raise ValueError("give at least one task")
    if num_envs != 1 and num_envs % len(names):
        raise ValueError(
            f"num_envs of this set must be a multiple of {len(names)} (one environment per task is the default), got {num_envs}"
        )
    instances = benchmarks.CustomMT(list(dict.fromkeys(find_task(name).id for name in names)), seed, per_task=num_goals or num_tasks)
    selectors = [
        TaskSelector(list(instances.instances_of(name)), task_select) for name in names for _ in range(max(num_envs // len(names), 1))
    ]
    return make_vector_env(selectors, options, vector_strategy=vector_strategy, autoreset_mode=autoreset_mode, seed=seed)


def make_mt10(**keywords: Any) -> Any:
    """Make `Meta-World/MT10`: ten tasks, goals visible."""
    return make_mt(task_sets.MT10, **keywords)


def make_mt25(**keywords: Any) -> Any:
    """Make `Meta-World/MT25`: twenty-five tasks, goals visible."""
    return make_mt(task_sets.MT25, **keywords)


def make_mt50(**keywords: Any) -> Any:
    """Make `Meta-World/MT50`: all fifty tasks, goals visible."""
    return make_mt(task_sets.MT50, **keywords)


def make_custom_mt(envs_list: Sequence[str], **keywords: Any) -> Any:
    """Make `Meta-World/custom-mt-envs`: the tasks of `envs_list`, goals visible; a task named several times has several environments."""
    return make_mt(tuple(envs_list), **keywords)


# meta-learning sets


def make_ml(
    benchmark: Benchmark,
    split: str,
    seed: int | None,
    num_envs: int = 1,
    meta_batch_size: int | None = None,
    total_tasks_per_cls: int | None = None,
    task_select: str = PSEUDORANDOM,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    **keywords: Any,
) -> Any:
    """One side of a meta-learning set, by `gymnasium.make_vec`, goals hidden.

    Each task's instances are dealt out to its environments; an environment keeps its instance until `envs.call("sample_tasks")`, as
    published, so that a learner can adapt to it over several episodes. `task_select="random"` takes a new one at each reset.

    Args:
      benchmark: the set.
      split: "train" or "test".
      seed: environment i's generator gets seed + i.
      num_envs: Gymnasium's argument; other than 1 it stands for `meta_batch_size`.
      meta_batch_size: environments, a multiple of the number of tasks. By default as near to 20 as that allows.
      total_tasks_per_cls: how many of each task's instances to use; all by default.
      task_select: "pseudorandom" or "random".
      vector_strategy: "native", "sync" or "async".
      autoreset_mode: how a finished environment starts anew.
      keywords: see `Options`. Test sides end an episode at its first success unless told otherwise, as published.

    Raises:
      ValueError: sizes that do not fit, or bad options.
    """
    options = Options.of({"terminate_on_success": split == "test", **keywords})
    num_envs, meta_batch_size, total_tasks_per_cls = checked(
        num_envs=num_envs or 1, meta_batch_size=meta_batch_size, total_tasks_per_cls=total_tasks_per_cls
    )
    classes: EnvClasses = benchmark.train_classes if split == "train" else benchmark.test_classes
    size = meta_batch_size or (num_envs if num_envs != 1 else len(classes) * max(1, META_BATCH_SIZE // len(classes)))
    if size % len(classes):
        raise ValueError(f"meta_batch_size must be a multiple of the {len(classes)} tasks of this side, got {size}")
    per_task = size // len(classes)
    selectors: list[Selector] = []
    for name in classes:
        instances = list(benchmark.instances_of(name, split))
        wanted = total_tasks_per_cls or len(instances)
        if not per_task <= wanted <= len(instances):
            raise ValueError(
                f"total_tasks_per_cls must lie between {per_task} (environments per task) and {len(instances)} (instances), got {wanted}"
            )
        selectors += [
            TaskSelector(instances[index:wanted:per_task], task_select, sample_on_reset=task_select == RANDOM) for index in range(per_task)
        ]
    return make_vector_env(selectors, options, vector_strategy=vector_strategy, autoreset_mode=autoreset_mode, seed=seed)


def make_ml1(split: str, env_name: str, seed: int | None = None, **keywords: Any) -> Any:
    """`Meta-World/ML1-train` and `-test`: one task; the test side has its own instances."""
    return make_ml(benchmarks.ML1(env_name, seed), split, seed, **keywords)


def make_ml10(split: str, seed: int | None = None, **keywords: Any) -> Any:
    """Make `Meta-World/ML10-train` or `-test`: ten or five tasks, goals hidden."""
    return make_ml(benchmarks.ML10(seed), split, seed, **keywords)


def make_ml25(split: str, seed: int | None = None, corrected: bool = False, **keywords: Any) -> Any:
    """`Meta-World/ML25-train` and `-test`; `corrected=True` leaves basketball, a training task, out of the test side."""
    return make_ml(benchmarks.ML25(seed, corrected=check_keyword("corrected", corrected)), split, seed, **keywords)


def make_ml45(split: str, seed: int | None = None, **keywords: Any) -> Any:
    """Make `Meta-World/ML45-train` or `-test`: forty-five or five tasks, goals hidden."""
    return make_ml(benchmarks.ML45(seed), split, seed, **keywords)


def make_custom_ml(
    train_envs: Sequence[str], test_envs: Sequence[str], split: str = "train", seed: int | None = None, **keywords: Any
) -> Any:
    """`Meta-World/custom-ml-envs`: one side (`split`) of a set of one's own."""
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    (allow_overlap,) = checked(allow_overlap=keywords.pop("allow_overlap", False))
    return make_ml(benchmarks.CustomML(train_envs, test_envs, seed, allow_overlap=allow_overlap), split, seed, **keywords)


def refuse_single_env(**_: Any) -> gymnasium.Env[Any, Any]:
    """What `gymnasium.make` gets for an id that stands for several environments."""
    raise Error("this id is a set of tasks: use gymnasium.make_vec(...), or gymnasium.make('Meta-World/MT1', env_name=...) for one task")


SINGLE_IDS = {"MT1": "make_mt1", "goal_observable": "make_goal_observable", "goal_hidden": "make_goal_hidden"}
VECTOR_IDS: dict[str, tuple[str, dict[str, Any]]] = {
    "MT10": ("make_mt10", {}),
    "MT25": ("make_mt25", {}),
    "MT50": ("make_mt50", {}),
    "custom-mt-envs": ("make_custom_mt", {}),
    "custom-ml-envs": ("make_custom_ml", {}),
    **{
        f"{name}-{split}": (maker, {"split": split})
        for name, maker in (("ML1", "make_ml1"), ("ML10", "make_ml10"), ("ML25", "make_ml25"), ("ML45", "make_ml45"))
        for split in ("train", "test")
    },
}


def register_envs() -> None:
    """Register all ids; done once when `metaworld_py` is imported. Entry points are texts, so that specs are JSON."""
    for name, maker in SINGLE_IDS.items():
        if f"{_NAMESPACE}/{name}" not in registry:
            registry[f"{_NAMESPACE}/{name}"] = SingleTaskSpec(
                f"{_NAMESPACE}/{name}",
                entry_point=f"{__name__}:{maker}",
                vector_entry_point=f"{__name__}:{maker}_vector",
                max_episode_steps=HORIZON,
                additional_wrappers=(WrapperSpec("StandardWrappers", f"{__name__}:StandardWrappers", {"env_id": None}),),
            )
    for name, (maker, keywords) in VECTOR_IDS.items():
        if f"{_NAMESPACE}/{name}" not in registry:
            register(
                f"{_NAMESPACE}/{name}",
                entry_point=f"{__name__}:refuse_single_env",
                vector_entry_point=f"{__name__}:{maker}",
                kwargs=keywords,
            )
