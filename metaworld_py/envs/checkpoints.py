"""States of environments and wrappers as plain JSON values, exact to the last bit.

Arrays travel as base64 of their bytes. Other objects travel as their attributes and are restored into the object that stands in their
place, so that reading a checkpoint never constructs what a file names.
"""

from __future__ import annotations

import base64
from collections import deque
from dataclasses import asdict
from typing import Any

import numpy as np

from metaworld_py.engine.episode import EpisodeState
from metaworld_py.engine.resets import beginning
from metaworld_py.instances.selection import FreshTasks, Selector, TaskSelector
from metaworld_py.instances.task import Task
from metaworld_py.tasks import find_task

_ARRAY, _TUPLE, _DEQUE, _FIELDS, _TASK, _GENERATOR, _PAIRS = "array", "tuple", "deque", "fields", "task", "generator", "pairs"
_KINDS_OF_NUMBERS = "biuf"  # of arrays: bool, integers, floats


def to_plain(value: Any) -> Any:  # noqa: PLR0911  # a kind of value per line
    """A value that `json.dumps` takes, from numbers, arrays, containers, instances, generators and objects made of them.

    Raises:
      TypeError: something that has no attributes to save.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS_OF_NUMBERS:
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {_ARRAY: data, "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, Task):
        return {_TASK: asdict(value)}
    if isinstance(value, np.random.Generator):
        return {_GENERATOR: to_plain(dict(value.bit_generator.state))}
    if isinstance(value, list):
        return [to_plain(one) for one in value]
    if isinstance(value, tuple):
        return {_TUPLE: [to_plain(one) for one in value]}
    if isinstance(value, deque):
        return {_DEQUE: [to_plain(one) for one in value], "maxlen": value.maxlen}
    if isinstance(value, dict):
        return {_PAIRS: [[to_plain(key), to_plain(one)] for key, one in value.items()]}
    if hasattr(value, "__dict__"):
        return {_FIELDS: {name: to_plain(one) for name, one in vars(value).items()}}
    raise TypeError(f"{type(value).__name__} has no attributes to save")


def from_plain(saved: Any, like: Any = None) -> Any:  # noqa: PLR0911
    """The value that `to_plain` saved.

    Args:
      saved: the plain value.
      like: what stands in its place now; objects are restored into it, named tuples take its type.

    Raises:
      ValueError: a value that `to_plain` does not make, or an object where there is none.
    """
    if isinstance(saved, list):
        return [from_plain(one, inner) for one, inner in zip(saved, _inner(like, len(saved)), strict=True)]
    if not isinstance(saved, dict):
        return saved
    if _ARRAY in saved:
        return _array(saved)
    if _TASK in saved:
        fields = saved[_TASK]
        return Task(fields["env_name"], tuple(fields["rand_vec"]), bool(fields["partially_observable"]))
    if _PAIRS in saved:
        inside = like if isinstance(like, dict) else {}
        return {from_plain(key): from_plain(one, inside.get(from_plain(key))) for key, one in saved[_PAIRS]}
    if _TUPLE in saved:
        items = from_plain(saved[_TUPLE], like)
        return type(like)(*items) if isinstance(like, tuple) and hasattr(like, "_fields") else tuple(items)
    if _DEQUE in saved:
        return deque(from_plain(saved[_DEQUE], like), maxlen=saved["maxlen"])
    if _GENERATOR in saved and isinstance(like, np.random.Generator):
        like.bit_generator.state = from_plain(saved[_GENERATOR])
        return like
    if _FIELDS in saved and hasattr(like, "__dict__"):
        now = vars(like)
        now.update({name: from_plain(one, now.get(name)) for name, one in saved[_FIELDS].items()})
        return like
    raise ValueError(f"the checkpoint holds something that this environment has no place for: {sorted(saved)}")


def _inner(like: Any, size: int) -> list[Any]:
    return list(like) if isinstance(like, (list, tuple, deque)) and len(like) == size else [None] * size


def _array(saved: dict[str, Any]) -> np.ndarray[Any, Any]:
    dtype = np.dtype(saved["dtype"])
    if dtype.kind not in _KINDS_OF_NUMBERS:
        raise ValueError(f"arrays of checkpoints hold numbers, got dtype {saved['dtype']!r}")
    array: np.ndarray[Any, Any] = np.frombuffer(base64.b64decode(saved[_ARRAY]), dtype=dtype).reshape(saved["shape"]).copy()
    return array


def episode_to_plain(state: EpisodeState | None) -> Any:
    """A running episode as a plain value."""
    return None if state is None else {name: to_plain(value) for name, value in vars(state).items()}


def episode_from_plain(saved: Any) -> EpisodeState | None:
    """The episode that `episode_to_plain` saved; its constants are read into those that the instance begins with."""
    if saved is None:
        return None
    rand_vec = tuple(from_plain(saved["rand_vec"]))
    first = beginning(find_task(saved["task"]), rand_vec).start
    values = {name: from_plain(value, first if name == "start" else None) for name, value in saved.items()}
    return EpisodeState(**{**values, "rand_vec": rand_vec})


def selector_to_plain(selector: Selector | None, state: dict[str, Any] | None) -> Any:
    """A choice of instances with its state as a plain value."""
    if selector is None:
        return None
    plain = {"env_name": selector.env_name, "is_goal_hidden": selector.is_goal_hidden, "state": to_plain(state)}
    if isinstance(selector, TaskSelector):
        plain |= {"selection": selector.selection, "rand_vecs": [list(task.rand_vec) for task in selector.tasks]}
    return plain


def selector_from_plain(saved: Any) -> tuple[Selector | None, dict[str, Any] | None]:
    """The choice of instances and the state that `selector_to_plain` saved."""
    if saved is None:
        return None, None
    name, is_goal_hidden = saved["env_name"], saved["is_goal_hidden"]
    selector: Selector = FreshTasks(name, is_goal_hidden=is_goal_hidden)
    if "rand_vecs" in saved:
        selector = TaskSelector([Task(name, tuple(rand_vec), is_goal_hidden) for rand_vec in saved["rand_vecs"]], saved["selection"])
    return selector, from_plain(saved["state"])
