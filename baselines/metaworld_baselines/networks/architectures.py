"""Architectures of multi-task networks by name: what tasks share, and how a network is told which one it plays.

A torso turns inputs and the task's one-hot id into features; behind it stands one linear head for all tasks or one for each. PaCo composes
its last layer as well and has no heads.
"""

from __future__ import annotations

import difflib
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.care import CareTorso
from metaworld_baselines.networks.cross_stitch import CrossStitchTorso
from metaworld_baselines.networks.film import FilmTorso
from metaworld_baselines.networks.moore import MooreTorso
from metaworld_baselines.networks.multi_head import Heads, Torso
from metaworld_baselines.networks.paco import Paco
from metaworld_baselines.networks.residual import ResidualTorso
from metaworld_baselines.networks.soft_modules import SoftModulesTorso
from metaworld_baselines.networks.task_attention import TaskAttentionTorso

ONE_HOT, MULTI_HEAD, PACO = "one-hot", "multi-head", "paco"
PLAIN = ONE_HOT, MULTI_HEAD  # with one torso that is told the task beside its inputs
MLP, RESIDUAL = TORSOS = "mlp", "residual"  # of plain architectures


class Architecture(NamedTuple):
    """What stands before the outputs, and whether every task has a head of its own."""

    torso: Any  # (num_tasks, width, depth, has_layer_norm, dtype) → a module of (inputs, task_id)
    has_heads: bool = False


ARCHITECTURES = {
    ONE_HOT: Architecture(Torso),
    MULTI_HEAD: Architecture(Torso, has_heads=True),
    "film": Architecture(FilmTorso),
    "cross-stitch": Architecture(CrossStitchTorso, has_heads=True),
    "soft-modules": Architecture(SoftModulesTorso),
    "care": Architecture(CareTorso),
    PACO: Architecture(Paco),
    "moore": Architecture(MooreTorso, has_heads=True),
    "task-attention": Architecture(TaskAttentionTorso, has_heads=True),
}


def check_architecture(name: str, num_tasks: int) -> None:
    """Refuse what cannot be built.

    Raises:
      ValueError: an unknown name, or an architecture of many tasks for one.
    """
    if name not in ARCHITECTURES:
        close = difflib.get_close_matches(name, ARCHITECTURES, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown architecture {name!r}.{hint} There are {', '.join(ARCHITECTURES)}")
    if num_tasks == 1 and name not in PLAIN:
        raise ValueError(f"{name} tells tasks apart, and there is one: take {ONE_HOT}")


def task_features(
    architecture: str, num_tasks: int, width: int, depth: int, inputs: Array, task_id: Array, *, has_layer_norm: bool, dtype: Any = None
) -> Float[Array, "*batch width"]:
    """Features of an architecture; its modules become those of the module that calls this."""
    size = num_tasks, width, depth
    if architecture == PACO:
        return nn.relu(Paco(*size, width, has_layer_norm)(inputs, task_id))
    return ARCHITECTURES[architecture].torso(*size, has_layer_norm, dtype)(inputs, task_id)


def task_outputs(
    architecture: str,
    num_tasks: int,
    width: int,
    depth: int,
    outputs: int,
    inputs: Array,
    task_id: Array,
    embedding: Array | None = None,
    *,
    torso: str = MLP,
    dtype: Any = None,
) -> Float[Array, "*batch outputs"]:
    """Outputs of an architecture; its modules become those of the module that calls this.

    Args:
      architecture, num_tasks, width, depth, outputs: what it is.
      inputs, task_id: what it reads.
      embedding: of the task, read in the place of the id; of plain architectures.
      torso: "mlp" or "residual"; of plain architectures.
      dtype: of products, see `Torso`.
    """
    if architecture == PACO:
        return Paco(num_tasks, width, depth, outputs)(inputs, task_id)
    if torso == RESIDUAL:
        features = ResidualTorso(num_tasks, width, depth, dtype)(inputs, task_id, embedding)
    elif embedding is not None:
        features = Torso(num_tasks, width, depth, dtype=dtype)(inputs, task_id, embedding)
    else:
        features = task_features(architecture, num_tasks, width, depth, inputs, task_id, has_layer_norm=False, dtype=dtype)
    return Heads(num_tasks if ARCHITECTURES[architecture].has_heads else 1, outputs, dtype)(features, task_id)


class TaskNetwork(nn.Module):
    """A network of an architecture, from inputs with the task's id behind them to outputs: for PPO's policy."""

    architecture: str
    num_tasks: int
    width: int
    depth: int
    outputs: int
    dtype: Any = None  # see `task_outputs`

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], *, by_task: bool = False) -> Float[Array, "*batch outputs"]:
        """Outputs (…, outputs); for `by_task` see `split_task`."""
        obs, task_id = split_task(inputs, self.num_tasks, by_task)
        size = self.num_tasks, self.width, self.depth, self.outputs
        return task_outputs(self.architecture, *size, obs, task_id, dtype=self.dtype)


class TaskValues(nn.Module):
    """A torso of an architecture with one plain last layer, whose outputs may be rescaled: for PPO's critic."""

    architecture: str
    num_tasks: int
    width: int
    depth: int
    outputs: int
    has_layer_norm: bool = False
    dtype: Any = None  # see `task_outputs`

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], *, by_task: bool = False) -> Float[Array, "*batch outputs"]:
        """Values (…, outputs); for `by_task` see `split_task`."""
        obs, task_id = split_task(inputs, self.num_tasks, by_task)
        size = self.num_tasks, self.width, self.depth
        features = task_features(self.architecture, *size, obs, task_id, has_layer_norm=self.has_layer_norm, dtype=self.dtype)
        return nn.Dense(self.outputs, kernel_init=nn.initializers.orthogonal(1.0), name=self.last_layer)(features)

    @property
    def last_layer(self) -> str:
        """Name of the last layer among the parameters."""
        return "Head"


def split_task(
    inputs: Float[Array, "*batch inputs"], num_tasks: int, by_task: bool = False
) -> tuple[Float[Array, "*batch obs"], Float[Array, "*ids task"]]:
    """Observation and id, which of a single task is not among the inputs.

    With `by_task` all rows of the second to last axis are of one task and share its id (…, 1, task): what networks make of the id alone,
    mixed parameters for example, they then make once for all of these rows.
    """
    if num_tasks == 1:
        return inputs, jnp.ones((*inputs.shape[:-1], 1), inputs.dtype)
    ids = inputs[..., -num_tasks:]
    return inputs[..., :-num_tasks], ids[..., :1, :] if by_task else ids
