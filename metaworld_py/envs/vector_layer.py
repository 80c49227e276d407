"""What our wrappers of the native vector environment have in common."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium.vector import VectorWrapper
from gymnasium.vector.utils import batch_space

from metaworld_py.envs.checkpoints import from_plain, to_plain


class VectorLayer(VectorWrapper):
    """A wrapper of ours around the native vector environment: what code calls on Gymnasium's own vector environments passes through.

    Attributes:
      carried: names of the attributes that a layer carries from step to step: arrays, objects or dictionaries of arrays, a row each
        per environment.
    """

    env: Any
    carried: ClassVar[tuple[str, ...]] = ()
    _spaces: tuple[Any, Any, Any] = (None, None, None)  # that of one environment inside, and what follows from it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "env":
            raise AttributeError(name)
        return getattr(self.env, name)

    def __setattr__(self, name: str, value: Any) -> None:
        is_own = "env" not in vars(self) or (hasattr(type(self), name) and name != "render_mode")
        if not is_own and hasattr(getattr(type(self.unwrapped), name, None), "__set__"):  # an option or property of what is wrapped
            setattr(self.unwrapped, name, value)
        else:
            super().__setattr__(name, value)

    def _observed(self, inside: Any) -> Any:
        """The space of one environment's observations, from that inside."""
        raise NotImplementedError

    def _current_spaces(self) -> tuple[Any, Any, Any]:
        """The spaces; goals that are shown or hidden later change them."""
        inside = self.env.single_observation_space
        if inside is not self._spaces[0]:
            space = self._observed(inside)
            self._spaces = (inside, space, batch_space(space, self.num_envs))
        return self._spaces

    @property  # type: ignore[misc]
    def single_observation_space(self) -> Any:  # type: ignore[override]  # a property that can be set, too
        """The space of one environment's observations."""
        return self._current_spaces()[1]

    @property  # type: ignore[misc]
    def observation_space(self) -> Any:  # type: ignore[override]
        """The space of all environments' observations."""
        return self._current_spaces()[2]

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """See `MetaWorldVectorEnv.call`. The space of observations is that of this layer."""
        if name == "observation_space":
            return (self.single_observation_space,) * self.num_envs
        if name == "get_checkpoint":
            return tuple(self.get_checkpoint())
        if name == "load_checkpoint":
            self.load_checkpoint(*args, **kwargs)
            return (None,) * self.num_envs
        answer: tuple[Any, ...] = self.env.call(name, *args, **kwargs)
        return answer

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """See `MetaWorldVectorEnv.get_attr`."""
        answer: tuple[Any, ...] = self.call(name) if name == "observation_space" else self.env.get_attr(name)
        return answer

    def set_attr(self, name: str, values: Any) -> None:
        """See `MetaWorldVectorEnv.set_attr`."""
        self.env.set_attr(name, values)

    def get_checkpoint(self) -> list[tuple[str, dict[str, Any]]]:
        """Each environment's id and state, with what this layer carries for it."""
        inside: list[tuple[str, dict[str, Any]]] = self.env.get_checkpoint()
        rows = [to_plain({name: _row(getattr(self, name), env) for name in self.carried}) for env in range(self.num_envs)]
        return [(name, {**state, "layers": [*state.get("layers", ()), rows[env]]}) for env, (name, state) in enumerate(inside)]

    def load_checkpoint(self, checkpoints: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Go on from each environment's checkpoint among those given; see `MetaWorldVectorEnv.load_checkpoint`.

        Raises:
          ValueError: one is missing, or was made with other keywords; nothing was changed.
        """
        by_name = dict(checkpoints)
        inner, rows = [], []
        for name, state in checkpoints:
            *layers, own = state.get("layers") or [None]
            if own is None:
                raise ValueError(f"the checkpoint of {name!r} was made with other keywords: {type(self).__name__} has no state in it")
            inner.append((name, {**state, "layers": layers}))
        ids = [name for name, _ in self.env.get_checkpoint()]
        if set(ids) <= set(by_name):
            rows = [from_plain(by_name[name]["layers"][-1]) for name in ids]
            if any(set(row) != set(self.carried) for row in rows):
                raise ValueError(f"the checkpoints were made with other keywords: {type(self).__name__} carries {list(self.carried)}")
        self.env.load_checkpoint(inner)
        for name in self.carried:
            setattr(self, name, _with_rows(getattr(self, name), [row[name] for row in rows]))


def _row(carried: Any, env: int) -> Any:
    """One environment's row of arrays, or of the arrays in a dictionary or an object with `get_state`."""
    if isinstance(carried, np.ndarray):
        return carried[env]
    if hasattr(carried, "get_state"):
        carried = carried.get_state()
    return None if carried is None else {key: _row(value, env) for key, value in carried.items()}


def _with_rows(carried: Any, rows: list[Any]) -> Any:
    """What stands where rows of all environments are put together again."""
    if rows[0] is None:
        return carried if hasattr(carried, "set_state") else None
    if not isinstance(rows[0], dict):
        return np.stack(rows)
    stacked = {key: _with_rows(None, [row[key] for row in rows]) for key in rows[0]}
    if hasattr(carried, "set_state"):
        carried = copy.copy(carried)
        carried.set_state(stacked)
        return carried
    return stacked
