"""Mechanisms: one padded model for all tasks whose movers have the same joints. A task is then a set of values of its fields.

The fifty scenes share arm, actuators and options. What they differ in is a few geoms that stand still and one or two movers, and by the
joints of these they fall into six kinds. A mechanism's model has as many slots for geoms as any of its tasks needs; what a physics
engine for many worlds takes per world (sizes, poses, friction, masses …) is filled in by `metaworld_py.gpu.fitting`, what it does not is
a slot's kind. A mechanism is made from compiled scenes: nothing is described a second time. Needs nothing but MuJoCo.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import mujoco

from metaworld_py.gpu.compatibility import arm_alone, check_compatible
from metaworld_py.gpu.kinematics import MechanismError, SceneKinematics, arm_geoms
from metaworld_py.sim.scene import ARENA_BYTES, Scene, compose, without_looks
from metaworld_py.sim.signals import ARM_SIGNALS, Quantity, Signal
from metaworld_py.tasks.common.definition import TaskDef

FUSES_BODIES = True  # what stands still or is welded together: 28 bodies become 15, equal to rounding (tests/gpu/test_mechanism.py)
_FREE, _PLANE, _MESH = mujoco.mjtJoint.mjJNT_FREE, mujoco.mjtGeom.mjGEOM_PLANE, mujoco.mjtGeom.mjGEOM_MESH
# General values, so that the compiler takes no short cut that holds for them alone: off-centre, turned, damped, limited.
_OFF, _TURNED = (0.01, 0.02, 0.03), (0.9, 0.1, 0.2, 0.3)
_AXES = ((0.1, 0.2, 0.9), (0.9, 0.1, 0.2), (0.2, 0.9, 0.1))  # of a mover's joints: parallel slides would be singular
_MESH_FIELDS = ("file", "scale", "refpos", "refquat", "inertia", "maxhullvert", "smoothnormal")


class SlotKind(NamedTuple):
    """What cannot differ between the worlds of one model, of a geom."""

    type: int
    contype: int
    conaffinity: int
    condim: int
    priority: int

    @classmethod
    def of(cls, model: mujoco.MjModel, geom: int) -> SlotKind:
        """The kind of slot that a geom needs."""
        return cls(*(int(getattr(model, f"geom_{field}")[geom]) for field in cls._fields))


class Reading(NamedTuple):
    """Where a task's signal is found in a mechanism: the mechanism's own signal, and the thing whose pose it reads, if it is one."""

    signal: Signal
    frame: tuple[int, int, str, str] | None  # owner, index among its frames, kind and name of the thing in the task's scene


@dataclass(frozen=True, eq=False)
class Mechanism:
    """A padded model and the tasks that it can be.

    Attributes:
      kinds: joint types of each mover.
      tasks: by name.
      model: the padded model; shared, so read-only.
      slots: for each owner (the world, then the movers) how many slots of each kind there are.
      signals: what its sensors read, the arm's first.
    """

    kinds: tuple[tuple[int, ...], ...]
    tasks: Mapping[str, TaskDef]
    model: mujoco.MjModel
    slots: tuple[Mapping[SlotKind, int], ...]
    signals: tuple[Signal, ...]

    @property
    def name(self) -> str:
        """What its movers' joints are, in words: "free + slide"."""
        words = {int(kind): kind.name.removeprefix("mjJNT_").lower() for kind in mujoco.mjtJoint.__members__.values()}
        return " + ".join(words[joint] for mover in self.kinds for joint in mover)

    @property
    def has_touch(self) -> bool:
        """Whether a signal needs contact forces."""
        return any(signal.quantity is Quantity.TOUCH for signal in self.signals)

    def columns(self, task: TaskDef) -> tuple[int, ...]:
        """For each number of a task's row, in the order that its reader has, where it stands in the mechanism's row."""
        begins, at = {}, 0
        for signal in self.signals:
            begins[signal] = at
            at += signal.quantity.value[1]
        read = [*ARM_SIGNALS, *(reading.signal for reading in readings(task, SceneKinematics.of(task.physics_model)))]
        return tuple(begins[signal] + number for signal in read for number in range(signal.quantity.value[1]))


def mechanisms(tasks: Iterable[TaskDef]) -> tuple[Mechanism, ...]:
    """The mechanisms that tasks fall into, the largest first; cached.

    Raises:
      MechanismError: a scene that no mechanism can be; says why.
    """
    return _mechanisms(tuple(tasks))


