"""A vector environment whose arrays stay on the device: any mix of tasks, stepped in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import warp as wp
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from metaworld_py.engine import layout
from metaworld_py.gpu import kernels
from metaworld_py.gpu.bank import make_bank
from metaworld_py.gpu.fitting import TaskFit
from metaworld_py.gpu.mechanism import Mechanism, mechanisms
from metaworld_py.gpu.scores import ScoreWorlds, score_worlds
from metaworld_py.gpu.worlds import Shared, Worlds
from metaworld_py.instances.task import Task, checked_seed
from metaworld_py.tasks.common.definition import Score, TaskDef

_OF_SCORES = Score._fields[1:]  # in infos under these names, as published


class GpuVectorEnv(VectorEnv[Any, Any, Any]):
    """Worlds of any mix of tasks on one device, with same-step autoreset; made by `metaworld_py.make_gpu`.

    Observations (N, 39 [+ tasks]), rewards (N,) and endings (N,) are float32 and bool arrays of Warp, which `jax.dlpack.from_dlpack`
    and `torch.from_dlpack` take over without a copy. They are the environment's own until its next step: copy what you keep. With JAX,
    whose work is done later than its calls return, `jax.block_until_ready` what you made of them before the next step.

    Infos hold an array (N,) for each number of a step's score, `is_unstable` (the physics blew up, the action was not finite, or
    constraints had to be dropped: such an episode is truncated) and `overflow` (bits of `mujoco_warp.OverflowType`). Where `_final_obs`
    (N,) is true an episode ended: `final_obs` (N, 39 [+ tasks]) and `episode` (`r`, `l`, `any_success`) are of that one.

    Attributes:
      task_names: (N,), what each environment plays; environments of a task lie side by side.
      tasks, instances: in order; of each task, what it may play.
      worlds: the environments by mechanism.

    Args:
      tasks: what is played, in order.
      instances: of each task.
      num_envs: at least one for each task; the first tasks get one more where it is no multiple.
      device: Warp's name of it.
      seed: of the choice among instances from the first reset on.
      reward_function_version: "v2" or "v1".
      max_episode_steps: control steps of an episode.
      terminate_on_success: whether an episode ends at its first success.
      use_one_hot: append the task's one-hot id to observations.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}  # noqa: RUF012  # Gymnasium's own

    def __init__(
        self,
        tasks: Sequence[TaskDef],
        instances: Sequence[Sequence[Task]],
        *,
        num_envs: int,
        device: str,
        seed: int = 0,
        reward_function_version: str = "v2",
        max_episode_steps: int = 500,
        terminate_on_success: bool = False,
        use_one_hot: bool = False,
    ) -> None:
        self.tasks, self.num_envs, self.device = tuple(tasks), num_envs, wp.get_device(device)
        share, more = divmod(num_envs, len(tasks))
        counts = [share + (index < more) for index in range(len(tasks))]
        self.task_names = tuple(task.id for task, count in zip(tasks, counts, strict=True) for _ in range(count))
        self.instances = tuple(tuple(of_task) for of_task in instances)
        self._task_index = np.repeat(np.arange(len(tasks)), counts)
        self._set_spaces(instances, use_one_hot)
        with wp.ScopedDevice(self.device):
            task_ids = np.repeat(np.eye(len(tasks), dtype=np.float32), counts, axis=0)[:, : len(tasks) if use_one_hot else 0]
            self._shared = Shared(num_envs, one_hot=task_ids, max_steps=max_episode_steps, stop_at_success=terminate_on_success)
            self._groups = [self._group(mechanism, instances, counts, reward_function_version) for mechanism in mechanisms(self.tasks)]
        self._seed_of_next_reset = seed
        self._given: Any = None  # actions whose copy the card may not have made yet
        self._copied: Any = None  # the event after that copy
        self._was_reset = False

    @property
    def worlds(self) -> tuple[Worlds, ...]:
        """The environments by mechanism."""
        return tuple(group.worlds for group in self._groups)

    def _group(self, mechanism: Mechanism, instances: Sequence[Sequence[Task]], counts: Sequence[int], version: str) -> _Group:
        """Worlds of one mechanism, and what scores them."""
        chosen = [index for index, task in enumerate(self.tasks) if task.name in mechanism.tasks]
        tasks = [self.tasks[index] for index in chosen]
        bank = make_bank([TaskFit(mechanism, task) for task in tasks], [instances[index] for index in chosen])
        first = np.cumsum(counts) - counts
        envs = np.concatenate([np.arange(first[index], first[index] + counts[index]) for index in chosen]).astype(np.int32)
        boxes = tuple(np.array([getattr(task, name) for task in tasks], dtype=np.float32) for name in ("hand_low", "hand_high"))
        own_counts = [counts[index] for index in chosen]
        columns = [mechanism.columns(task) for task in tasks]
        worlds = Worlds(mechanism, bank, own_counts, envs, (boxes[0], boxes[1]), columns, self._shared)
        scores, at = [], 0
        for task, count, start in zip(tasks, own_counts, bank.start_tuples, strict=True):
            part = slice(at, at + count)
            arrays = [array[part] for array in (worlds.rows, worlds.starts, worlds.effort, worlds.is_first, worlds.out)]
            scores.append(score_worlds(task, version, start, arrays, on_gpu=self.device.is_cuda))
            at += count
        return _Group(worlds, scores)

    def reset(self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every world.

        Args:
          seed: decides the instances of all episodes from now on; None goes on to the next seed.
          options: `instances`, for each environment (N,) the index among its task's instances, instead of drawn ones; `elapsed_steps`,
            (N,) whole numbers: episodes begin as if so many steps had gone by, so that they end at different times (staggered resets).

        Raises:
          ValueError: a seed for each environment or none that is one, other options, or episodes over before they begin.
        """
        unknown = set(options or {}) - {"instances", "elapsed_steps"}
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown)}; the GPU engine knows 'instances' and 'elapsed_steps'")
        if isinstance(seed, Iterable) and not isinstance(seed, str):
            raise ValueError(f"give one seed for all environments, got {seed!r}")
        instances = self._checked_instances((options or {}).get("instances"))
        elapsed = layout.checked_elapsed((options or {}).get("elapsed_steps"), self.num_envs, self._shared.max_steps)
        drawn = checked_seed(self._seed_of_next_reset if seed is None else seed)
        self._seed_of_next_reset = (drawn + 1) % 2**32
        with wp.ScopedDevice(self.device):
            self._shared.seed.assign(np.array([drawn], dtype=np.uint32).view(np.int32))
            self._shared.running.number.zero_()
        self._everywhere(lambda group: group.worlds.reset(instances))
        if elapsed.any():
            with wp.ScopedDevice(self.device):
                self._shared.running.elapsed.assign(elapsed.astype(np.int32))
        self._was_reset = True
        return self._shared.steps.observation, {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Advance every world by one control step; finished ones start anew at once.

        It overwrites the arrays of the step before: with JAX, `jax.block_until_ready` what you made of them first.

        Args:
          actions: (N, 4), float32: an array on the device by DLPack (JAX, PyTorch, CuPy, Warp), or a NumPy array.

        Raises:
          ResetNeeded: before the first reset.
          ValueError: actions of another shape, kind or device.
        """
        if not self._was_reset:
            raise ResetNeeded("call reset() before step()")
        self._take(actions)
        self._everywhere(_Group.step)
        steps = self._shared.steps
        infos = {name: steps.scores[1 + index] for index, name in enumerate(_OF_SCORES)}
        infos |= {"unscaled_reward": steps.scores[0], "is_unstable": steps.unstable, "overflow": steps.overflow}
        ended = {"r": steps.episode_return, "l": steps.episode_length, "any_success": steps.episode_success}
        infos |= {"episode": ended, "_episode": steps.over, "_final_obs": steps.over}
        infos["final_obs"] = steps.final_observation
        return steps.observation, steps.scores[0], steps.terminated, steps.truncated, infos

    @property
    def counters(self) -> dict[str, int]:
        """How often actions were not finite, worlds blew up, and constraints or contacts had no room, since the environment was made."""
        return dict(zip(kernels.COUNTERS, self._shared.counters.numpy().tolist(), strict=True))

    def _everywhere(self, function: Callable[[_Group], None]) -> None:
        """Call a function of every mechanism's worlds, each on its own stream, after what was asked before and before what comes next."""
        with wp.ScopedDevice(self.device):
            current: Any = wp.get_stream() if self.device.is_cuda else None
            for group in self._groups:
                if group.worlds.stream is not None:
                    group.worlds.stream.wait_stream(current)
                function(group)
            for group in self._groups:
                if group.worlds.stream is not None:
                    current.wait_stream(group.worlds.stream)

    def _checked_instances(self, indices: Any) -> NDArray[np.int32] | None:
        if indices is None:
            return None
        chosen = np.asarray(indices)
        most = np.array([len(self.instances[self._task_index[env]]) for env in range(self.num_envs)])
        if chosen.shape != (self.num_envs,) or chosen.dtype.kind not in "iu" or (chosen < 0).any() or (chosen >= most).any():
            raise ValueError(f"instances must be {self.num_envs} whole numbers from 0 to {most.max() - 1}, got {indices!r}")
        return chosen.astype(np.int32)

    def _take(self, actions: Any) -> None:
        """Copy the actions to where the worlds read them.

        On a card that is done later. Until then the array must be held: JAX and PyTorch would give its memory to their next result, which
        they compute on another stream. The next step waits for the copy alone, while the card has a whole step's work before it.
        """
        with wp.ScopedDevice(self.device):
            array = self._checked(actions)
            if self._copied is not None:
                wp.synchronize_event(self._copied)
            wp.copy(self._shared.actions, array)
            if self.device.is_cuda:
                self._given, self._copied = array, wp.get_stream().record_event(self._copied)

    def _checked(self, actions: Any) -> Any:
        """Actions as an array of Warp's on the device."""
        if isinstance(actions, wp.array):
            array = actions
        elif hasattr(actions, "__dlpack__") and not isinstance(actions, np.ndarray):
            array = wp.from_dlpack(actions)
        else:
            host = np.asarray(actions)
            layout.check_real(host)
            array = wp.array(np.ascontiguousarray(host, dtype=np.float32), dtype=float)
        got = f"{array.dtype.__name__} of shape {array.shape} on {array.device}"
        if array.shape != (self.num_envs, layout.ACTION_SIZE) or array.dtype is not wp.float32 or array.device != self.device:
            raise ValueError(f"actions must be float32 of shape {(self.num_envs, layout.ACTION_SIZE)} on {self.device}, got {got}")
        return array

    def _set_spaces(self, instances: Sequence[Sequence[Task]], use_one_hot: bool) -> None:
        """The spaces of one environment, the smallest box that holds every task's observations, and of all."""
        hidden = [of_task[0].partially_observable for of_task in instances]
        boxes = [layout.observation_space(task, is_goal_hidden=hides) for task, hides in zip(self.tasks, hidden, strict=True)]
        ids = np.zeros(len(self.tasks) if use_one_hot else 0)
        low = np.concatenate([np.min([box.low for box in boxes], axis=0), ids])
        high = np.concatenate([np.max([box.high for box in boxes], axis=0), ids + 1.0])
        self.single_observation_space = Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
        self.single_action_space = layout.action_space()
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)


class _Group(NamedTuple):
    """Worlds of a mechanism, and a scoring function for each task."""

    worlds: Worlds
    scores: list[ScoreWorlds]

    def step(self) -> None:
        """A control step, rewards included."""
        self.worlds.advance()
        self.score()
        self.worlds.finish()

    def score(self) -> None:
        """Rewards of the step that was advanced."""
        for score in self.scores:
            score(self.worlds.stream)
