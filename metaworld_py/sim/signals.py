"""Signals: what a task reads of the simulation each step, declared as MuJoCo sensors and read as plain floats.

The engine writes one contiguous row of numbers per simulation. A `SignalReader` knows where each signal lies in the row and turns the row
into the task's own named tuple. Positions are metres in the world frame, joint values metres or radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

import mujoco

Vec3 = tuple[float, float, float]
Quat = tuple[float, float, float, float]

HAND_LOW: Vec3 = (-0.525, 0.348, -0.0525)  # m, bounds of the observed hand position
HAND_HIGH: Vec3 = (0.525, 1.025, 0.7)
FULL_OPENING = 0.1  # m between the claw bodies at which the observed opening is 1


class Arm(NamedTuple):
    """The gripper, read the same way in every task."""

    hand_pos: Vec3  # wrist body, clipped to the observation's bounds: rewards see the hand as the agent does
    tcp_pos: Vec3  # tool centre point: midpoint of the finger tips
    opening: float  # finger distance, 0 (shut) to 1
    left_pad_pos: Vec3
    right_pad_pos: Vec3
    left_tip_pos: Vec3


SignalsT = TypeVar("SignalsT")


class Quantity(Enum):
    """What a signal measures, with the numbers it takes in the row."""

    POS = ("pos", 3)
    QUAT_WXYZ = ("quat_wxyz", 4)
    QUAT_XYZW = ("quat_xyzw", 4)
    JOINT = ("joint", 1)
    TOUCH = ("touch", 6)


_OBJECT_TYPES = {
    "body": mujoco.mjtObj.mjOBJ_XBODY,  # the body's own frame; mjOBJ_BODY would be its inertia frame
    "site": mujoco.mjtObj.mjOBJ_SITE,
    "geom": mujoco.mjtObj.mjOBJ_GEOM,
}
# Of all contacts between two geoms, the force (normal first) of the strongest one. Cones are elliptic: the strongest contact has a normal
# force above zero exactly if any contact has one.
_STRONGEST_CONTACT_FORCE = (1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE), 2, 1)


@dataclass(frozen=True)
class Signal:
    """One quantity of one named thing in the scene; made by `body_pos`, `site_pos`, `quat_wxyz`, `quat_xyzw`, `joint` and `touch`."""

    quantity: Quantity
    name: str
    kind: str = "body"  # body, site or geom
    offset: Vec3 | None = None  # m, world frame, added to a position

    def add_sensors(self, spec: mujoco.MjSpec, prefix: str) -> None:
        """Declare the sensors that fill this signal's place in the row."""
        label = f"{prefix}:{self.name}:{self.quantity.value[0]}"
        if self.quantity is Quantity.TOUCH:
            for pad in ("leftpad_geom", "rightpad_geom"):
                spec.add_sensor(
                    name=f"{label}:{pad}",
                    type=mujoco.mjtSensor.mjSENS_CONTACT,
                    objtype=mujoco.mjtObj.mjOBJ_GEOM,
                    objname=pad,
                    reftype=mujoco.mjtObj.mjOBJ_GEOM,
                    refname=self.name,
                    intprm=_STRONGEST_CONTACT_FORCE,
                )
            return
        if self.quantity is Quantity.JOINT:
            sensor, objtype = mujoco.mjtSensor.mjSENS_JOINTPOS, mujoco.mjtObj.mjOBJ_JOINT
        elif self.quantity is Quantity.POS:
            sensor, objtype = mujoco.mjtSensor.mjSENS_FRAMEPOS, _OBJECT_TYPES[self.kind]
        else:
            sensor, objtype = mujoco.mjtSensor.mjSENS_FRAMEQUAT, _OBJECT_TYPES[self.kind]
        spec.add_sensor(name=label, type=sensor, objtype=objtype, objname=self.name)

    def expression(self, at: int) -> str:
        """Python that makes the value tasks see from the numbers of a row `s`, of which this signal's begin at `at`."""
        size = self.quantity.value[1]
        numbers = [f"s[{index}]" for index in range(at, at + size)]
        if self.quantity is Quantity.JOINT:
            return numbers[0]
        if self.quantity is Quantity.TOUCH:
            return f"is_held(s[{at}], s[{at + 3}])"
        if self.quantity is Quantity.QUAT_XYZW:
            return f"xyzw_from_wxyz({', '.join(numbers)})"
        if self.offset is not None:
            numbers = [f"{number} + {shift!r}" for number, shift in zip(numbers, self.offset, strict=True)]
        return f"({', '.join(numbers)})"


def body_pos(name: str, offset: Vec3 | None = None) -> Signal:
    """Position (3) of a body's frame, plus a fixed offset along the world's axes."""
    return Signal(Quantity.POS, name, offset=offset)


def site_pos(name: str, offset: Vec3 | None = None) -> Signal:
    """Position (3) of a site, plus a fixed offset along the world's axes."""
    return Signal(Quantity.POS, name, "site", offset)


def geom_pos(name: str) -> Signal:
    """Position (3) of a geom's frame."""
    return Signal(Quantity.POS, name, "geom")