@lru_cache(maxsize=16)
def _mechanisms(tasks: tuple[TaskDef, ...]) -> tuple[Mechanism, ...]:
    by_kind: dict[tuple[tuple[int, ...], ...], list[TaskDef]] = defaultdict(list)
    for task in tasks:
        by_kind[SceneKinematics.of(task.physics_model).kinds].append(task)
    return tuple(build_mechanism(group) for group in sorted(by_kind.values(), key=len, reverse=True))


def build_mechanism(tasks: Sequence[TaskDef]) -> Mechanism:
    """One mechanism for tasks whose movers have the same joints.

    Raises:
      MechanismError: movers of different joints, or a scene that differs in what all must share.
    """
    scenes = {task.name: SceneKinematics.of(task.physics_model) for task in tasks}
    kinds = scenes[tasks[0].name].kinds
    for task in tasks:
        if scenes[task.name].kinds != kinds:
            raise MechanismError(f"{task.name} has movers with joints {scenes[task.name].kinds}, {tasks[0].name} has {kinds}")
        check_compatible(task)
    slots: list[Counter[SlotKind]] = [Counter() for _ in range(1 + len(kinds))]
    wanted: dict[Signal, None] = {}  # in order
    for task in tasks:
        for owner, geoms in enumerate(scenes[task.name].geoms):
            slots[owner] |= Counter(SlotKind.of(scenes[task.name].model, geom) for geom in geoms)
        wanted |= dict.fromkeys(reading.signal for reading in readings(task, scenes[task.name]))
    signals = (*ARM_SIGNALS, *wanted)
    spec = _arm_alone()
    _add_meshes(spec, tasks)
    _add_slots(spec, kinds, slots)
    _add_sensors(spec, signals, len(kinds))
    return Mechanism(kinds, {task.name: task for task in tasks}, _compile(spec), tuple(slots), signals)


def _compile(spec: mujoco.MjSpec) -> mujoco.MjModel:
    spec.compiler.fusestatic = FUSES_BODIES
    spec.memory = ARENA_BYTES
    model, arm = spec.compile(), arm_alone()
    # Hierarchies of volumes and coinciding frames hold for the placeholders alone.
    model.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_MIDPHASE)
    model.geom_sameframe[:] = model.body_sameframe[:] = model.site_sameframe[:] = 0
    # A fused body has an inverse weight of its own, but contacts are scaled by that of the body which their geom was on (the palm's).
    for ours, theirs in zip(arm_geoms(model), arm_geoms(arm), strict=True):
        model.body_invweight0[model.geom_bodyid[ours]] = arm.body_invweight0[arm.geom_bodyid[theirs]]
    return model


def slot_name(owner: int, kind: SlotKind, index: int) -> str:
    """Name of a slot: a geom of the mechanism's model."""
    return f"slot{owner}_{'_'.join(map(str, kind))}_{index}"


def mover_name(mover: int) -> str:
    """Name of a mover's body."""
    return f"mover{mover}"


def joint_name(mover: int, index: int) -> str:
    """Name of a mover's joint."""
    return f"mover{mover}_joint{index}"


def frame_name(owner: int, index: int) -> str:
    """Name of a site that shows the pose of whatever a task's signal names."""
    return f"frame{owner}_{index}"


def slots_of(scene: SceneKinematics) -> dict[int, str]:
    """The slot that each geom of a scene takes: by owner and kind, in order."""
    taken: dict[int, str] = {}
    for owner, geoms in enumerate(scene.geoms):
        used: Counter[SlotKind] = Counter()
        for geom in geoms:
            kind = SlotKind.of(scene.model, geom)
            taken[geom] = slot_name(owner, kind, used[kind])
            used[kind] += 1
    return taken


def readings(task: TaskDef, scene: SceneKinematics) -> list[Reading]:
    """How a mechanism reads each of a task's signals beyond the arm's.

    Raises:
      MechanismError: a signal of something that a mechanism does not have.
    """
    data = mujoco.MjData(scene.model)
    mujoco.mj_kinematics(scene.model, data)
    frames: dict[tuple[str, str], tuple[int, int]] = {}
    used: Counter[int] = Counter()
    slots = slots_of(scene)
    found = []
    for signal in task.reader.signals[len(ARM_SIGNALS) :]:
        if signal.quantity is Quantity.JOINT:
            found.append(Reading(Signal(Quantity.JOINT, _mover_joint(scene, signal.name)), None))
            continue
        if signal.quantity is Quantity.TOUCH:
            geom = scene.model.geom(signal.name).id
            if geom not in slots:
                raise MechanismError(f"{task.name} reads the touch of geom {signal.name}, which is the arm's or collides with nothing")
            found.append(Reading(Signal(Quantity.TOUCH, slots[geom], "geom"), None))
            continue
        thing = (signal.kind, signal.name)
        if thing not in frames:
            owner, _ = scene.named_pose(*thing, data)
            frames[thing] = (owner, used[owner])
            used[owner] += 1
        owner, index = frames[thing]
        quantity = Quantity.POS if signal.quantity is Quantity.POS else Quantity.QUAT_WXYZ
        found.append(Reading(Signal(quantity, frame_name(owner, index), "site"), (owner, index, *thing)))
    return found


