"""The algorithms by their names on the command line and in files: ours, and those that other packages bring along.

A package of yours names its algorithms in its pyproject.toml; then `train`, `evaluate --agent baselines:PATH`, `table` and `publish` know
them (examples/own_algorithm.py):

    [project.entry-points."metaworld_baselines.algorithms"]
    random-search = "my_package:RANDOM_SEARCH"
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from metaworld_baselines.algorithms import maml_trpo, ppo, rl2, sac
from metaworld_baselines.algorithms.maml_trpo import MamlConfig
from metaworld_baselines.algorithms.ppo import PpoConfig
from metaworld_baselines.algorithms.rl2 import Rl2Config
from metaworld_baselines.algorithms.sac import SacConfig
from metaworld_baselines.networks.architectures import MULTI_HEAD
from metaworld_baselines.runs.checkpoints import restore

ENTRY_POINTS = "metaworld_baselines.algorithms"

# Single tasks, for a processor: the original paper's network (2 × 256), and four environments for each update. The temperature starts at a
# tenth. From one, its bonus lifts all values to hundreds, and what is wrong with values of unrewarded places fades at a rate of τ (1 − γ):
# 20 000 updates, which is nothing in a run of millions and everything in a run of minutes.
SINGLE_TASK = SacConfig(
    benchmark="reach",
    total_env_steps=1_000_000,
    envs_per_task=4,
    width=256,
    depth=2,
    batch_per_task=128,
    initial_temperature=0.1,
    buffer_per_task=1_000_000,
    warmup_vector_steps=1_000,
    eval_every_env_steps=50_000,
    save_every_env_steps=50_000,
    log_every_env_steps=2_000,
)
PCGRAD_SAC = SacConfig(architecture=MULTI_HEAD, actor_combination="pcgrad", critic_combination="pcgrad")


@dataclass(frozen=True)
class Algorithm:
    """A learning algorithm as a value: all that training, loading and publishing need of it.

    A configuration is a frozen dataclass with at least `benchmark`, `total_env_steps`, `max_episode_steps`, `reward_version`,
    `eval_instances` and the property `tasks`.
    """

    name: str  # on the command line, in folders and files
    description: str
    config: Any  # its defaults
    make: Callable[[Any], Any]  # from a configuration to what stays the same during a run: networks, optimizers
    init: Callable[[Any, int], Any]  # from that and a seed to what learns
    actor: Callable[[Any, Any], Any]  # from both to the arrays that act, as they stand in files
    as_agent: Callable[[Any, Any], Any]  # from networks and those arrays to an agent for evaluation
    train: Callable[[Any, int, Any], Any]  # (configuration, seed, run): trains, or goes on
    published: Any = None  # the published settings where the defaults are others: `train NAME --config published`
    legacy: Any = None  # what a file means by leaving a field out; None: the defaults
    renamed: Callable[[dict[str, Any]], dict[str, Any]] = lambda settings: settings  # from settings as older files name them

    def config_from(self, plain: dict[str, Any]) -> Any:
        """A configuration as it stands in files, which hold the seed as well; fields that they lack are the algorithm's own."""
        settings = {name: value for name, value in plain.items() if name != "seed"}
        return dataclasses.replace(self.legacy or self.config, **self.renamed(settings))

    def load(self, config: Any, path: Path) -> Any:
        """The agent in a checkpoint of a run with this configuration."""
        made = self.make(config)
        return self.as_agent(made, restore(path, self.actor(made, self.init(made, 0))))


ALGORITHMS: dict[str, Algorithm] = {}


def register(algorithm: Algorithm) -> None:
    """Make an algorithm known by its name.

    Raises:
      ValueError: another one has that name.
    """
    if ALGORITHMS.setdefault(algorithm.name, algorithm) is not algorithm:
        raise ValueError(f"there is an algorithm {algorithm.name!r} already")


@cache
def _load_entry_points() -> None:
    for entry in entry_points(group=ENTRY_POINTS):
        register(entry.load())


def algorithms() -> dict[str, Algorithm]:
    """All algorithms by name, those of other packages included."""
    _load_entry_points()
    return ALGORITHMS


def find_algorithm(name: str) -> Algorithm:
    """The algorithm of that name.

    Raises:
      ValueError: there is none; says which there are.
    """
    if name not in algorithms():
        raise ValueError(f"unknown algorithm {name!r}; there are {', '.join(algorithms())}")
    return ALGORITHMS[name]


def _sac(name: str, description: str, config: SacConfig) -> Algorithm:
    return Algorithm(
        name,
        description,
        config,
        lambda config: sac.make_learner(config, seed=0),
        sac.init,
        sac.actor_tree,
        sac.as_agent,
        sac.train,
        renamed=sac.renamed_settings,
    )


def _on_policy(name: str, description: str, config: Any, module: Any) -> Algorithm:
    return Algorithm(
        name, description, config, module.make_learner, module.init, lambda _, agent: agent.policy, module.as_agent, module.train
    )


PPO = Algorithm(
    "ppo",
    "PPO on one task or several",
    ppo.TUNED,
    ppo.make_learner,
    ppo.init,
    ppo.acting,
    ppo.as_agent,
    ppo.train,
    published=ppo.PUBLISHED,
    legacy=PpoConfig(),
)


for _algorithm in (
    _sac("sac", "SAC on one task", SINGLE_TASK),
    _sac("mt-sac", "SAC on several tasks, told apart by one-hot ids", SacConfig()),
    _sac("mtmh-sac", "MTMH-SAC: SAC on several tasks with a head per task", SacConfig(architecture=MULTI_HEAD)),
    _sac("pcgrad-sac", "MTMH-SAC with gradient surgery (PCGrad)", PCGRAD_SAC),
    PPO,
    _on_policy("rl2", "RL²: a memory that adapts, trained by PPO", Rl2Config(), rl2),
    _on_policy("maml-trpo", "MAML with a TRPO outer step", MamlConfig(), maml_trpo),
):
    register(_algorithm)
