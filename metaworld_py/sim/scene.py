"""From our parts in `assets/` to one compiled model per task: room + table + arm + props + the signals that the task reads.

A compiled model that is shared is never edited again. What differs between episodes lives in a simulation's data (joint positions) or in
its own copy of the model (fixtures' places).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import mujoco

from metaworld_py.sim.signals import Signal, Vec3

_PACKAGED_ASSETS = Path(__file__).resolve().parents[1] / "assets"
_CHECKOUT_ASSETS = Path(__file__).resolve().parents[2] / "assets"
# An installed wheel carries the parts inside the package; a source checkout keeps them at its top.
ASSETS = _PACKAGED_ASSETS if _PACKAGED_ASSETS.is_dir() else _CHECKOUT_ASSETS

GOAL_MARKER = "goal"
ARENA_BYTES = 4 << 20  # for contacts and constraints; two hundred times what an episode was ever seen to need


@dataclass(frozen=True)
class Prop:
    """One part from `assets/props/`, placed in the world."""

    part: str  # file name without .xml
    body: str  # its root body
    pos: Vec3  # m, world
    euler: Vec3 | None = None  # rad about x, y, z; None keeps the part's own orientation
    is_before_arm: bool = False  # its joints precede the arm's in qpos, as in the published coffee scenes


@dataclass(frozen=True)
class Scene:
    """What stands on the table, and the look of the goal marker."""

    props: tuple[Prop, ...]
    goal_rgba: tuple[float, float, float, float] = (0.0, 0.8, 0.0, 1.0)
    goal_radius: float = 0.02  # m
    table: str = "table"


def compose(scene: Scene, signals: Iterable[Signal] = ()) -> mujoco.MjSpec:
    """An editable specification of the scene, with one sensor (or two, for touch) per signal, in order.

    The parts are read by inclusion, which keeps every name as the part gives it; MjSpec's `attach` wants a prefix for each.
    """
    files = [
        "arena/room.xml",
        f"arena/{scene.table}.xml",
        *(f"props/{prop.part}.xml" for prop in scene.props if prop.is_before_arm),
        "robot/sawyer.xml",
        *(f"props/{prop.part}.xml" for prop in scene.props if not prop.is_before_arm),
        "arena/cameras.xml",
    ]
    includes = "".join(f'<include file="{(ASSETS / file).as_posix()}"/>' for file in files)
    compiler = f'<compiler assetdir="{ASSETS.as_posix()}"/>'  # meshes and textures are named from the top of assets/
    spec = mujoco.MjSpec.from_string(f'<mujoco model="metaworld_py">{compiler}{includes}</mujoco>')
    for prop in scene.props:
        body = spec.body(prop.body)
        body.pos = prop.pos
        if prop.euler is not None:
            body.alt.type = mujoco.mjtOrientation.mjORIENTATION_EULER
            body.alt.euler = prop.euler
    # The marker has no physics: renderers move it to the episode's goal. (At the origin the engine would take it for fixed there.)
    spec.worldbody.add_site(name=GOAL_MARKER, size=[scene.goal_radius] * 3, rgba=scene.goal_rgba, pos=(0.0, 0.8, 0.2))
    for index, signal in enumerate(signals):
        signal.add_sensors(spec, prefix=f"{index}")
    return spec


def without_looks(spec: mujoco.MjSpec, signals: Iterable[Signal] = ()) -> mujoco.MjSpec:
    """The same physics without anything that only pictures need: a fifth cheaper to step, and a hundredth of the memory.

    What may go is what the engine never touches: geoms that collide with nothing (bodies have explicit inertias), cameras, lights,
    materials, textures, and meshes that only they used. Bodies, joints and sites stay, so states of both models are the same. Edits `spec`.
    """
    watched = {signal.name for signal in signals if signal.kind == "geom"}
    for geom in list(spec.geoms):
        if geom.contype == 0 and geom.conaffinity == 0 and geom.name not in watched:
            spec.delete(geom)
        else:
            geom.material = ""
    for site in spec.sites:
        site.material = ""
    meshes = {geom.meshname for geom in spec.geoms}
    unused = [mesh for mesh in spec.meshes if mesh.name not in meshes]
    for element in [*spec.cameras, *spec.lights, *spec.materials, *spec.textures, *unused]:
        spec.delete(element)
    spec.memory = ARENA_BYTES
    return spec
