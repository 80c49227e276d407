"""The trained agents that come with the baselines: their cards, and their evaluations again.

An agent is a folder of `baselines/agents`, with weights (`last.safetensors`), a card (`card.json`; for readers `README.md`), the run's
settings and curves, and the evaluation that the card quotes (`evaluation.json`; of meta-learners also `before.json`, before adaptation, and
`shots.json`, by the number of episodes adapted on).
"""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from metaworld_py.files import install_hint, read_json, reading, write_json

FOLDERS = "metaworld_py.agent_folders"  # entry points: folders of trained agents, of whichever packages have some
CARD, WEIGHTS, EVALUATION, BEFORE, SHOTS = "card.json", "last.safetensors", "evaluation.json", "before.json", "shots.json"
NONE_PUBLISHED = "none published"


@dataclass(frozen=True)
class Card:
    """What a trained agent is and how good it was found to be."""

    name: str
    algorithm: str
    benchmark: str  # as `evaluate` takes it; of meta-learners where they were tested, e.g. "ML10-test"
    seed: int  # of training, and of the goals it is evaluated on
    env_steps: int  # over all tasks
    published_env_steps: int | None  # None: nothing was published that it could be compared with
    hours: float
    steps_per_s: float  # of training, median: environment steps over all tasks, and gradient updates
    updates_per_s: float
    hardware: str
    versions: dict[str, str]
    trained_by: str  # the command
    max_episode_steps: int
    reward_version: str
    instances_per_task: int
    success: float  # mean over tasks
    interval: tuple[float, float]  # 95 %, over goals
    mean_return: float
    adaptation_episodes: int = 0  # of meta-learners, before what counts
    adaptation_rounds: int = 0
    evaluation_episodes: int = 1  # of each goal
    success_before: float | None = None  # of meta-learners, before adaptation
    interval_before: tuple[float, float] | None = None
    return_before: float | None = None
    adaptation_draws: int = 1  # how often it adapted anew to each goal, each time with other random actions
    success_by_draw: tuple[float, ...] = ()
    repeat_interval: tuple[float, float] | None = None  # 99 %: where as many draws by other generators have their mean
    demonstrated: str = ""  # of imitation: how many episodes by whom, and with which seed; `env_steps` are theirs

    @property
    def adapts(self) -> bool:
        """Whether the agent is a meta-learner."""
        return self.adaptation_episodes > 0

    @property
    def share_of_published(self) -> str:
        """Share of the published environment steps, in words."""
        return f"{self.env_steps / self.published_env_steps:.1%}" if self.published_env_steps else NONE_PUBLISHED

    @property
    def trained_on(self) -> str:
        """In words."""
        return self.benchmark.removesuffix("-test").replace(",", ", ") + ", hidden goals" * self.adapts

    @property
    def evaluate_command(self) -> str:
        """Command that repeats the evaluation which the card quotes."""
        words = ["metaworld-py evaluate", *self.benchmark.split(","), "--agent", self.name, "--seed", str(self.seed)]
        words += ["--episodes", str(self.instances_per_task)] * (self.adapts or self.instances_per_task != 50)
        words += ["--adaptation-episodes", str(self.adaptation_episodes)] * self.adapts
        words += ["--evaluation-episodes", str(self.evaluation_episodes)] * (self.adapts and self.evaluation_episodes != 3)
        words += ["--adaptation-draws", str(self.adaptation_draws)] * (self.adaptation_draws != 1)
        words += ["--max-episode-steps", str(self.max_episode_steps)] * (self.max_episode_steps != 500)
        return " ".join(words)

    def save(self, folder: Path) -> None:
        """Write `card.json`."""
        write_json(folder / CARD, asdict(self))


def agents_folder() -> Path:
    """Folder of the trained agents.

    Raises:
      ValueError: the baselines are not at hand.
    """
    return _provided()[1]


def provider() -> str:
    """Name of the entry point of `metaworld_py.agents` that loads the trained agents.

    Raises:
      ValueError: the baselines are not at hand.
    """
    return _provided()[0]


def _provided() -> tuple[str, Path]:
    for entry in entry_points(group=FOLDERS):
        folder: Path = entry.load()
        if folder.is_dir():
            return entry.name, folder
    raise ValueError(f"the trained agents come with the baselines: {install_hint('baselines')}")


def cards() -> dict[str, Card]:
    """All trained agents, by name.

    Raises:
      ValueError: see `agents_folder`.
    """
    return {path.parent.name: read_card(path.parent) for path in sorted(agents_folder().glob(f"*/{CARD}"))}


def read_card(folder: Path) -> Card:
    """The card in an agent's folder.

    Raises:
      ValueError: the file is not a card.
    """
    path = folder / CARD
    fields = read_json(path, "a card of a trained agent")
    with reading(path, "a card of a trained agent"):
        plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        card = Card(**plain)
        for field in dataclasses.fields(Card):
            wanted, value = _KINDS.get(str(field.type)), getattr(card, field.name)
            if wanted is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
                raise TypeError(f"{field.name} must be {field.type}, got {value!r}")
    return card


_KINDS: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "tuple[float, float]": tuple, "dict[str, str]": dict}


def find_card(name: str) -> Card:
    """The card of a name, in capitals or not.

    Raises:
      ValueError: no such agent; says which there are.
    """
    known = cards()
    if name.lower() not in known:
        raise ValueError(f"no trained agent {name!r}; there are {', '.join(known)}")
    return known[name.lower()]


def known_card(name: str) -> Card | None:
    """The card of a name, None if there is no such agent or no baselines are at hand."""
    try:
        return find_card(name)
    except ValueError:
        return None


def weights(name: str) -> Path:
    """The file with an agent's weights.

    Raises:
      ValueError: no such agent.
    """
    return agents_folder() / find_card(name).name / WEIGHTS
