"""What an update costs when hidden products take bfloat16 inputs, beside float32: `--precision bfloat16` of PPO, RL² and the SAC family.

    taskset -c 0 python perf/precision.py --rounds 5

Seconds of the processor, medians over rounds in which both take turns, on noise of the published sizes. Which of them is quicker depends on
the processor: those with matrix units (Intel's AMX) multiply bfloat16 several times as fast, others need not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metaworld_baselines.algorithms import ppo, rl2, sac_learner, sac_update
from metaworld_baselines.algorithms.ppo_config import TUNED, PpoConfig
from metaworld_baselines.algorithms.recurrent_agent import RECURRENT_SIZE
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.algorithms.rl2_config import TUNED as RL2_TUNED
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.trials import Sequences
from metaworld_baselines.experience import replay
from metaworld_baselines.experience.on_policy import Rollout
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE

Call = Callable[[], Any]


def noise_rollout(config: PpoConfig) -> Rollout:
    """What an iteration would collect, of noise."""
    rng = np.random.default_rng(0)
    size = len(config.tasks) * config.envs_per_task, config.rollout_steps

    def noise(*shape: int) -> Any:
        return jnp.asarray(rng.normal(size=(*size, *shape)), jnp.float32)

    return Rollout(
        obs=noise(OBSERVATION_SIZE),
        previous=None,
        action=noise(ACTION_SIZE),
        log_prob=noise() - 4.0,
        reward=noise(),
        next_obs=noise(OBSERVATION_SIZE),
        is_end=jnp.zeros(size, bool),
        time=None,
    )


def ppo_iteration(config: PpoConfig) -> tuple[Call, int]:
    """All updates of an iteration on noise, and how many they are."""
    learner, rollout = ppo.make_learner(config), noise_rollout(config)
    agent, learn = ppo.init(learner, 0), jax.jit(partial(ppo.learn, learner))
    return lambda: learn(agent, rollout, jax.random.PRNGKey(0), 1), config.updates_per_iteration


def rl2_part(config: Rl2Config) -> tuple[Call, int]:
    """All updates after a part of each trial, on noise, and how many they are."""
    rng, learner = np.random.default_rng(0), rl2.make_learner(config)
    agent, learn = rl2.init(learner, 0), jax.jit(partial(rl2.learn, learner))

    def noise(*shape: int) -> Any:
        return jnp.asarray(rng.normal(size=(config.num_sequences, *shape)), jnp.float32)

    steps = config.sequence_steps
    told = noise(steps, agent.critic_scale.mean.size)
    sequences = Sequences(
        memory=noise(config.memory),
        inputs=noise(steps, RECURRENT_SIZE),
        action=noise(steps, ACTION_SIZE),
        log_prob=noise(steps) - 4.0,
        advantage=noise(steps),
        critic_inputs=told,
        target=noise(steps),
        offset=jnp.zeros((config.num_sequences, OBSERVATION_SIZE)),
    )
    return lambda: learn(agent, sequences, jax.random.PRNGKey(0), 0), config.epochs * config.minibatches


def sac_turn(config: SacConfig) -> tuple[Call, int]:
    """All updates of a turn on a small buffer of noise, and how many they are."""
    config = replace(config, buffer_per_task=2_000)
    learner = sac_learner.make_learner(config, 0)
    buffer = replay.empty(learner.num_tasks, config.capacity)
    rows = jax.random.normal(jax.random.PRNGKey(0), buffer.rows.shape)
    buffer = buffer._replace(rows=rows, num_rows=buffer.num_rows + config.capacity)
    learn, agent = sac_update.compiled_updates(learner), sac_learner.init(learner, 0)

    def call() -> Any:  # an agent's memory is given away to the next one's
        return learn(jax.tree.map(jnp.copy, agent), buffer, jax.random.PRNGKey(1), np.int32(0))

    return call, config.chunk_vector_steps


def processor_seconds(call: Call) -> float:
    """Of all threads, until the result is there."""
    began = time.process_time()
    jax.block_until_ready(call())
    return time.process_time() - began


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    pcgrad = replace(TUNED, actor_combination="pcgrad", critic_combination="pcgrad")
    cases: dict[str, tuple[Callable[[Any], tuple[Call, int]], Any]] = {
        "PPO on MT10, 2 × 256": (ppo_iteration, TUNED),
        "PPO on MT10, 2 × 256, PCGrad": (ppo_iteration, pcgrad),
        "PPO on MT10, 3 × 400": (ppo_iteration, replace(TUNED, width=400, depth=3)),
        "RL² on ML10, 2 × 256 and a GRU of 128": (rl2_part, replace(RL2_TUNED, benchmark="ML10")),
        "MTMH-SAC on MT10, 3 × 400": (sac_turn, find_algorithm("mtmh-sac").config),
        "PCGrad-SAC on MT10, 3 × 400": (sac_turn, find_algorithm("pcgrad-sac").config),
    }
    print("| update | float32, ms | bfloat16, ms | ratio |\n|---|---:|---:|---:|")
    for name, (make, config) in cases.items():
        (plain, updates), (quick, _) = (make(replace(config, precision=precision)) for precision in ("float32", "bfloat16"))
        for call in (plain, quick):  # compile
            jax.block_until_ready(call())
        seconds = np.array([[processor_seconds(call) for call in (plain, quick)] for _ in range(rounds)])
        one, other = 1e3 * np.median(seconds, axis=0) / updates
        print(f"| {name} | {one:.1f} | {other:.1f} | {np.median(seconds[:, 1] / seconds[:, 0]):.2f} |", flush=True)


if __name__ == "__main__":
    main()
