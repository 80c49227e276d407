"""The algorithms by their names on the command line and in checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaworld_baselines.algorithms import maml_trpo, pcgrad_sac, ppo, rl2, sac
from metaworld_baselines.algorithms.maml_trpo import MamlConfig
from metaworld_baselines.algorithms.ppo import PpoConfig
from metaworld_baselines.algorithms.rl2 import Rl2Config
from metaworld_baselines.algorithms.sac import SacConfig
from metaworld_baselines.runs.checkpoints import restore
from metaworld_baselines.runs.run import Run

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


@dataclass(frozen=True)
class Algorithm:
    """What a name stands for."""

    description: str
    config: Any  # its defaults
    train: Callable[[Any, int, Run], Any]
    load: Callable[[Any, Path], Any]  # an agent, from a configuration and a checkpoint

    def config_from(self, plain: dict[str, Any]) -> Any:
        """A configuration as it stands in files, which hold the seed as well."""
        return type(self.config)(**{name: value for name, value in plain.items() if name != "seed"})


def _load_sac(config: SacConfig, path: Path) -> Any:
    parts = sac.make_parts(config, seed=0)
    return sac.as_agent(parts, restore(path, sac.actor_tree(parts, sac.init(parts, seed=0))))


def _load_ppo(config: PpoConfig, path: Path) -> Any:
    parts = ppo.make_parts(config)
    return ppo.as_agent(parts, restore(path, ppo.init(parts, seed=0).policy))


def _load_rl2(config: Rl2Config, path: Path) -> Any:
    parts = rl2.make_parts(config)
    return rl2.as_agent(parts, restore(path, rl2.init(parts, seed=0).policy))


def _load_maml(config: MamlConfig, path: Path) -> Any:
    parts = maml_trpo.make_parts(config)
    return maml_trpo.as_agent(parts, restore(path, maml_trpo.init(parts, seed=0).policy))


ALGORITHMS = {
    "sac": Algorithm("SAC on one task", SINGLE_TASK, sac.train, _load_sac),
    "mt-sac": Algorithm("SAC on several tasks, told apart by one-hot ids", SacConfig(), sac.train, _load_sac),
    "mtmh-sac": Algorithm("MTMH-SAC: SAC on several tasks with a head per task", SacConfig(multi_head=True), sac.train, _load_sac),
    "pcgrad-sac": Algorithm("MTMH-SAC with gradient surgery (PCGrad)", SacConfig(multi_head=True), pcgrad_sac.train, _load_sac),
    "ppo": Algorithm("PPO on one task or several", PpoConfig(), ppo.train, _load_ppo),
    "rl2": Algorithm("RL²: a memory that adapts, trained by PPO", Rl2Config(), rl2.train, _load_rl2),
    "maml-trpo": Algorithm("MAML with a TRPO outer step", MamlConfig(), maml_trpo.train, _load_maml),
}
