"""Coffee: a machine with a button, and a mug. Tasks: coffee-button, coffee-pull, coffee-push.

The observed object is the button's face (coffee-button) or the mug. The mug's joint comes before the arm's, and its velocities are kept at
reset: it still rocks, while arm joints 4–7 and the fingers are stopped in its stead. As published.
"""

from __future__ import annotations

from dataclasses import replace

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, body_pos, quat_wxyz, quat_xyzw, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START_NEAR,
    Action,
    FreeBody,
    JointValue,
    ObjectSignals,
    Observation,
    Placement,
    RandVec,
    Score,
    Start,
    TaskDef,
    apart,
    vec3,
)
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import (
    approach_bonus,
    caging,
    distance,
    distance_xy,
    grip,
    hamacher,
    long_tail,
    offset,
    reaching_grasp,
    scaled_distance,
)

SCENE = Scene(
    props=(
        Prop("mug", "obj", (0.0, 0.6, 0.1), is_before_arm=True),
        Prop("coffee_machine", "coffee_machine", (0.0, 0.9, 0.0)),
    ),
)
MACHINE_TO_MUG: Vec3 = (0.0, -0.22, 0.0)
MACHINE_TO_GOAL: Vec3 = (0.0, -0.19, 0.3)  # of the button pressed all the way
BUTTON_TRAVEL = 0.03  # m
BUTTON_SUCCESS_DISTANCE = 0.02  # m along y
MUG_SUCCESS_DISTANCE = 0.07  # m
MUG_SCALE: Vec3 = (2.0, 2.0, 1.0)
STOPPED_JOINTS = ("right_j3", "right_j4", "right_j5", "right_j6", "r_close", "l_close")


def put_mug(pos: Vec3) -> Placement:
    stops = tuple(JointValue(joint, None, velocity=0.0) for joint in STOPPED_JOINTS)
    return Placement((FreeBody("mugjoint", pos, zeroed_velocities=0), *stops))


# coffee-button


def place_under_machine(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return put_mug(offset(vec3(rand_vec), MACHINE_TO_MUG))


def begin_button(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec), MACHINE_TO_GOAL))


