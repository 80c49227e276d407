"""The algorithms by their names on the command line and in files: ours, and those that other packages bring along.

A package of yours names its algorithms in its pyproject.toml; then `train`, `evaluate --agent baselines:PATH`, `table` and `publish` know
them (examples/own_algorithm.py):

    [project.entry-points."metaworld_baselines.algorithms"]
    random-search = "my_package:RANDOM_SEARCH"
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jax

from metaworld_baselines.algorithms import (
    cloning,
    maml_config,
    maml_trpo,
    one_shot,
    pearl,
    ppo,
    ppo_config,
    rl2,
    rl2_config,
    sac,
    sac_learner,
    task_inference,
)
from metaworld_baselines.algorithms.cloning_config import CloningConfig
from metaworld_baselines.algorithms.maml_config import MamlConfig
from metaworld_baselines.algorithms.one_shot_config import OneShotConfig
from metaworld_baselines.algorithms.pearl_config import PearlConfig
from metaworld_baselines.algorithms.ppo_config import PpoConfig
from metaworld_baselines.algorithms.rehearsal import without_forgetting
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.algorithms.sac_config import SacConfig, renamed_settings
from metaworld_baselines.algorithms.task_inference_config import TaskInferenceConfig
from metaworld_baselines.networks.architectures import MULTI_HEAD
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.run_files import checked_fields
from metaworld_py.files import reading

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
    train_seeds: Callable[[Any, Mapping[int, Any]], Any] | None = None  # (configuration, runs by seed): all in one loop; None: cannot
    renamed: Callable[[dict[str, Any]], dict[str, Any]] = lambda settings: settings  # from settings as older files name them

    def check_seeds(self, seeds: Sequence[int], at_once: int) -> None:
        """Refuse seeds that cannot be trained so.

        Raises:
          ValueError: a seed twice, or several at once where one is learned at a time.
        """
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"--seed names a seed twice: {' '.join(map(str, seeds))}")
        if at_once > 1 and self.train_seeds is None:
            able = ", ".join(name for name, algorithm in algorithms().items() if algorithm.train_seeds is not None)
            raise ValueError(f"{self.name} learns one seed at a time, {able} can learn several at once")

    def train_all(self, config: Any, runs: Mapping[int, Any]) -> None:
        """Train the runs of these seeds, or go on with them."""
        if len(runs) > 1 and self.train_seeds is not None:
            self.train_seeds(config, runs)
            return
        for seed, run in runs.items():
            self.train(config, seed, run)

    def config_from(self, plain: dict[str, Any]) -> Any:
        """A configuration as it stands in files, which hold the seed as well; fields that they lack are the algorithm's own.

        Raises:
          ValueError: fields that there are not, or values that they cannot have.
        """
        config = self.legacy or self.config
        settings = self.renamed({name: value for name, value in plain.items() if name != "seed"})
        return dataclasses.replace(config, **checked_fields(config, settings))

    def whole(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration as it stands in files, with every field of today's and the seed, if it has one.

        Raises:
          ValueError: see `config_from`.
        """
        seed = {"seed": plain["seed"]} if "seed" in plain else {}
        return dataclasses.asdict(self.config_from(dict(plain))) | seed

    def load(self, config: Any, path: Path) -> Any:
        """The agent in a checkpoint of a run with this configuration.

        Raises:
          ValueError: the file's arrays are not those of such an agent, or not finite; nothing was built.
        """
        with reading(path, f"an agent of {self.name}"):
            check_sizes(config, checkpoints.shapes(path))
            made = self.make(config)
            try:
                like = jax.eval_shape(lambda: self.actor(made, self.init(made, 0)))
            except jax.errors.JAXTypeError:  # an algorithm that computes with NumPy
                like = self.actor(made, self.init(made, 0))
            arrays = checkpoints.restore(path, like)
            checkpoints.check_finite(path, arrays)
        return self.as_agent(made, arrays)


def check_sizes(config: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse networks that cannot be those of a file: even their shapes may be more than can be computed with.

    Raises:
      ValueError: a depth beyond the number of arrays, or a width beyond the number of weights.
    """
    weights = sum(math.prod(shape) for shape in shapes.values())
    for name, value in vars(config).items():
        for ending, most, what in (("depth", len(shapes), "arrays"), ("width", weights, "weights"), ("memory", weights, "weights")):
            if name.endswith(ending) and value > most:
                raise ValueError(f"{name} is {value}, but the file has {most} {what}")


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
        lambda config: sac_learner.make_learner(config, seed=0),
        sac_learner.init,
        sac_learner.actor_tree,
        sac_learner.as_agent,
        sac.train,
        train_seeds=sac.train_seeds,
        renamed=renamed_settings,
    )


def _meta(name: str, description: str, module: Any, settings: Any, legacy: Any) -> Algorithm:
    return Algorithm(
        name,
        description,
        settings.TUNED,
        module.make_learner,
        module.init,
        lambda _, agent: agent.policy,
        module.as_agent,
        module.train,
        published=settings.PUBLISHED,
        legacy=legacy,
        renamed=without_forgetting,
    )


PPO = Algorithm(
    "ppo",
    "PPO on one task or several",
    ppo_config.TUNED,
    ppo.make_learner,
    ppo.init,
    ppo.acting,
    ppo.as_agent,
    ppo.train,
    published=ppo_config.PUBLISHED,
    legacy=PpoConfig(),
)
CLONING = Algorithm(
    "bc",
    "behaviour cloning: imitates demonstrations of one task or several",
    CloningConfig(),
    cloning.make_learner,
    cloning.init,
    lambda _, agent: agent.policy,
    cloning.as_agent,
    cloning.train,
)
PEARL = Algorithm(
    "pearl",
    "PEARL: soft actor-critic on an inferred goal",
    PearlConfig(),
    pearl.make_learner,
    pearl.init,
    lambda _, agent: agent.acting,
    pearl.as_agent,
    pearl.train,
)

TASK_INFERENCE = Algorithm(
    "task-inference",
    "task inference: a memory that is taught what is hidden, and PPO on what it believes",
    TaskInferenceConfig(rehearses=True),
    task_inference.make_learner,
    task_inference.init,
    lambda _, agent: agent.policy,
    task_inference.as_agent,
    task_inference.train,
    legacy=TaskInferenceConfig(),
    renamed=without_forgetting,
)
ONE_SHOT = Algorithm(
    "one-shot",
    "one-shot imitation: does what one episode of the expert showed, goal hidden",
    OneShotConfig(task="reach"),
    one_shot.make_learner,
    one_shot.init,
    lambda _, agent: agent.policy,
    one_shot.as_agent,
    one_shot.train,
)


for _algorithm in (
    _sac("sac", "SAC on one task", SINGLE_TASK),
    _sac("mt-sac", "SAC on several tasks, told apart by one-hot ids", SacConfig()),
    _sac("mtmh-sac", "MTMH-SAC: SAC on several tasks with a head per task", SacConfig(architecture=MULTI_HEAD)),
    _sac("pcgrad-sac", "MTMH-SAC with gradient surgery (PCGrad)", PCGRAD_SAC),
    PPO,
    CLONING,
    ONE_SHOT,
    _meta("rl2", "RL²: a memory that adapts, trained by PPO", rl2, rl2_config, Rl2Config()),
    TASK_INFERENCE,
    PEARL,
    _meta("maml-trpo", "MAML, its outer step within a trust region or by PPO", maml_trpo, maml_config, MamlConfig()),
):
    register(_algorithm)
