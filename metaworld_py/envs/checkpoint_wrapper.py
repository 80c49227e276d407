"""Checkpoints of single environments with all wrappers between, and the generators of their spaces."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Space
from gymnasium.utils import RecordConstructorArgs

from metaworld_py.envs.checkpoints import from_plain, to_plain
from metaworld_py.envs.env import MetaWorldEnv
from metaworld_py.envs.states import EnvState, Layers

Env = gymnasium.Env[Any, Any]

# What a wrapper has besides its state: what it wraps, how it was made, and what follows from both.
_NO_STATE = ("env", "env_id", "_made_spec", "_saved_kwargs", "_cached_spec", "_metadata", "_action_space", "_observation_space")


class CheckpointWrapper(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Saves and restores the environment inside, in the middle of an episode, and all wrappers between: same future to the last bit.

    Put it outermost. Give each environment its own id: a vector environment's checkpoints are a list of pairs, and each environment
    finds its own in it. Environments of every Gymnasium id have these methods already.

    Args:
      env: a `MetaWorldEnv`, possibly wrapped.
      env_id: names this environment in lists of checkpoints.

    Raises:
      TypeError: not a `MetaWorldEnv`.
    """

    def __init__(self, env: Env, env_id: str) -> None:
        RecordConstructorArgs.__init__(self, env_id=env_id)
        super().__init__(env)
        self.env_id = env_id
        meta_world_env(self).keep_layers_of(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """What unpickling and copying do."""
        vars(self).update(state)
        meta_world_env(self).keep_layers_of(self)

    def get_layers(self) -> Layers:
        """State of each wrapper between this one and the environment.

        Raises:
          TypeError: a wrapper's state cannot be copied; says which.
        """
        return tuple((layer.class_name(), _wrapper_state(layer)) for layer in _layers(self.env))

    def set_layers(self, layers: Layers) -> bool:
        """Let the wrappers between go on from a state of `get_layers`; False, and nothing changed, where they are others."""
        own = list(_layers(self.env))
        if [layer.class_name() for layer in own] != [name for name, _ in layers]:
            return False
        for layer, (_, attributes) in zip(own, layers, strict=True):
            now = vars(layer)
            now.update({name: from_plain(value, now.get(name)) for name, value in attributes.items()})
        return True

    def get_checkpoint(self) -> tuple[str, dict[str, Any]]:
        """The id and state of this environment: physics, instances, wrappers, generators. A plain value, for JSON as well.

        Raises:
          TypeError: a wrapper's state cannot be copied; says which.
        """
        return self.env_id, checkpoint_of(self)

    def load_checkpoint(self, checkpoints: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Go on from this environment's checkpoint among those given.

        Raises:
          ValueError: none or several under this environment's id, one of another task, or one of other wrappers; nothing was changed.
        """
        load_checkpoint_of(self, own_checkpoint(self.env_id, checkpoints), self.env_id)


def own_checkpoint(env_id: str, checkpoints: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The checkpoint under an environment's id.

    Raises:
      ValueError: none or several.
    """
    found = [state for name, state in checkpoints if name == env_id]
    if len(found) != 1:
        ids = [name for name, _ in checkpoints]
        problem = "is missing from" if not found else f"stands {len(found)} times in"
        raise ValueError(
            f"{env_id!r} {problem} the checkpoints {ids}: each environment needs an id and a checkpoint of its own. "
            "Environments of one vectorization_mode share an id; make them by vector_strategy='sync' or 'async'"
        )
    return found[0]


def checkpoint_of(outermost: CheckpointWrapper) -> dict[str, Any]:
    """State of everything inside a wrapper, and of the generators of its spaces, as a plain value."""
    state = replace(meta_world_env(outermost).get_state(), layers=outermost.get_layers())
    return {"env": state.to_plain(), "rng": to_plain(get_env_rng_checkpoint(outermost))}


def load_checkpoint_of(outermost: CheckpointWrapper, checkpoint: dict[str, Any], env_id: str) -> None:
    """Go on from what `checkpoint_of` saved.

    Raises:
      ValueError: of another task, other wrappers or a native vector environment; nothing was changed.
    """
    if set(checkpoint) != {"env", "rng"}:
        raise ValueError(f"the checkpoint of {env_id!r} is of a native vector environment, this is a single, sync or async one")
    names, state = [layer.class_name() for layer in _layers(outermost.env)], EnvState.from_plain(checkpoint["env"])
    saved = [name for name, _ in state.layers]
    if names != saved:
        raise ValueError(f"the checkpoint of {env_id!r} was made inside the wrappers {saved}, this environment has {names}")
    generators = from_plain(checkpoint["rng"])
    meta_world_env(outermost).set_state(replace(state, layers=()))
    outermost.set_layers(state.layers)
    set_env_rng(outermost, generators)


def get_env_rng_checkpoint(env: Env) -> dict[str, dict[str, Any]]:
    """States of the generators of an environment and its spaces."""
    return {name: copy.deepcopy(dict(rng.bit_generator.state)) for name, rng in _generators(env).items()}


def set_env_rng(env: Env, state: dict[str, dict[str, Any]]) -> None:
    """Set the generators of an environment and its spaces to a state of `get_env_rng_checkpoint`.

    Raises:
      ValueError: states of other generators.
    """
    generators = _generators(env)
    if set(state) != set(generators):
        raise ValueError(f"the state must have {sorted(generators)}, got {sorted(state)}")
    for name, rng in generators.items():
        rng.bit_generator.state = state[name]


def _generators(env: Env) -> dict[str, np.random.Generator]:
    return {
        "np_random_state": env.np_random,
        "action_space_rng_state": env.action_space.np_random,
        "obs_space_rng_state": env.observation_space.np_random,
    }


def _layers(env: Env) -> Iterator[gymnasium.Wrapper[Any, Any, Any, Any]]:
    """The wrappers around an environment, outermost first."""
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env


def _wrapper_state(wrapper: gymnasium.Wrapper[Any, Any, Any, Any]) -> dict[str, Any]:
    """A wrapper's attributes as plain values, Gymnasium's own wrappers included, without what it wraps, functions and spaces.

    Wrappers declare no state, so all attributes are taken: what never changes does no harm, what is left out would be lost in silence.
    """
    state = {}
    for name, value in vars(wrapper).items():
        if name in _NO_STATE or callable(value) or isinstance(value, (Space, gymnasium.Env)):
            continue
        try:
            state[name] = to_plain(value)
        except Exception as error:  # whatever a foreign object raises
            problem = f"{name} of the wrapper {wrapper.class_name()} cannot be copied ({error})"
            raise TypeError(f"{problem}: put CheckpointWrapper inside of that wrapper") from error
    return state


def meta_world_env(env: Env) -> MetaWorldEnv:
    """The environment inside of all wrappers.

    Raises:
      TypeError: not a `MetaWorldEnv`.
    """
    inner = env.unwrapped
    if not isinstance(inner, MetaWorldEnv):
        raise TypeError(f"{type(env).__name__} wraps Meta-World environments only, got {inner!r}")
    return inner
