"""What an update of each entry of baselines/combinations.toml costs: processor time, memory, parameters.

    taskset -c 0 python perf/combinations.py

All take turns on noise; milliseconds of the processor are medians over rounds, memory is what the compiled updates of an iteration need
beside their inputs. The result stands in baselines/results/combinations/costs.json, which the table of docs/gradients.md reads.
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
    """The compiled updates of an iteration, on noise."""

    def __init__(self, config: PpoConfig) -> None:
        learner = ppo.make_learner(config)
        self.updates = config.updates_per_iteration
        self._inputs = ppo.init(learner, 0), noise_rollout(config), jax.random.PRNGKey(0), 1
        self._compiled = jax.jit(partial(ppo.learn, learner)).lower(*self._inputs).compile()
        self.parameters = num_params((self._inputs[0].policy, self._inputs[0].value))
        self.memory_mib = self._compiled.memory_analysis().temp_size_in_bytes / MIB

    def __call__(self) -> object:
        """What the updates leave."""
        return self._compiled(*self._inputs)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    configs = {run.place.name: run.config for run in read_sweep(SWEEP, Path("runs/combinations"))}
    iterations = {name: Iteration(config) for name, config in configs.items()}
    for iteration in iterations.values():
        iteration()
    seconds: dict[str, list[float]] = {name: [] for name in iterations}
    for _ in range(rounds):
        for name, iteration in iterations.items():
            seconds[name].append(processor_seconds(iteration))
    costs = {
        name: {
            "update_ms": round(1e3 * median(seconds[name]) / iteration.updates, 2),
            "memory_mib": round(iteration.memory_mib, 1),
            "parameters": iteration.parameters,
        }
        for name, iteration in iterations.items()
    }
    for name, cost in costs.items():
        print(f"{name:34} {cost['update_ms']:7.1f} ms {cost['memory_mib']:7.0f} MiB {cost['parameters']:9,} parameters")
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_json(FOLDER / COSTS, costs)


if __name__ == "__main__":
    main()
