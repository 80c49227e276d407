"""Settings of behaviour cloning."""

from __future__ import annotations

from dataclasses import dataclass

from metaworld_baselines.algorithms.ranges import check_ranges
from metaworld_baselines.experience.demonstrations import View
from metaworld_baselines.gradients.methods import MEAN, find_method
from metaworld_baselines.networks.architectures import ONE_HOT, check_architecture
from metaworld_py.evaluation import task_names
from metaworld_py.rendering import HIGH, QUALITIES, check_size

POWERS = {"absolute": 1, "squared": 2}
INSTRUCTION = "instruction"
TOLD_BY = ONE_HOT, INSTRUCTION


@dataclass(frozen=True, kw_only=True)
class CloningConfig:
    """Settings."""

    benchmark: str = "MT10"  # a task set, a task, or tasks joined by commas
    demonstrations: str = ""  # folder of a recording by `metaworld-py record`, of these tasks or more
    total_env_steps: int = 3_200_000  # drawn from the demonstrations in all, over all tasks; each counts as often as it is drawn
    reward_version: str = "v2"  # of evaluations
    max_episode_steps: int = 500  # likewise
    pixels: int | None = None  # see the recording's pictures, which have so many to a side, instead of objects and goal
    camera: str | None = None  # of the pictures, as it was recorded; None: the overview from the front
    render_quality: str = HIGH  # likewise, or "fast"
    random_shift_px: int = 0  # pictures are moved by up to so much while learning (DrQ: 4)
    conv_width: int = 32  # channels of the convolutions
    told_by: str = ONE_HOT  # what tells the task: its one-hot id, or an "instruction", a sentence
    paraphrases: bool = True  # learn instructions in other words, too, see experience/phrasings.json
    width: int = 256
    depth: int = 3  # hidden layers
    architecture: str = ONE_HOT  # a name of networks/architectures.py
    loss: str = "absolute"  # or "squared", of each action component
    previous_frame: bool = False  # let the policy see the frame before, too
    combination: str = MEAN  # of the tasks' gradients, see gradients/methods.py
    batch_per_task: int = 64
    updates_per_iteration: int = 500
    learning_rate: float = 1e-3  # Adam; falls to 0 over the budget along a cosine
    max_grad_norm: float = 1.0
    eval_every_env_steps: int = 3_200_000
    eval_instances: int = 50  # per task, one episode each; of the run's seed, so others than those demonstrated with another seed
    save_every_env_steps: int = 3_200_000

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.loss not in POWERS:
            raise ValueError(f"loss must be one of {', '.join(POWERS)}, got {self.loss!r}")
        check_architecture(self.architecture, len(self.tasks))
        find_method(self.combination, len(self.tasks))
        self._check_telling()
        self._check_pictures()

    def _check_telling(self) -> None:
        if self.told_by not in TOLD_BY:
            raise ValueError(f"told_by must be one of {', '.join(TOLD_BY)}, got {self.told_by!r}")
        if self.told_by == INSTRUCTION and self.architecture != ONE_HOT:
            raise ValueError(f"{self.architecture} needs the task's id, and an instruction takes its place: take architecture {ONE_HOT}")

    def _check_pictures(self) -> None:
        if self.render_quality not in QUALITIES:
            raise ValueError(f"render_quality must be one of {', '.join(QUALITIES)}, got {self.render_quality!r}")
        if self.pixels is None and (self.camera is not None or self.render_quality != HIGH):
            raise ValueError("camera and render_quality are of pictures: say how many pixels these have, too")
        if self.pixels is None:
            return
        check_size(self.pixels, self.pixels)
        if not 0 <= self.random_shift_px < self.pixels:
            raise ValueError(f"random_shift_px must lie in 0…{self.pixels - 1}, less than a picture, got {self.random_shift_px}")
        if self.previous_frame:
            raise ValueError("previous_frame is of states: a policy that sees pictures reads hand and gripper alone")

    @property
    def tasks(self) -> list[str]:
        """Names in order."""
        return task_names(self.benchmark.split(",") if "," in self.benchmark else self.benchmark)

    @property
    def view(self) -> View | None:
        """The pictures that the policy sees; None of one that sees states."""
        return None if self.pixels is None else View(self.pixels, self.camera, self.render_quality)

    @property
    def env_steps_per_iteration(self) -> int:
        """Drawn over all tasks."""
        return self.updates_per_iteration * self.batch_per_task * len(self.tasks)

    @property
    def total_updates(self) -> int:
        """Gradient steps of the budget."""
        return -(-self.total_env_steps // self.env_steps_per_iteration) * self.updates_per_iteration
