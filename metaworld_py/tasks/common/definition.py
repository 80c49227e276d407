"""What a task is: a value. `TaskDef` ties a page's scene, boxes, placing, scores and expert together.

The engine room (`metaworld_py.engine.episode`) turns a `TaskDef` into running episodes; a page imports nothing from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import mujoco
import numpy as np

from metaworld_py.sim.scene import Scene, compose, without_looks
from metaworld_py.sim.signals import Arm, Quantity, Quat, Signal, SignalReader, Vec3

HORIZON = 500  # control steps of an episode
HAND_START: Vec3 = (0.0, 0.6, 0.2)
HAND_START_NEAR: Vec3 = (0.0, 0.4, 0.2)  # closer to the pedestal
HAND_BOX: tuple[Vec3, Vec3] = ((-0.5, 0.40, 0.05), (0.5, 1.0, 0.5))
LOW_HAND_BOX: tuple[Vec3, Vec3] = ((-0.5, 0.40, -0.15), (0.5, 1.0, 0.5))

# The groups of Seo et al., Masked World Models for Visual Control (CoRL 2022), which 3D Diffusion Policy and LeRobot took over.
Difficulty = Literal["easy", "medium", "hard", "very_hard"]

# What the words mean. A skill is listed where the instruction asks for it, not where our expert happens to use it.
SKILLS = {
    "reach": "bring the gripper somewhere, and nothing else",
    "push": "move something away from the robot or sideways",
    "pull": "move something towards the robot, up or out",
    "press": "move a button or handle along its short travel",
    "slide": "move something along a rail or the table",
    "turn": "rotate something about its hinge",
    "strike": "drive one object with another",
    "grasp": "close the gripper on an object and hold it",
    "lift": "raise a held object out of or off something",
    "place": "bring a held object to a goal",
    "insert": "bring a held object into, through or over a counterpart",
    "avoid": "get around or over a wall",
}

RandVec = Sequence[float]
Observation = Sequence[float]
Action = tuple[float, float, float, float]


def float32(pos: Vec3) -> Vec3:
    """A point rounded to single precision, as some published hand starts are."""
    x, y, z = (float(np.float32(value)) for value in pos)
    return (x, y, z)


class ObjectSignals(NamedTuple):
    """Signals of a task with one object and nothing else to read."""

    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat


class FixtureSignals(NamedTuple):
    """Signals of a task whose object has no observed orientation."""

    arm: Arm
    obj_pos: Vec3


class Start(NamedTuple):
    """An episode's constants, captured at reset. Tasks with more of them define their own tuple that begins with these three."""

    tcp_pos: Vec3  # as settled, one physics step old
    obj_pos: Vec3  # the initial object position that the rewards use
    goal_pos: Vec3


class Score(NamedTuple):
    """Reward, success and the published step info of one step; pages name those info fields that a score fills."""

    reward: float
    success: bool
    near_object: float = 0.0
    grasp_success: float = 0.0
    grasp_reward: float = 0.0
    in_place_reward: float = 0.0
    obj_to_target: float = 0.0


class FreeBody(NamedTuple):
    """Put a free body somewhere. By default its orientation stays as settled and its six velocities become zero."""

    joint: str
    pos: Vec3
    quat_wxyz: Quat | None = None
    zeroed_velocities: int = 6  # of three linear, then three angular ones


class JointValue(NamedTuple):
    """Set a hinge or slide. None leaves its position or velocity as settled."""

    joint: str
    value: float | None
    velocity: float | None = None


class Placement(NamedTuple):
    """What a reset changes after the hand has settled, in this order: more physics steps, writes, a forward pass.

    `refresh=False`: no forward pass follows, so the reset observation shows the last physics step's kinematics, as published.
    """

    writes: tuple[FreeBody | JointValue, ...] = ()
    refresh: bool = True
    physics_steps: int = 0


def place_nothing(rand_vec: RandVec, settled: Any) -> Placement:
    """For tasks whose instance only moves fixtures."""
    return Placement()


