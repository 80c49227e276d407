"""What copies and pickles of an environment take along besides its options and its state."""

from __future__ import annotations

import copy
from typing import Any

# Of our own attributes: they have generators, or tell of one.
_WITH_GENERATORS = (
    "action_space",
    "observation_space",
    "single_action_space",
    "single_observation_space",
    "_np_random_seed",
    "_rng_seeds",
)


def taken_along(env: Any, own: frozenset[str]) -> dict[str, Any]:
    """Attributes by name: the spaces with their generators, and whatever others have put on the environment.

    Args:
      env: the environment.
      own: names of the attributes that every environment of its kind has.
    """
    attributes = vars(env)
    spaces = {name: copy.deepcopy(attributes[name]) for name in _WITH_GENERATORS if name in attributes}
    return spaces | {name: value for name, value in attributes.items() if name not in own}


def deep_copy(env: Any, memo: dict[int, Any]) -> Any:
    """A copy of an environment by its `__reduce__`; what that makes it of is copied there."""
    rebuild, arguments, attributes = env.__reduce__()
    copied = rebuild(*arguments)
    memo[id(env)] = copied  # what others have put on it may lead back to it
    vars(copied).update(copy.deepcopy(attributes, memo))
    return copied