def _mover_joint(scene: SceneKinematics, name: str) -> str:
    joint = scene.model.joint(name).id
    for mover in range(len(scene.movers)):
        if joint in scene.joints(mover):
            return joint_name(mover, joint - scene.joints(mover)[0])
    raise MechanismError(f"a signal reads joint {name}, which is no mover's")


def _arm_alone() -> mujoco.MjSpec:
    """Room and arm without props; of what stands still outside the arm, the floor is left."""
    spec = without_looks(compose(Scene(props=())))
    for geom in list(spec.geoms):
        above, body = [], geom.parent
        while body is not None and body.name != "world":
            above.append(body.name)
            body = body.parent
        if "base" not in above and geom.type != _PLANE:
            spec.delete(geom)
    return spec


def _add_meshes(spec: mujoco.MjSpec, tasks: Sequence[TaskDef]) -> None:
    """Every mesh that a task's physics uses, by its name."""
    known = {mesh.name for mesh in spec.meshes}
    for task in tasks:
        signals = task.reader.signals
        for mesh in without_looks(compose(task.scene, signals), signals).meshes:
            if mesh.name in known:
                continue
            known.add(mesh.name)
            added = spec.add_mesh(name=mesh.name)
            for field in _MESH_FIELDS:
                setattr(added, field, getattr(mesh, field))
            if len(mesh.uservert):
                added.uservert = mesh.uservert
            if len(mesh.userface):
                added.userface = mesh.userface


def _add_slots(spec: mujoco.MjSpec, kinds: Sequence[Sequence[int]], slots: Sequence[Mapping[SlotKind, int]]) -> None:
    """The world's slots, and movers with their joints and slots. All values are placeholders."""
    any_mesh = next(iter(spec.meshes)).name
    for owner, counts in enumerate(slots):
        body = spec.worldbody
        if owner:
            body = body.add_body(name=mover_name(owner - 1), pos=_OFF, quat=_TURNED, explicitinertial=True)
            body.mass, body.ipos, body.iquat, body.inertia = 0.1, _OFF, _TURNED, (1e-3, 2e-3, 2.5e-3)
            for index, kind in enumerate(kinds[owner - 1]):
                _add_joint(body, joint_name(owner - 1, index), mujoco.mjtJoint(kind), axis=_AXES[index % len(_AXES)])
        for slot in sorted(counts):
            for index in range(counts[slot]):
                settings: dict[str, Any] = dict(zip(SlotKind._fields[1:], slot[1:], strict=True))
                shape = mujoco.mjtGeom(slot.type)
                settings |= {"meshname": any_mesh} if shape == _MESH else {}
                body.add_geom(name=slot_name(owner, slot, index), type=shape, size=_OFF, pos=_OFF, quat=_TURNED, **settings)


def _add_joint(body: mujoco.MjsBody, name: str, kind: mujoco.mjtJoint, axis: tuple[float, float, float]) -> None:
    if kind == _FREE:
        body.add_freejoint(name=name)
        return
    joint = body.add_joint(name=name, type=kind, axis=axis, pos=_OFF, frictionloss=0.01, limited=True, range=(-1.0, 1.0))
    joint.damping = [0.1, 0.0, 0.0]


def _add_sensors(spec: mujoco.MjSpec, signals: Sequence[Signal], num_movers: int) -> None:
    """Sensors of the signals, and the sites that they read."""
    bodies = {"0": spec.worldbody} | {str(mover + 1): spec.body(mover_name(mover)) for mover in range(num_movers)}
    there = {site.name for site in spec.sites}
    for signal in signals:
        if signal.kind == "site" and signal.name not in there:
            there.add(signal.name)
            bodies[signal.name.removeprefix("frame").split("_")[0]].add_site(name=signal.name, pos=_OFF, quat=_TURNED)
    for index, signal in enumerate(signals):
        signal.add_sensors(spec, prefix=f"{index}")
