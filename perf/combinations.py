"""What each entry of baselines/combinations.toml costs: processor time of an update, steps/s of training, memory, parameters.

    taskset -c 0 python perf/combinations.py

All take turns. Milliseconds of the processor are of updates on noise; steps/s are of iterations, updates and steps in the environments;
both are medians over rounds. Memory is what the compiled updates of an iteration need beside their inputs. The result stands in
baselines/results/combinations/costs.json, which the table of docs/gradients.md reads.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from statistics import median

import jax
from precision import noise_rollout, processor_seconds

from metaworld_baselines.algorithms import ppo
from metaworld_baselines.algorithms.ppo_config import PpoConfig
from metaworld_baselines.networks.multi_head import num_params
from metaworld_baselines.publishing.combinations_page import COSTS, FOLDER
from metaworld_baselines.sweep import read_sweep
from metaworld_py.files import write_json

SWEEP = Path("baselines/combinations.toml")
MIB = 2**20


class Iteration:
    """An iteration of training: steps in the environments, and the compiled updates, on noise."""

    def __init__(self, config: PpoConfig) -> None:
        learner = ppo.make_learner(config)
        self.config = config
        self._inputs = ppo.init(learner, 0), noise_rollout(config), jax.random.PRNGKey(0), 1
        self._compiled = jax.jit(partial(ppo.learn, learner)).lower(*self._inputs).compile()
        self._actor = ppo.acting(learner, self._inputs[0])
        self._collector = ppo.make_collector(config, ppo.make_act(learner), seed=0)
        self.parameters = num_params((self._inputs[0].policy, self._inputs[0].value))
        self.memory_mib = self._compiled.memory_analysis().temp_size_in_bytes / MIB

    def learn(self) -> object:
        """What the updates leave."""
        return self._compiled(*self._inputs)

    def collect(self) -> object:
        """What the steps gave."""
        return self._collector.collect(self._actor, self.config.rollout_steps, 0)[0]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    configs = {run.place.name: run.config for run in read_sweep(SWEEP, Path("runs/combinations"))}
    iterations = {name: Iteration(config) for name, config in configs.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in iterations}  # of learning and collecting
    for turn in range(1 + rounds):
        for name, iteration in iterations.items():
            spent = processor_seconds(iteration.learn), processor_seconds(iteration.collect)
            if turn:  # the first one compiles
                seconds[name].append(spent)
    costs = {}
    for name, iteration in iterations.items():
        learning, collecting = (median(part) for part in zip(*seconds[name], strict=True))
        costs[name] = {
            "update_ms": round(1e3 * learning / iteration.config.updates_per_iteration, 2),
            "steps_per_s": round(iteration.config.env_steps_per_iteration / (learning + collecting)),
            "memory_mib": round(iteration.memory_mib, 1),
            "parameters": iteration.parameters,
        }
    for name, cost in costs.items():
        print("{:34} {update_ms:7.1f} ms {steps_per_s:6,} steps/s {memory_mib:7.0f} MiB {parameters:9,} parameters".format(name, **cost))
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_json(FOLDER / COSTS, costs)


if __name__ == "__main__":
    main()
