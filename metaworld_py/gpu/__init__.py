"""All tasks on one GPU, mixed in one call: the same scenes and rewards on MuJoCo Warp (extra `gpu`)."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaworld_py.engine.episode import REWARD_VERSIONS
from metaworld_py.envs.options import check_keyword, checked_count
from metaworld_py.files import install_hint
from metaworld_py.instances.task import INSTANCES_PER_TASK, checked_seed, draw_instances
from metaworld_py.instances.task_sets import task_names
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import HORIZON

if TYPE_CHECKING:
    from metaworld_py.gpu.vector_env import GpuVectorEnv

_NEEDED = ("warp", "mujoco_warp", "numba", "numba_cuda")


def make_gpu(
    benchmark: str | Sequence[str],
    worlds: int,
    *,
    seed: int | None = None,
    device: str = "cuda:0",
    goal_visible: bool | None = None,
    num_goals: int = INSTANCES_PER_TASK,
    use_one_hot: bool = False,
    reward_function_version: str = "v2",
    max_episode_steps: int = HORIZON,
    terminate_on_success: bool = False,
) -> GpuVectorEnv:
    """Worlds of any mix of tasks on one GPU, stepped in one call; arrays stay there and go to JAX and PyTorch without a copy.

    Tasks play the published instances of the seed, drawn at random at every start. Physics is MuJoCo Warp's in single precision: like the
    CPU environments' and not equal to it, see docs/gpu.md.

    Args:
      benchmark: a set ("MT10", "MT50", "ML45-train", …), a task, or several tasks, in whose order the worlds stand.
      worlds: how many, at least one for each task; the first tasks get one more where it is no multiple.
      seed: of the instances, and of the choice among them until `reset` has another one.
      device: "cuda:0", …; "cpu" runs the same kernels without a card, for tests.
      goal_visible: whether observations show the goal; None as the benchmark has it: ML sets hide it.
      num_goals: instances per task.
      use_one_hot: append the task's one-hot id to observations.
      reward_function_version: "v2" or "v1".
      max_episode_steps: control steps of an episode.
      terminate_on_success: whether an episode ends at its first success.

    Raises:
      ImportError: the extra is missing; says how to install it.
      RuntimeError: no such card; says what there is.
      ValueError: an unknown benchmark, a number that is not whole or too small, or neither yes nor no where one is asked for.
    """
    names = task_names(benchmark)
    worlds, num_goals = checked_count("worlds", worlds, len(names)), checked_count("num_goals", num_goals)
    max_episode_steps = checked_count("max_episode_steps", max_episode_steps)
    goal_visible, use_one_hot = check_keyword("goal_visible", goal_visible), check_keyword("use_one_hot", use_one_hot)
    terminate_on_success = check_keyword("terminate_on_success", terminate_on_success)
    if reward_function_version not in REWARD_VERSIONS:
        raise ValueError(f"reward_function_version must be one of {REWARD_VERSIONS}, got {reward_function_version!r}")
    drawn = checked_seed(seed)
    _check_installed()
    _check_device(device)
    from metaworld_py.gpu.vector_env import GpuVectorEnv  # noqa: PLC0415  # seconds, and an extra

    is_hidden = not goal_visible if goal_visible is not None else isinstance(benchmark, str) and benchmark.startswith("ML")
    instances = draw_instances(names, drawn, partially_observable=is_hidden, per_task=num_goals)
    return GpuVectorEnv(
        [find_task(name) for name in names],
        [instances[first : first + num_goals] for first in range(0, len(instances), num_goals)],
        num_envs=worlds,
        device=device,
        seed=drawn,
        reward_function_version=reward_function_version,
        max_episode_steps=max_episode_steps,
        terminate_on_success=terminate_on_success,
        use_one_hot=use_one_hot,
    )


def _check_installed() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        python = " and Python 3.11 or newer" if sys.version_info < (3, 11) else ""
        raise ImportError(f"make_gpu needs {', '.join(missing)}{python}: {install_hint('gpu')}")


def _check_device(device: str) -> None:
    import warp  # noqa: PLC0415  # an extra

    warp.config.log_level = max(warp.config.log_level, warp.LOG_WARNING)  # it would tell of every module it loads
    known = [one.alias for one in warp.get_devices()]
    if device not in known and not (device == "cuda" and warp.is_cuda_available()):
        cards = ", ".join(name for name in known if name != "cpu") or "no NVIDIA card that its driver shows"
        raise RuntimeError(f"device {device!r} is not there: this machine has {cards}. device='cpu' runs the same kernels, slowly.")
