"""A window on running episodes, MuJoCo's own viewer, and a hand to be steered with the keyboard."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.agents.built_in import Agent
from metaworld_py.agents.inputs import AgentInputs, playing_alone
from metaworld_py.benchmarks import MT1
from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.envs.playing import play
from metaworld_py.rendering.window import open_window, require_display
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks.common.definition import HORIZON

KEYS = """\
arrow keys           move the hand while held: left and right, away and near, as the window first shows it
page up, page down   move the hand up and down while held
space                open or close the gripper
backspace            next instance"""

_SPACE, _BACKSPACE = 32, 259  # GLFW's codes; the viewer itself gives none of these keys a meaning while it only watches
_MOVES: dict[int, tuple[float, float, float]] = {
    262: (0.0, 1.0, 0.0),  # right: away from the robot
    263: (0.0, -1.0, 0.0),  # left
    264: (1.0, 0.0, 0.0),  # down: towards the onlooker
    265: (-1.0, 0.0, 0.0),  # up
    266: (0.0, 0.0, 1.0),  # page up
    267: (0.0, 0.0, -1.0),  # page down
}
_SPEED = 0.3  # of the fastest motion; 24 cm/s
_MOVE_S = 0.08  # at least, however short the press
_STILL_STEPS = CONTROL_HZ  # after success, before the next episode
_MAX_BEHIND_S = 0.2  # beyond that, slow motion rather than leaps


@dataclass(frozen=True)
class Command:
    """What the keyboard asks of the hand."""

    moves_until: Mapping[int, float] = field(default_factory=dict)  # key -> time, seconds; or longer, while it is held
    is_closed: bool = False
    wants_next: bool = False  # another episode


def after_key(command: Command, key: int, now_s: float) -> Command:
    """The command once a key was pressed; keys without a meaning change nothing."""
    if key in _MOVES:
        return replace(command, moves_until={**command.moves_until, key: now_s + _MOVE_S})
    if key == _SPACE:
        return replace(command, is_closed=not command.is_closed)
    if key == _BACKSPACE:
        return replace(command, wants_next=True)
    return command


def action_of(command: Command, now_s: float, is_held: Callable[[int], bool]) -> NDArray[np.float32]:
    """The action (4,): the sum of the moves that still last, and the gripper."""
    moves = [_MOVES[key] for key, until in command.moves_until.items() if now_s < until or is_held(key)]
    displacement = _SPEED * np.sum([(0.0, 0.0, 0.0), *moves], axis=0)
    return np.array([*displacement, 1.0 if command.is_closed else -1.0], dtype=np.float32)


class KeyboardAgent:
    """Does what the keys say that are pressed in a viewer's window.

    Attributes:
      is_open: whether that window is still there; `view` sets it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._command = Command()  # replaced as a whole: keys arrive in the window's thread
        self._glfw_window: Any = None
        self.is_open: Callable[[], bool] = lambda: False

    def on_key(self, key: int) -> None:
        """Take note of a pressed key, by GLFW's code; the viewer calls it in its own thread."""
        import glfw  # noqa: PLC0415

        self._glfw_window = glfw.get_current_context()
        self._command = after_key(self._command, key, self._clock())

    def reset(self, mask: NDArray[np.bool_]) -> None:
        """A new episode begins, with an open gripper."""
        self._command = Command()

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[np.float32]:
        """Actions (n, 4) that the pressed keys mean, the same for all."""
        return np.tile(action_of(self._command, self._clock(), self._is_held), (len(observations), 1))

    def _is_held(self, key: int) -> bool:
        """The viewer tells of presses only, so the window is asked; a closed one must not be."""
        if not self._glfw_window or not self.is_open():
            return False
        import glfw  # noqa: PLC0415

        return bool(glfw.get_key(self._glfw_window, key) == glfw.PRESS)

    @property
    def wants_next(self) -> bool:
        """Whether the next instance was asked for."""
        return self._command.wants_next


def view(task: str, agent: Agent, *, seed: int = 0, instance: int = 0, max_episode_steps: int | None = HORIZON) -> None:
    """Open a window and play one instance after the other in real time until it is closed.

    Args:
      task: task name.
      agent: see `metaworld_py.agents.Agent`; a `KeyboardAgent` is steered from the window.
      seed: of the instances.
      instance: the first one to play.
      max_episode_steps: control steps; None goes on until success.

    Raises:
      ValueError: unknown task or instance.
      ViewerError: no window can be opened here; says what to do.
    """
    inputs = AgentInputs.of(agent)
    env = env_class(task)(max_episode_steps=max_episode_steps, show_goal=inputs.own.show_goal)
    instances = MT1(env.task_name, seed).train_tasks
    if not 0 <= instance < len(instances):
        raise ValueError(f"instance must lie in 0…{len(instances) - 1}, got {instance}")
    require_display()
    env.set_task(inputs.instance(instances[instance]))
    env.reset()
    with open_window(env, getattr(agent, "on_key", None)) as window:
        if isinstance(agent, KeyboardAgent):
            agent.is_open = window.is_running
        for index in itertools.count(instance):
            if not window.is_running():
                break
            env.set_task(inputs.instance(instances[index % len(instances)]))
            _play(env, agent, window, f"instance {index % len(instances)} of seed {seed}")


def _play(env: MetaWorldEnv, agent: Agent, window: Any, title: str) -> None:
    """One episode in real time, until it is over, a second after success, or until the window is closed."""
    first_success, begin_s = None, time.monotonic()
    begin, act = playing_alone(agent, env)
    for step in play(env, act, begin):
        if first_success is None and step.info["success"]:
            first_success = step.number
        is_over = step.truncated or (first_success is not None and step.number >= first_success + _STILL_STEPS)
        ahead_s = begin_s + step.number / CONTROL_HZ - time.monotonic()
        if is_over or ahead_s > 0.0:  # a window that draws slowly misses steps, the episode does not slow down
            _show(env, window, _caption(env.task_name, title, step.number, first_success))
            time.sleep(max(ahead_s, 0.0))
        elif ahead_s < -_MAX_BEHIND_S:
            begin_s -= ahead_s + _MAX_BEHIND_S
        if is_over or getattr(agent, "wants_next", False) or not window.is_running():
            return


def _show(env: MetaWorldEnv, window: Any, caption: tuple[int, int, str, str]) -> None:
    with window.lock():
        env.data  # noqa: B018  # brings what the window shows up to date
    window.set_texts(caption)
    window.sync()


def _caption(task: str, title: str, step: int, first_success: int | None) -> tuple[int, int, str, str]:
    import mujoco  # noqa: PLC0415

    right = [title, str(step), "not yet" if first_success is None else f"after {first_success} steps"]
    place = int(mujoco.mjtGridPos.mjGRID_TOPLEFT)
    return int(mujoco.mjtFontScale.mjFONTSCALE_150), place, "\n".join([task, "step", "success"]), "\n".join(right)