def leave_as_settled(rand_vec: RandVec, settled: Any) -> Placement:
    """For tasks whose instance only moves fixtures and whose published reset runs no forward pass after settling."""
    return Placement(refresh=False)


def apart(min_distance: float) -> Callable[[RandVec], bool]:
    """Accept a random vector if object v[0:2] and goal v[3:5] lie at least `min_distance` (m) apart in the horizontal plane."""

    def accept(rand_vec: RandVec) -> bool:
        return math.hypot(rand_vec[0] - rand_vec[3], rand_vec[1] - rand_vec[4]) >= min_distance

    return accept


def accept_all(rand_vec: RandVec) -> bool:
    """For tasks that take every random vector."""
    return True


def vec3(rand_vec: RandVec, first: int = 0) -> Vec3:
    """Three consecutive components of a random vector."""
    return (float(rand_vec[first]), float(rand_vec[first + 1]), float(rand_vec[first + 2]))


ScoreFunction = Callable[[Any, Any, float], Score]


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskDef:
    """A task: everything that makes door-open door-open.

    The callables take the page's own `signals` tuple as `now` (or `settled`, `placed`) and its own start tuple as `start`:

        place(rand_vec, settled) -> Placement
        begin(rand_vec, settled, placed) -> start
        after_first_step(now, start) -> start
        scores["v2" | "v1"](now, start, effort) -> Score, where effort is the action's last component as passed
        expert(observation of 39 numbers) -> action of 4 numbers in [-1, 1]
    """

    name: str
    sentence: str  # what the robot must do, for people and language-conditioned agents
    family: str  # tasks about the same thing: "door", "button", …
    skills: tuple[str, ...]  # that the sentence asks for; keys of `SKILLS`
    objects: tuple[str, ...]  # in words: the first and, where there is one, the second observed object
    difficulty: Difficulty = "easy"
    scene: Scene
    signals: type[Any]  # named tuple: arm, then one field per entry of `reads`; obj_pos, obj_quat, obj2_pos, obj2_quat are observed
    reads: Mapping[str, Signal]
    random_low: tuple[float, ...]  # box of the random vector
    random_high: tuple[float, ...]
    goal_low: Vec3  # box that bounds the observation's goal slots
    goal_high: Vec3
    begin: Callable[[RandVec, Any, Any], Any]
    scores: Mapping[str, ScoreFunction]
    expert: Callable[[Observation], Action]
    place: Callable[[RandVec, Any], Placement] = place_nothing
    fixtures: Mapping[str, Callable[[RandVec], Vec3]] | None = None  # body -> its world position for an instance
    settles_per_instance: bool = False  # the hand or an object touches a fixture while settling
    hand_start: Vec3 = HAND_START
    hand_low: Vec3 = HAND_BOX[0]  # also the box that bounds the mocap target
    hand_high: Vec3 = HAND_BOX[1]
    accept: Callable[[RandVec], bool] = accept_all  # random vectors that it refuses are drawn again
    after_first_step: Callable[[Any, Any], Any] | None = None  # (now, start) -> start, for constants measured after the first step

    @cached_property
    def reader(self) -> SignalReader[Any]:
        """Reads sensor rows of this task's scene."""
        return SignalReader(self.signals, self.reads)

    @cached_property
    def model(self) -> mujoco.MjModel:
        """The compiled scene with its looks, for pictures; shared in this process, so treat it as read-only."""
        return compose(self.scene, self.reader.signals).compile()

    @cached_property
    def physics_model(self) -> mujoco.MjModel:
        """The same scene without its looks: what is simulated. Shared by every environment of the task; read-only."""
        return without_looks(compose(self.scene, self.reader.signals), self.reader.signals).compile()

    @property
    def has_touch(self) -> bool:
        """Whether a signal needs contact forces."""
        return any(signal.quantity is Quantity.TOUCH for signal in self.reads.values())

    def fixture_positions(self, rand_vec: RandVec) -> list[Vec3]:
        """Where an instance puts the fixtures, in the order of `fixtures`."""
        return [position(rand_vec) for position in (self.fixtures or {}).values()]

    @property
    def id(self) -> str:
        """The published name with its version."""
        return f"{self.name}-v3"
