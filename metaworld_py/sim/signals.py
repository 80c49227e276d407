"""Signals: what a task reads of the simulation each step, declared as MuJoCo sensors and read as plain floats.

The engine writes one contiguous row of numbers per simulation and step. A `SignalReader` knows where each signal lies in the row and turns
the row into the task's own named tuple. Positions are metres in the world frame, joint values metres or radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

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

    def convert(self) -> Callable[[list[float]], Any]:
        """The function from the signal's numbers to the value that tasks see."""
        if self.quantity is Quantity.JOINT:
            return _only
        if self.quantity is Quantity.TOUCH:
            return _is_held
        if self.quantity is Quantity.QUAT_XYZW:
            return xyzw_from_wxyz
        if self.offset is not None:
            return _shift(self.offset)
        return tuple


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


def read_arm(row: list[float]) -> Arm:
    """The arm's signals from the head of a row."""
    hand_x, hand_y, hand_z, rx, ry, rz, lx, ly, lz, rtx, rty, rtz, ltx, lty, ltz, rpx, rpy, rpz, lpx, lpy, lpz = row[:21]
    opening = math.sqrt((rx - lx) ** 2 + (ry - ly) ** 2 + (rz - lz) ** 2) / FULL_OPENING
    return Arm(
        (
            min(max(hand_x, HAND_LOW[0]), HAND_HIGH[0]),
            min(max(hand_y, HAND_LOW[1]), HAND_HIGH[1]),
            min(max(hand_z, HAND_LOW[2]), HAND_HIGH[2]),
        ),
        ((rtx + ltx) / 2.0, (rty + lty) / 2.0, (rtz + ltz) / 2.0),
        min(opening, 1.0),
        (lpx, lpy, lpz),
        (rpx, rpy, rpz),
        (ltx, lty, ltz),
    )


SignalsT = TypeVar("SignalsT")


class SignalReader(Generic[SignalsT]):
    """Reads rows of one scene: `SignalReader(Signals, reads)(row)` gives a `Signals`.

    `Signals` is a named tuple whose first field is `arm`; `reads` names the signal behind each further field.
    """

    def __init__(self, signals_type: type[SignalsT], reads: Mapping[str, Signal]) -> None:
        fields = signals_type._fields  # type: ignore[attr-defined]  # every Signals type is a NamedTuple
        if fields[:1] != ("arm",) or set(fields[1:]) != set(reads):
            raise TypeError(f"{signals_type.__name__} must have the fields arm and {sorted(reads)}, got {list(fields)}")
        self.signals: tuple[Signal, ...] = (*ARM_SIGNALS, *(reads[field] for field in fields[1:]))
        self._make: Callable[..., SignalsT] = signals_type
        self._parts: list[tuple[slice, Callable[[list[float]], Any]]] = []
        start = 3 * len(ARM_SIGNALS)
        for signal in self.signals[len(ARM_SIGNALS) :]:
            stop = start + signal.quantity.value[1]
            self._parts.append((slice(start, stop), signal.convert()))
            start = stop
        self.row_size = start

    def __call__(self, row: list[float]) -> SignalsT:
        """The signals in one row of `row_size` numbers."""
        return self._make(read_arm(row), *[convert(row[part]) for part, convert in self._parts])


def xyzw_from_wxyz(quat: list[float]) -> Quat:
    """Scalar-last quaternion whose largest component is positive.

    The published orientation comes from a rotation matrix by the usual largest-of-four rule (m00, m11, m22, trace), which makes exactly
    that component positive.
    """
    w, x, y, z = quat
    largest = max(x, y, z, w, key=abs)
    return (x, y, z, w) if largest >= 0.0 else (-x, -y, -z, -w)


def _only(numbers: list[float]) -> float:
    return numbers[0]


def _is_held(forces: list[float]) -> float:
    return 1.0 if forces[0] > 0.0 and forces[3] > 0.0 else 0.0


def _shift(offset: Vec3) -> Callable[[list[float]], Vec3]:
    dx, dy, dz = offset

    def shifted(pos: list[float]) -> Vec3:
        return (pos[0] + dx, pos[1] + dy, pos[2] + dz)

    return shifted
