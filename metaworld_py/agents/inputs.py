"""What agents want to observe: declared by the agent as keywords, delivered by whatever plays it.

An agent with an attribute `inputs`, a dictionary of the keywords that its training environments were made with, is shown the same in
evaluation, films and demonstrations:

    class Mine:
        inputs = {"obs_mode": "pixels+state", "obs_cameras": "corner4_upright", "frame_stack": 3, "action_repeat": 2, "instruction": True}

        def eval_action(self, observations): ...   # {"state": (n, 3, 39), "pixels": (n, 3, 84, 84, 3), "instruction": n sentences}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.agents.built_in import Agent
from metaworld_py.engine.layout import BEFORE
from metaworld_py.envs.options import ObservationOptions, check_keyword, read_keywords
from metaworld_py.envs.pixels import PIXELS, PixelOptions
from metaworld_py.instances.task import Task
from metaworld_py.instances.task_sets import task_names
from metaworld_py.rendering.cameras import Camera
from metaworld_py.tasks import TaskDef, find_task

States = NDArray[np.float64]  # (n, 39)
Draw = Callable[[int, list[int | Camera], PixelOptions], list[dict[str, NDArray[Any]]]]  # what each camera sees of one environment

_OF_TRAINING = (
    "normalize_observations",
    "reward_normalization_method",
    "recurrent_info_in_obs",
    "normalize_reward_in_recurrent_info",
    "reward_alpha",
    "record_episode_statistics",
)
_OF_STATES = ("use_one_hot", "float32_observations", "include_previous_frame")


@dataclass(frozen=True, kw_only=True)
class _OwnInputs:
    """Inputs besides those of `ObservationOptions`."""

    action_repeat: int = 1  # control steps that an action lasts; the agent is asked, and pictures are drawn, only that often
    one_hot_tasks: str | Sequence[str] | None = None  # whose ids the agent learnt, e.g. "MT10"; None: those that are evaluated
    instruction: bool = False  # the task's sentence, one per environment
    show_goal: bool = True  # False: no marker in pictures

    def __post_init__(self) -> None:
        check_keyword("action_repeat", self.action_repeat)
        for name in ("instruction", "show_goal"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")


@dataclass(frozen=True)
class AgentInputs:
    """What an agent observes, from the keywords that it declares; see the module.

    Attributes:
      observation: keywords that environments know, too.
      own: the others.
    """

    observation: ObservationOptions
    own: _OwnInputs

    @classmethod
    def of(cls, agent: Any, *, use_one_hot: bool = False) -> AgentInputs:
        """The inputs that an agent declares, or by default the 39 numbers.

        Args:
          agent: with or without an attribute `inputs`.
          use_one_hot: whether the caller wants one-hot ids appended, whatever the agent says.

        Raises:
          TypeError: no dictionary, or a keyword that there is not; says the nearest one.
          ValueError: values that are not allowed, or that contradict one another.
        """
        declared = getattr(agent, "inputs", {})
        if not isinstance(declared, Mapping):
            raise TypeError(f"{_name(agent)}.inputs must be a dictionary of keywords such as {{'obs_mode': 'pixels'}}, got {declared!r}")
        if use_one_hot and declared.get("use_one_hot") is False:
            raise ValueError(f"{_name(agent)}.inputs say use_one_hot=False, but the evaluation was asked for use_one_hot")
        keywords = {**declared, **({"use_one_hot": True} if use_one_hot else {})}
        try:
            observation, own = read_keywords(keywords, ObservationOptions, _OwnInputs)
            _check(keywords, observation)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{_name(agent)}.inputs: {error}") from error
        return cls(observation, own)

    @property
    def pixels(self) -> PixelOptions | None:
        """Cameras, kinds and size of pictures; None where none are wanted."""
        return self.observation.pixels

    @property
    def is_goal_visible(self) -> bool:
        """Whether states and pictures show the goal."""
        return self.observation.goal_visible is not False

    def instance(self, task: Task) -> Task:
        """The instance as this agent shall play it."""
        return task if self.is_goal_visible else replace(task, partially_observable=True)

    def one_hot(self, task: str, evaluated: Sequence[str]) -> NDArray[np.float64]:
        """The id that is appended to states of a task: one number per task, or none.

        Raises:
          ValueError: the agent has no id for this task.
        """
        if not self.observation.use_one_hot:
            return np.zeros(0)
        names = list(evaluated) if self.own.one_hot_tasks is None else task_names(self.own.one_hot_tasks)
        if task not in names:
            raise ValueError(f"the agent's one_hot_tasks are {', '.join(names)}: it has no id for {task}")
        one_hot: NDArray[np.float64] = np.eye(len(names))[names.index(task)]
        return one_hot


def _check(keywords: Mapping[str, Any], observation: ObservationOptions) -> None:
    """Refuse what an agent cannot want, and what contradicts itself."""
    of_training = [name for name in _OF_TRAINING if name in keywords]
    if of_training:
        raise ValueError(
            f"{', '.join(of_training)} belong to training, where statistics are gathered: "
            "keep them in the agent and apply them in eval_action"
        )
    of_states = [name for name in _OF_STATES if name in keywords and getattr(observation, name) != _default(name)]
    if observation.obs_mode == PIXELS and of_states:
        raise ValueError(f"{', '.join(of_states)} change the state, which obs_mode='pixels' leaves out: ask for 'pixels+state'")
    if keywords.get("one_hot_tasks") is not None and not observation.use_one_hot:
        raise ValueError("one_hot_tasks mean nothing without use_one_hot=True")
    if keywords.get("one_hot_tasks") is not None:
        task_names(keywords["one_hot_tasks"])


def _default(name: str) -> Any:
    return getattr(ObservationOptions(), name)


def _name(agent: Any) -> str:
    return str(getattr(agent, "__name__", type(agent).__name__))


class Player:
    """An agent playing environments of one task: asked for actions by their states, shown what it declares.

    Args:
      agent: see `Agent`.
      task: that is played.
      inputs: of the agent.
      one_hot: id to append to states.
      draw: takes pictures of one environment.
    """

    def __init__(self, agent: Agent, task: str, inputs: AgentInputs, one_hot: NDArray[np.float64], draw: Draw) -> None:
        self._agent, self._inputs, self._one_hot, self._draw = agent, inputs, one_hot, draw
        self._task: TaskDef = find_task(task)
        self._frames: Any = None
        self._actions: Any = None
        self._steps = 0

    @cached_property
    def _cameras(self) -> list[int | Camera]:
        return self._inputs.pixels.find_cameras(self._task) if self._inputs.pixels is not None else []

    def begin(self, n_envs: int) -> None:
        """Episodes begin in all environments."""
        self._frames, self._steps = None, 0
        if callable(getattr(self._agent, "reset", None)):
            self._agent.reset(np.ones(n_envs, dtype=bool))  # type: ignore[attr-defined]  # optional

    def act(self, states: States) -> NDArray[Any]:
        """Actions (n, 4) for the states (n, 39): the last ones again while they last."""
        if self._steps % self._inputs.own.action_repeat == 0:
            answer = self._agent.eval_action(self.observed(states))
            is_pair = isinstance(answer, tuple) and np.ndim(answer[0]) == 2  # actions, and a state of the agent's own
            self._actions = np.asarray(answer[0] if is_pair else answer)
        self._steps += 1
        actions: NDArray[Any] = self._actions
        return actions

    def observed(self, states: States) -> Any:
        """What the agent observes: an array (n, …), or a dictionary of arrays where it wants more than one thing."""
        options, pixels = self._inputs.observation, self._inputs.pixels
        if not options.include_previous_frame:
            states = np.delete(states, BEFORE, axis=1)
        shown: NDArray[Any] = np.hstack([states, np.tile(self._one_hot, (len(states), 1))])
        if options.float32_observations:
            shown = shown.astype(np.float32)
        now: Any = shown
        if pixels is not None:
            seen = [pixels.observation(state, self._draw(env, self._cameras, pixels)) for env, state in enumerate(shown)]
            now = np.stack(seen) if pixels.is_bare else {key: np.stack([one[key] for one in seen]) for key in seen[0]}
        if options.frame_stack > 1:
            now = self._stacked(now)
        if self._inputs.own.instruction:
            named = now if isinstance(now, dict) else {"state" if pixels is None else pixels.key(pixels.labels[0], pixels.kinds[0]): now}
            now = {**named, "instruction": [self._task.sentence] * len(states)}
        return now

    def _stacked(self, now: Any) -> Any:
        """The last frames that the agent was shown (n, frames, …), oldest first; an episode begins with copies of its first."""
        size = self._inputs.observation.frame_stack
        if isinstance(now, dict):
            before = self._frames or dict.fromkeys(now)
            self._frames = {key: _pushed(before[key], value, size) for key, value in now.items()}
        else:
            self._frames = _pushed(self._frames, now, size)
        return self._frames


def _pushed(frames: NDArray[Any] | None, now: NDArray[Any], size: int) -> NDArray[Any]:
    if frames is None:
        return np.repeat(now[:, np.newaxis], size, axis=1)
    return np.concatenate([frames[:, 1:], now[:, np.newaxis]], axis=1)


def playing_alone(agent: Agent, env: Any, one_hot: Sequence[float] | None = None) -> tuple[Callable[[], None], Callable[[Any], Any]]:
    """What to call when the episode of a single environment begins, and the agent's action (4,) for its state (39,).

    Args:
      agent: see `Agent`.
      env: a `MetaWorldEnv`.
      one_hot: id to append to states; by default what the agent declares of this task alone.
    """
    inputs = AgentInputs.of(agent)
    tail = inputs.one_hot(env.task_name, [env.task_name]) if one_hot is None else np.asarray(one_hot)

    def draw(_: int, cameras: list[int | Camera], pixels: PixelOptions) -> list[dict[str, NDArray[Any]]]:
        pictures: list[dict[str, NDArray[Any]]] = env.pictures(cameras, **pixels.drawn)
        return pictures

    player = Player(agent, env.task_name, inputs, tail, draw)

    def begin() -> None:
        if callable(getattr(agent, "start_task", None)):
            agent.start_task(env.task_name)  # type: ignore[attr-defined]  # optional
        player.begin(1)

    return begin, lambda state: player.act(state[np.newaxis])[0]
