"""On-policy experience from the GPU engine: what `on_policy` collects, by worlds on a device, whose arrays never leave it.

The worlds' arrays are read in place (DLPack) and overwritten by the worlds' next step: what is kept is copied, on the device.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.off_policy import Chunk
from metaworld_baselines.experience.on_policy import REWARD_SCALE, Act, Rollout
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE, make_gpu

EPISODE_ENDED = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0], np.float32)  # instead of the last step, see `Rollout.previous`


def check_device(device: str) -> None:
    """Refuse worlds on another device than JAX's: their rollouts would travel.

    Raises:
      ValueError: says which device JAX has, and what to do.
    """
    learner = jax.devices()[0]
    own = f"cuda:{learner.local_hardware_id}" if learner.platform == "gpu" else learner.platform
    if device == own:
        return
    hint = "pip install 'jax[cuda12]' where there is a card" if device != "cpu" and own == "cpu" else f"take {own!r}"
    if device == "cpu":
        hint += ", or set JAX_PLATFORMS=cpu"
    raise ValueError(f"the GPU engine is to run on {device!r}, but JAX learns on {own!r}, and rollouts are to stay where they are: {hint}")


def make_worlds(names: Sequence[str], seed: int, worlds_per_task: int, *, device: str, max_episode_steps: int, reward_version: str) -> Any:
    """The training environments of `off_policy.make_envs`, on the GPU engine: the same instances, a task's worlds in a row.

    Raises:
      ImportError: the extra `gpu` is missing.
      RuntimeError, ValueError: no such device, or not JAX's.
    """
    check_device(device)
    return make_gpu(
        list(names),
        worlds_per_task * len(names),
        seed=seed,
        device=device,
        goal_visible=True,
        max_episode_steps=max_episode_steps,
        reward_function_version=reward_version,
    )


class Stepped(NamedTuple):
    """What a step of the worlds handed out: their own arrays, as JAX sees them until the next step."""

    obs: Float[Array, "env obs"]
    reward: Float[Array, " env"]
    is_end: Bool[Array, " env"]
    final_obs: Float[Array, "env obs"]  # these three where an episode ended
    episode_return: Float[Array, " env"]
    episode_success: Bool[Array, " env"]  # at any step


class Now(NamedTuple):
    """What is known before a step; see `Rollout`."""

    obs: Float[Array, "env obs"]
    previous: Float[Array, "env 6"]
    time: Float[Array, " env"]


class Kept(NamedTuple):
    """A stretch of steps (env, step, …), written step by step."""

    rollout: Rollout
    episode_return: Float[Array, "env step"]
    episode_success: Bool[Array, "env step"]


@partial(jax.jit, static_argnums=(0, 1))
def nothing_kept(num_envs: int, steps: int) -> Kept:
    """Room for so many steps."""

    def room(*shape: int, dtype: Any = jnp.float32) -> Array:
        return jnp.zeros((num_envs, steps, *shape), dtype)

    obs, next_obs = room(OBSERVATION_SIZE), room(OBSERVATION_SIZE)
    rollout = Rollout(obs, room(len(EPISODE_ENDED)), room(ACTION_SIZE), room(), room(), next_obs, room(dtype=jnp.bool_), room())
    return Kept(rollout, room(), room(dtype=jnp.bool_))


@jax.jit
def at_start(obs: Float[Array, "env obs"]) -> Now:
    """Nothing has come before these observations, which are copied."""
    return Now(jnp.array(obs, copy=True), jnp.zeros((len(obs), len(EPISODE_ENDED))), jnp.zeros(len(obs)))


@partial(jax.jit, donate_argnums=0)
def keep(
    kept: Kept, step: int | Array, now: Now, action: Float[Array, "env action"], log_prob: Float[Array, " env"], stepped: Stepped
) -> tuple[Kept, Now]:
    """With a step written in, and what is known before the next one."""
    over = stepped.is_end
    next_obs = jnp.where(over[:, None], stepped.final_obs, stepped.obs)
    row = Rollout(now.obs, now.previous, action, log_prob, stepped.reward, next_obs, over, now.time)
    rows = Kept(row, stepped.episode_return, stepped.episode_success)
    kept = jax.tree.map(lambda all_steps, one: jax.lax.dynamic_update_index_in_dim(all_steps, one, step, axis=1), kept, rows)
    went = jnp.column_stack([within_bounds(action), stepped.reward / REWARD_SCALE, jnp.zeros(len(over))])
    previous = jnp.where(over[:, None], EPISODE_ENDED, went)
    return kept, Now(jnp.array(stepped.obs, copy=True), previous, jnp.where(over, 0.0, now.time + 1.0))


@jax.jit
def within_bounds(action: Float[Array, "env action"]) -> Float[Array, "env action"]:
    """The action as environments take it."""
    return jnp.clip(action, -1.0, 1.0)


class DeviceCollector:
    """Steps worlds of the GPU engine with one policy for a while: an `OnPolicyCollector` whose experience stays on the device.

    Args:
      worlds: made by `make_worlds`, or what hands out arrays as they do.
      act: random actions of a policy.
      seed: of the actions, and of the instances that are drawn.
      elapsed_steps: by which first episodes are shorter (env,), also those after a pause; None: none is.
    """

    def __init__(self, worlds: Any, act: Act, *, seed: int, elapsed_steps: NDArray[np.int_] | None = None) -> None:
        self.worlds, self._act, self._seed, self._elapsed_steps = worlds, act, seed, elapsed_steps
        self._start(0)

    def _start(self, vector_steps: int) -> None:
        """Begin an episode in every world; the seed and how many steps came before decide which."""
        self._vector_steps = vector_steps
        drawn = int(np.random.SeedSequence([self._seed, vector_steps]).generate_state(1)[0])
        options = {} if self._elapsed_steps is None else {"elapsed_steps": self._elapsed_steps}
        self._now = at_start(jax.dlpack.from_dlpack(self.worlds.reset(seed=drawn, options=options)[0]))

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong in the worlds so far; see `GpuVectorEnv.counters`."""
        return self.worlds.counters

    def collect(self, policy: Any, steps: int, first_step: int) -> tuple[Rollout, Chunk, list[Any]]:
        """Experience of some steps; see `OnPolicyCollector.collect`."""
        began = time.perf_counter()
        kept, noise = nothing_kept(self.worlds.num_envs, steps), None
        for step in range(steps):
            at = np.array([self._seed, first_step + step])
            action, log_prob, noise = self._act(policy, noise, self._now.obs, self._now.previous, at)
            kept, self._now = keep(kept, step, self._now, action, log_prob, self._step(action))
        self._vector_steps = first_step + steps
        over, returns, successes = (np.asarray(one).T for one in (kept.rollout.is_end, kept.episode_return, kept.episode_success))
        chunk = Chunk(None, tuple(returns[over].tolist()), tuple(successes[over].tolist()), time.perf_counter() - began)
        return kept.rollout, chunk, []

    def _step(self, action: Float[Array, "env action"]) -> Stepped:
        # The action came after the copies of the last step's arrays: once it is there, the worlds may overwrite them.
        obs, reward, _, _, infos = self.worlds.step(jax.block_until_ready(within_bounds(action)))
        ended = infos["episode"]
        arrays = (obs, reward, infos["_final_obs"], infos["final_obs"], ended["r"], ended["any_success"])
        return Stepped(*map(jax.dlpack.from_dlpack, arrays))

    def get_state(self) -> str:
        """How many steps were taken, as JSON: the engine has no states to save."""
        return json.dumps({"vector_steps": self._vector_steps})

    def set_state(self, state: str) -> None:
        """Go on with the step where `get_state` was called, but with new episodes; the same ones each time.

        Raises:
          ValueError: a state of environments on the processor.
        """
        plain = json.loads(state)
        if plain.keys() != {"vector_steps"}:
            raise ValueError("this run was made with environments on the processor: go on without the GPU engine, or begin another run")
        self._start(plain["vector_steps"])

    def close(self) -> None:
        """End the worlds."""
        self.worlds.close()
