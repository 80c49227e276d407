"""Which instance an environment plays next: a small state of its own, drawn from the generator that is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from metaworld_py.instances.task import Task, draw_rand_vec, warn_outside
from metaworld_py.tasks import find_task

RANDOM, PSEUDORANDOM = "random", "pseudorandom"
SELECTIONS = (RANDOM, PSEUDORANDOM)


class TaskSelector:
    """Chooses among instances of one task.

    Args:
      tasks: the instances, all of one task and all with hidden or all with visible goals.
      selection: "random" (independent draws) or "pseudorandom" (a shuffled cycle: each instance once before any comes again).
      sample_on_reset: whether each reset takes a new instance; else only `sample` does.

    Raises:
      ValueError: no instances, instances of several tasks, mixed goal visibility, an unknown selection.
    """

    def __init__(self, tasks: Sequence[Task], selection: str = RANDOM, *, sample_on_reset: bool = True) -> None:
        self.tasks = list(tasks)
        for task in self.tasks:
            if not isinstance(task, Task):
                raise ValueError(f"expected metaworld_py.Task values (e.g. from MT1('reach').train_tasks), got {task!r}")
        names = sorted({task.env_name for task in self.tasks})
        if len(names) != 1:
            raise ValueError(f"an environment plays instances of one task; got {names or 'none'}")
        if len({task.partially_observable for task in self.tasks}) != 1:
            raise ValueError("give instances all with hidden or all with visible goals, not both")
        if selection not in SELECTIONS:
            raise ValueError(f"task_select must be one of {SELECTIONS}, got {selection!r}")
        warn_outside(self.tasks)
        self.selection = selection
        self.sample_on_reset = sample_on_reset
        self._cycle: list[int] = []  # what is left of the shuffled cycle, next last
        self._current: Task | None = None

    @property
    def env_name(self) -> str:
        """The task, with version."""
        return self.tasks[0].env_name

    @property
    def is_goal_hidden(self) -> bool:
        """Whether the instances hide their goals."""
        return self.tasks[0].partially_observable

    def on_reset(self, rng: np.random.Generator) -> Task:
        """The instance of the episode that begins."""
        if self.sample_on_reset or self._current is None:
            return self.sample(rng)
        return self._current

    def sample(self, rng: np.random.Generator) -> Task:
        """Take another instance."""
        if self.selection == RANDOM:
            index = int(rng.integers(len(self.tasks)))
        else:
            if not self._cycle:
                self._cycle = rng.permutation(len(self.tasks)).tolist()
            index = self._cycle.pop()
        self._current = self.tasks[index]
        return self._current

    def restart(self) -> None:
        """Begin the choice anew, so that a seed alone decides it."""
        self._cycle = []
        if self.sample_on_reset:
            self._current = None

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the next instances, besides the generator."""
        return {"cycle": list(self._cycle), "current": self._current, "sample_on_reset": self.sample_on_reset}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state of `get_state`."""
        self._cycle = list(state["cycle"])
        self._current = state["current"]
        self.sample_on_reset = state["sample_on_reset"]


class FreshTasks:
    """Draws a new instance each time, from the task's whole box. Has the same methods as `TaskSelector`."""

    def __init__(self, env_name: str, *, is_goal_hidden: bool) -> None:
        self.env_name = find_task(env_name).id
        self.is_goal_hidden = is_goal_hidden
        self.sample_on_reset = True
        self._current: Task | None = None

    def on_reset(self, rng: np.random.Generator) -> Task:
        """The instance of the episode that begins."""
        if self.sample_on_reset or self._current is None:
            return self.sample(rng)
        return self._current

    def sample(self, rng: np.random.Generator) -> Task:
        """Draw another instance."""
        self._current = Task(self.env_name, draw_rand_vec(find_task(self.env_name), rng), self.is_goal_hidden)
        return self._current

    def restart(self) -> None:
        """No-op: every draw is independent of those before."""

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the next instances, besides the generator."""
        return {"current": self._current, "sample_on_reset": self.sample_on_reset}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state of `get_state`."""
        self._current = state["current"]
        self.sample_on_reset = state["sample_on_reset"]


Selector = TaskSelector | FreshTasks


def with_goal_hidden(selector: Selector, is_goal_hidden: bool) -> Selector:
    """The same choice of instances, in the same state, with hidden or visible goals."""
    state = selector.get_state()
    if state["current"] is not None:
        state["current"] = replace(state["current"], partially_observable=is_goal_hidden)
    changed: Selector = FreshTasks(selector.env_name, is_goal_hidden=is_goal_hidden)
    if isinstance(selector, TaskSelector):
        changed = TaskSelector([replace(task, partially_observable=is_goal_hidden) for task in selector.tasks], selector.selection)
    changed.set_state(state)
    return changed