def quat_wxyz(name: str, kind: str = "body") -> Signal:
    """Orientation (4) as MuJoCo has it, scalar first."""
    return Signal(Quantity.QUAT_WXYZ, name, kind)


def quat_xyzw(name: str, kind: str = "body") -> Signal:
    """Orientation (4), scalar last, the component of largest magnitude positive."""
    return Signal(Quantity.QUAT_XYZW, name, kind)


def joint(name: str) -> Signal:
    """Value of a hinge (rad) or slide (m)."""
    return Signal(Quantity.JOINT, name)


def touch(geom: str) -> Signal:
    """Whether both finger pads press on a geom. Needs contact forces: costs one more solver run a step."""
    return Signal(Quantity.TOUCH, geom, "geom")


# Order is part of the row's layout: the arm's signals come first in every scene.
ARM_SIGNALS = (
    body_pos("hand"),
    body_pos("rightclaw"),
    body_pos("leftclaw"),
    site_pos("rightEndEffector"),
    site_pos("leftEndEffector"),
    body_pos("rightpad"),
    body_pos("leftpad"),
)


def _clipped(number: str, low: float, high: float) -> str:
    return f"({number} if {low!r} <= {number} <= {high!r} else min(max({number}, {low!r}), {high!r}))"


_HAND = ", ".join(_clipped(f"s[{axis}]", HAND_LOW[axis], HAND_HIGH[axis]) for axis in range(3))
_TCP = ", ".join(f"(s[{9 + axis}] + s[{12 + axis}]) / 2.0" for axis in range(3))
READ_ARM = f"Arm(({_HAND}), ({_TCP}), opening(s), (s[18], s[19], s[20]), (s[15], s[16], s[17]), (s[12], s[13], s[14]))"


def opening(s: Sequence[float]) -> float:
    """Observed opening of the gripper from the head of a row: 0 (shut) to 1."""
    # Products, since ** 2 rounds differently in Python and in compiled code.
    x, y, z = s[3] - s[6], s[4] - s[7], s[5] - s[8]
    distance = math.sqrt(x * x + y * y + z * z) / FULL_OPENING
    return distance if distance < 1.0 else 1.0


def xyzw_from_wxyz(w: float, x: float, y: float, z: float) -> Quat:
    """Scalar-last quaternion whose component of largest magnitude is positive.

    The published orientation comes from a rotation matrix by the usual largest-of-four rule (m00, m11, m22, trace), which makes exactly
    that component positive.
    """
    largest = x
    if abs(y) > abs(largest):
        largest = y
    if abs(z) > abs(largest):
        largest = z
    if abs(w) > abs(largest):
        largest = w
    return (x, y, z, w) if largest >= 0.0 else (-x, -y, -z, -w)


def is_held(left_force: float, right_force: float) -> float:
    """1 if both finger pads press (N), else 0."""
    return 1.0 if left_force > 0.0 and right_force > 0.0 else 0.0


# The 18 numbers of an observed frame, with what stands in for what a task does not show.
_OBSERVED = {"obj_pos": 3, "obj_quat": 4, "obj2_pos": 3, "obj2_quat": 4}


class SignalReader(Generic[SignalsT]):
    """Reads rows of one scene: `read(row)` gives a `Signals`, `frame(signals)` the 18 numbers of an observed frame.

    `Signals` is a named tuple whose first field is `arm`; `reads` names the signal behind each further field. Both functions are written
    out as source and compiled once, by Python and, for batches, by Numba from the same text: a loop over fields would cost as much as a
    reward.

    Attributes:
      signals: in the order of the row.
      row_size: numbers of a row.
      read_expression, frame_expression: bodies of the two functions, of `s` and of `now`.
      names: what the expressions refer to.
    """

    def __init__(self, signals_type: type[SignalsT], reads: Mapping[str, Signal]) -> None:
        fields = signals_type._fields  # type: ignore[attr-defined]  # every Signals type is a NamedTuple
        if fields[:1] != ("arm",) or set(fields[1:]) != set(reads):
            raise TypeError(f"{signals_type.__name__} must have the fields arm and {sorted(reads)}, got {list(fields)}")
        self.signals: tuple[Signal, ...] = (*ARM_SIGNALS, *(reads[field] for field in fields[1:]))
        at, values = 3 * len(ARM_SIGNALS), []
        for signal in self.signals[len(ARM_SIGNALS) :]:
            values.append(signal.expression(at))
            at += signal.quantity.value[1]
        self.row_size = at
        self.read_expression = f"Signals({', '.join([READ_ARM, *values])})"
        observed = [f"now.{field}[{index}]" if field in fields else "0.0" for field, size in _OBSERVED.items() for index in range(size)]
        hand = [f"now.arm.hand_pos[{axis}]" for axis in range(3)]
        self.frame_expression = f"({', '.join([*hand, 'now.arm.opening', *observed])})"
        self.names = {"Signals": signals_type, "Arm": Arm, "opening": opening, "xyzw_from_wxyz": xyzw_from_wxyz, "is_held": is_held}
        self.read: Callable[[Sequence[float]], SignalsT] = eval(f"lambda s: {self.read_expression}", dict(self.names))
        self.frame: Callable[[SignalsT], tuple[float, ...]] = eval(f"lambda now: {self.frame_expression}")
