"""Beginnings of episodes, a row each: what a world is set to when an episode starts in it. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.layout import GOAL
from metaworld_py.engine.resets import beginning
from metaworld_py.engine.reward_compiler import flat_numbers
from metaworld_py.gpu.fitting import STATE, Fitted, TaskFit
from metaworld_py.gpu.mechanism import Mechanism
from metaworld_py.instances.task import Task

MODEL_FIELDS = ("body_pos", "body_quat", "site_pos", "site_quat")  # that differ between instances; geoms follow
DATA_FIELDS = ("geom_xpos", "geom_xmat", *STATE)


class Bank(NamedTuple):
    """Beginnings of episodes of several tasks of one mechanism, task by task.

    Attributes:
      first_row, num_rows: (n_tasks,), rows of each task.
      model, data: (n_rows, …) by name of the field.
      starts: (n_rows, n_constants), the episodes' constants, flat and padded with zeros.
      observations: (n_rows, 39), zeros in the goal slots where the goal is hidden.
      worlds: for each task a world, for the fields that instances do not decide.
      start_tuples: for each task a start tuple, for its structure.
    """

    first_row: NDArray[np.int32]
    num_rows: NDArray[np.int32]
    model: Mapping[str, NDArray[np.float32]]
    data: Mapping[str, NDArray[np.float32]]
    starts: NDArray[np.float64]
    observations: NDArray[np.float32]
    worlds: tuple[Fitted, ...]
    start_tuples: tuple[Any, ...]


def make_bank(fits: Sequence[TaskFit], instances: Sequence[Sequence[Task]]) -> Bank:
    """The beginnings of each task's instances.

    Args:
      fits: of a mechanism to each of the tasks.
      instances: of each of the tasks.
    """
    mechanism = fits[0].mechanism
    worlds, starts, observations, examples, start_tuples = [], [], [], [], []
    for fit, tasks in zip(fits, instances, strict=True):
        for index, instance in enumerate(tasks):
            begun = beginning(fit.task, instance.rand_vec)
            worlds.append(fit.at(begun))
            starts.append(flat_numbers(begun.start))
            observation = begun.observation.astype(np.float32)
            if instance.partially_observable:
                observation[GOAL] = 0.0
            observations.append(observation)
            if index == 0:
                examples.append(worlds[-1])
                start_tuples.append(begun.start)
    count = np.array([len(tasks) for tasks in instances], dtype=np.int32)
    padded = np.zeros((len(starts), max(map(len, starts))))
    for row, numbers in zip(padded, starts, strict=True):
        row[: len(numbers)] = numbers
    geoms = _still_geoms(mechanism, worlds)
    return Bank(
        first_row=(np.cumsum(count) - count).astype(np.int32),
        num_rows=count,
        model={name: np.stack([world.fields[name] for world in worlds]).astype(np.float32) for name in MODEL_FIELDS},
        data=geoms | {name: np.stack([world.state[name] for world in worlds]).astype(np.float32) for name in STATE},
        starts=padded,
        observations=np.stack(observations),
        worlds=tuple(examples),
        start_tuples=tuple(start_tuples),
    )


def _still_geoms(mechanism: Mechanism, worlds: Sequence[Fitted]) -> dict[str, NDArray[np.float32]]:
    """World poses of all geoms. Only those that stand still matter: MuJoCo Warp computes theirs once, for the model as it was made."""
    model = mechanism.model
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    still = model.geom_bodyid == 0
    if (model.body_weldid[model.geom_bodyid[~still]] == 0).any():
        raise AssertionError("fusing must leave every geom that stands still on the world")
    positions = np.repeat(data.geom_xpos[None].astype(np.float32), len(worlds), axis=0)
    matrices = np.repeat(data.geom_xmat[None].astype(np.float32), len(worlds), axis=0)
    matrix = np.zeros(9)
    for world, fitted in enumerate(worlds):
        positions[world, still] = fitted.fields["geom_pos"][still]
        for geom in np.flatnonzero(still):
            mujoco.mju_quat2Mat(matrix, fitted.fields["geom_quat"][geom])
            matrices[world, geom] = matrix
    return {"geom_xpos": positions, "geom_xmat": matrices}