def score_button_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Open gripper near the button (2), button pressed (8, paid only near it)."""
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), abs(start.goal_pos[1] - now.obj_pos[1])
    near = long_tail(to_tcp, 0.0, 0.05, margin=distance(now.obj_pos, start.tcp_pos))  # the margin follows the button
    pressed = long_tail(to_goal, 0.0, 0.005, margin=BUTTON_TRAVEL)
    reward = 2.0 * hamacher(now.arm.opening, near)
    if to_tcp <= 0.05:
        reward += 8.0 * pressed
    success = to_goal <= BUTTON_SUCCESS_DISTANCE
    return Score(
        reward,
        success,
        near_object=float(to_tcp <= 0.05),
        grasp_success=float(now.arm.opening > 0.0),
        grasp_reward=near,
        in_place_reward=pressed,
        obj_to_target=to_goal,
    )


def score_button_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach with the left finger tip, then press."""
    to_tip, to_goal = distance(now.obj_pos, now.arm.left_tip_pos), abs(start.goal_pos[1] - now.obj_pos[1])
    press = max(approach_bonus(to_goal, BUTTON_TRAVEL), 0.0) if to_tip < 0.05 else 0.0
    return Score(-to_tip + press, to_goal <= BUTTON_SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def push_button(obs: Observation) -> Action:
    """Come at the button from the front with shut fingers and push it in."""
    button, tcp = expert.obj_pos(obs), expert.tcp_pos(obs)
    z = button[2] - 0.02
    if abs(tcp[0] - button[0]) > 0.02 or abs(tcp[2] - z) > 0.03:
        return expert.move_tcp(obs, (button[0], min(tcp[1], button[1] - 0.08), z), expert.CLOSE)
    return expert.move_tcp(obs, (button[0], button[1] + 0.1, z), expert.CLOSE)


# coffee-pull, coffee-push


def place_mug(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return put_mug(vec3(rand_vec))


def begin_mug(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    return Start(settled.arm.tcp_pos, vec3(rand_vec), vec3(rand_vec, 3))


def score_mug_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Cage the mug, bring it to the goal; 10 at the goal."""
    scaled_to_goal = scaled_distance(now.obj_pos, start.goal_pos, MUG_SCALE)
    in_place = long_tail(scaled_to_goal, 0.0, 0.05, margin=scaled_distance(start.obj_pos, start.goal_pos, MUG_SCALE))
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), distance(now.obj_pos, start.goal_pos)
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.02, pad_margin=0.05, xz_margin=0.05)
    gripped = grip(caged, effort, full_effort=0.7)
    grasp = reaching_grasp(gripped, now.obj_pos, now.arm.tcp_pos, start.obj_pos, start.tcp_pos, radius=0.04)
    reward = hamacher(grasp, in_place)
    if to_tcp < 0.04 and now.arm.opening > 0.0:
        reward += 1.0 + 5.0 * in_place
    if scaled_to_goal < 0.05:
        reward = 10.0
    # The published touch test looks at the mug's visual shape, which touches nothing: a grasp is never reported.
    return Score(
        reward,
        to_goal <= MUG_SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.03),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def move_v1(now: ObjectSignals, start: Start) -> float:
    """Progress of the mug along the table, paid while the tcp is near it."""
    to_goal = distance_xy(now.obj_pos, start.goal_pos)
    near = distance(now.obj_pos, now.arm.tcp_pos) < 0.05
    return max(approach_bonus(to_goal, distance_xy(start.obj_pos, start.goal_pos)), 0.0) if near else 0.0


def score_push_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, then push."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    reward = -distance(now.obj_pos, now.arm.tcp_pos) + move_v1(now, start)
    return Score(reward, to_goal <= MUG_SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def score_pull_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Pull. The reaching term is the norm of a point, not of a difference, and does not depend on the hand, as published."""
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), distance(now.obj_pos, start.goal_pos)
    norm = distance((now.obj_pos[0], now.obj_pos[1], start.tcp_pos[2]), (0.0, 0.0, 0.0))
    reach = -norm
    if norm < 0.05:
        reach = -to_tcp + 0.1 + (max(effort, 0.0) / 50.0 if to_tcp < 0.05 else 0.0)
    return Score(reach + move_v1(now, start), to_goal <= MUG_SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def carry_mug(obs: Observation) -> Action:
    """Grasp the mug across its handle's direction and carry it low over the table."""
    goal = expert.goal_pos(obs)
    return grasp_and_carry(obs, (goal[0], goal[1], 0.04), gripped_opening=0.72, slack=0.035, depth=-0.02)


BUTTON_LOW, BUTTON_HIGH = (-0.1, 0.8, -0.001), (0.1, 0.9, 0.001)
NEAR_LOW, NEAR_HIGH = (-0.1, 0.55, -0.001), (0.1, 0.65, 0.001)  # away from the machine
FAR_LOW, FAR_HIGH = (-0.05, 0.7, -0.001), (0.05, 0.75, 0.001)  # under the machine

COFFEE_BUTTON = TaskDef(
    name="coffee-button",
    sentence="Push the button on the coffee machine.",
    family="coffee",
    skills=("press",),
    objects=("button",),
    scene=SCENE,
    signals=ObjectSignals,
    reads={"obj_pos": site_pos("buttonStart"), "obj_quat": quat_wxyz("coffee_machine")},
    hand_start=HAND_START_NEAR,
    random_low=BUTTON_LOW,
    random_high=BUTTON_HIGH,
    goal_low=(-0.101, 0.61, 0.298),
    goal_high=(0.101, 0.71, 0.302),
    fixtures={"coffee_machine": vec3},
    place=place_under_machine,
    begin=begin_button,
    scores={"v2": score_button_v2, "v1": score_button_v1},
    expert=push_button,
)

COFFEE_PULL = replace(
    COFFEE_BUTTON,
    name="coffee-pull",
    sentence="Pull the mug away from the coffee machine.",
    skills=("pull",),
    objects=("mug",),
    difficulty="medium",
    reads={"obj_pos": body_pos("obj"), "obj_quat": quat_xyzw("obj")},
    random_low=(*FAR_LOW, *NEAR_LOW),
    random_high=(*FAR_HIGH, *NEAR_HIGH),
    accept=apart(0.15),
    goal_low=NEAR_LOW,
    goal_high=NEAR_HIGH,
    fixtures={"coffee_machine": lambda rand_vec: offset(vec3(rand_vec), (0.0, 0.22, 0.0))},
    place=place_mug,
    begin=begin_mug,
    scores={"v2": score_mug_v2, "v1": score_pull_v1},
    expert=carry_mug,
)

COFFEE_PUSH = replace(
    COFFEE_PULL,
    name="coffee-push",
    sentence="Push the mug under the coffee machine.",
    skills=("push",),
    random_low=(*NEAR_LOW, *FAR_LOW),
    random_high=(*NEAR_HIGH, *FAR_HIGH),
    goal_low=FAR_LOW,
    goal_high=FAR_HIGH,
    fixtures={"coffee_machine": lambda rand_vec: offset(vec3(rand_vec, 3), (0.0, 0.22, 0.0))},
    scores={"v2": score_mug_v2, "v1": score_push_v1},
)
