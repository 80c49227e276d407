"""Recording: plays what is still missing, one episode after the other, then puts the data set together."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path

from metaworld_py.agents.built_in import BUILT_IN, Agent
from metaworld_py.agents.inputs import AgentInputs
from metaworld_py.agents.loading import load_agent
from metaworld_py.demonstrations import storage
from metaworld_py.demonstrations.config import EXPERT, Attempt, RecordingConfig, agent_name, attempts
from metaworld_py.demonstrations.episode import play_episode
from metaworld_py.demonstrations.formats import DATASET_FORMATS, DatasetFormat
from metaworld_py.demonstrations.storage import Recording, StagedEpisode
from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.evaluation.adaptation import is_meta_learner
from metaworld_py.instances.task import INSTANCES_PER_TASK
from metaworld_py.rendering.cameras import find_camera
from metaworld_py.rendering.renderer import DEFAULT_SIZE_PX, choose_gl
from metaworld_py.tasks import find_task

Progress = Callable[[str, int], None]


def record_demonstrations(config: RecordingConfig, folder: str | Path, *, progress: Progress | None = None) -> Recording:
    """Record agents, by default the scripted experts, into a folder. Interrupted in any way, the same call goes on where it was.

    Episodes that are over are kept and not played again; of an interrupted one nothing remains. A complete recording is left as it is.

    Args:
      config: what to record.
      folder: made if it does not exist; must be empty, or hold this very recording.
      progress: called with (task name, attempts that are over in all), first with what an earlier call left.

    Raises:
      ValueError: the folder holds something else, or another process records into it; an unknown camera or agent, or an agent that
        hides goals.
      RuntimeError: `only_successes`, and no attempt succeeded.
      ImportError: a package is missing; names the extra.
      RenderingError: no OpenGL; says what to install.
    """
    folder = Path(folder)
    form = DATASET_FORMATS[config.format]
    form.require_packages()
    if config.size_px is not None:
        find_camera(find_task(config.tasks[0]), config.camera_name)  # refuse an unknown one before anything is written
        choose_gl()
    agents = load_agents(config)  # likewise
    planned = attempts(config)
    if config.size_px is not None and not (folder / storage.RECORDING_FILE).exists():
        _draw_once(planned[0], config)  # where that fails, nothing stands in the way of another try without pictures
    with storage.held(folder):
        return _record(config, folder, planned, form, agents, progress)


def _record(
    config: RecordingConfig,
    folder: Path,
    planned: list[Attempt],
    form: DatasetFormat,
    agents: dict[str, Agent],
    progress: Progress | None,
) -> Recording:
    """Play what is missing, and put it together."""
    recording = storage.begin(folder, config)
    if recording.is_complete:
        storage.tidy(folder)  # the last run may have been stopped while it did
        if progress is not None:
            progress(planned[-1].task, len(planned))
        return recording
    _warn_of_copies(planned)
    _play_missing(folder, config, planned, form, agents, progress)
    kept = [attempt for attempt in planned if storage.staged_outcome(folder, attempt).is_kept]
    if not kept:
        raise RuntimeError(f"none of {len(planned)} attempts succeeded, so there is nothing to record: use less noise or more steps")
    form.assemble(folder, recording, kept)
    recording = dataclasses.replace(recording, tasks=storage.summary(folder, config, planned))
    recording.save(folder)
    storage.tidy(folder)
    return recording


def load_agents(config: RecordingConfig) -> dict[str, Agent]:
    """The agents of a recording by name, but for the built-in ones.

    Raises:
      ValueError: there is no such agent, or it cannot demonstrate.
    """
    names = [name for name in map(agent_name, config.agents) if name not in BUILT_IN]
    agents = {name: load_agent(name, seed=config.seed) for name in dict.fromkeys(names)}
    for name, agent in agents.items():
        if is_meta_learner(agent):
            raise ValueError(f"{name} plays only after adapting to a hidden goal: it has nothing to demonstrate")
        if not AgentInputs.of(agent).is_goal_visible:
            raise ValueError(f"{name} hides goals, which recordings keep: take goal_visible=False off its inputs, and goals off the data")
    return agents


def _warn_of_copies(planned: list[Attempt]) -> None:
    """Say how many attempts repeat an earlier one to the bit: the expert without noise on the same instance."""
    alike = [(attempt.task_index, attempt.instance_index) for attempt in planned if attempt.agent == EXPERT and not attempt.noise_std]
    copies = len(alike) - len(set(alike))
    if copies:
        warnings.warn(
            f"{copies} of {len(planned)} episodes will be copies: a task has {INSTANCES_PER_TASK} instances, and the expert without noise "
            "plays each the same way again. Splits into training and test data leak them: add noise or agents, or record another seed",
            stacklevel=3,
        )


def _draw_once(attempt: Attempt, config: RecordingConfig) -> None:
    """Draw one picture.

    Raises:
      RenderingError: no OpenGL; says what to install.
    """
    env = _make_env(attempt.task, config)
    try:
        env.set_task(attempt.instance)
        env.reset()
        env.render()
    finally:
        env.close()


def _play_missing(
    folder: Path,
    config: RecordingConfig,
    planned: list[Attempt],
    form: DatasetFormat,
    agents: dict[str, Agent],
    progress: Progress | None,
) -> None:
    missing = [attempt for attempt in planned if not storage.staged_path(folder, attempt).exists()]
    over = len(planned) - len(missing)
    if progress is not None:
        progress((missing or planned[-1:])[0].task, over)
    env: MetaWorldEnv | None = None
    try:
        for attempt in missing:
            if env is None or env.task_name != attempt.task:
                if env is not None:
                    env.close()
                env = _make_env(attempt.task, config)
            _play(folder, config, attempt, env, form, agents.get(attempt.agent))
            over += 1
            if progress is not None:
                progress(attempt.task, over)
    finally:
        if env is not None:
            env.close()


def _make_env(task: str, config: RecordingConfig) -> MetaWorldEnv:
    size_px = config.size_px or DEFAULT_SIZE_PX
    return env_class(task)(
        render_mode=None if config.size_px is None else "rgb_array",
        camera_name=config.camera_name,
        height=size_px,
        width=size_px,
        render_quality=config.render_quality,
        reward_function_version=config.reward_function_version,
        max_episode_steps=config.max_episode_steps,
        terminate_on_success=config.terminate_on_success,
    )


def _play(folder: Path, config: RecordingConfig, attempt: Attempt, env: MetaWorldEnv, form: DatasetFormat, agent: Agent | None) -> None:
    """Play and stage one attempt."""
    sink = None if config.size_px is None else form.picture_sink(folder, attempt)
    try:
        demonstration = play_episode(env, attempt, config, sink, see_last=form.sees_last, agent=agent)
        is_kept = demonstration.is_success or not config.only_successes
        pictures = {} if sink is None else sink.finish(is_kept=is_kept)
    finally:
        if sink is not None:
            sink.abort()
    storage.stage(folder, StagedEpisode(attempt, demonstration, pictures), is_kept=is_kept)
