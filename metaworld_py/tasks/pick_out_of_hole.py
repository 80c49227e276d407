"""Pick-out-of-hole: grasp the puck at the bottom of a recess and lift it to a point in the air. Task: pick-out-of-hole."""

from __future__ import annotations

from functools import partial

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import quat_wxyz
from metaworld_py.tasks import pick_place
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import HAND_BOX, Action, ObjectSignals, Observation, Score, Start, TaskDef, apart
from metaworld_py.tasks.common.free_objects import PUCK_READS, begin_as_drawn, grasp_and_carry, place_as_drawn
from metaworld_py.tasks.common.shaping import above_funnel, caging, dense_grasp, distance, distance_xy, funnel_floor, hamacher, long_tail

SUCCESS_DISTANCE = 0.07  # m between puck and goal
LIFTED = 0.02  # m above its start
LIFT_HEIGHT_V1 = 0.11  # m
CLEAR_HEIGHT = 0.12  # m of a puck whose fingers are out of the recess


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Cage, lift, carry; coming in over the rim pays; 10 within 5 cm of the goal."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    floor = funnel_floor(distance_xy(now.arm.tcp_pos, start.obj_pos), rim=0.03, steepness=0.015, height=0.15)
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.02, xz_margin=0.03)
    grasp = dense_grasp(caged, effort, full_effort=0.1)
    in_place = long_tail(to_goal, 0.0, 0.02, margin=distance(start.obj_pos, start.goal_pos))
    reward = hamacher(grasp, in_place)
    is_grasped = to_tcp < 0.04 and now.obj_pos[2] - LIFTED > start.obj_pos[2] and not now.arm.opening < 0.33
    if is_grasped:
        reward += 1.0 + 5.0 * hamacher(in_place, above_funnel(now.arm.tcp_pos[2], floor, margin=0.02))
    if to_goal < 0.05:
        reward = 10.0
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.03),
        grasp_success=float(is_grasped),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def lift_and_carry(obs: Observation) -> Action:
    """Lift the puck out of the recess, then carry it to the goal."""
    x, y, z = expert.obj_pos(obs)
    goal = expert.goal_pos(obs)
    return grasp_and_carry(obs, goal if z > CLEAR_HEIGHT - 0.02 else (x, y, CLEAR_HEIGHT))


PICK_OUT_OF_HOLE = TaskDef(
    name="pick-out-of-hole",
    sentence="Pick the puck out of the recess and lift it to a goal in the air.",
    family="pick-place",
    skills=("grasp", "lift", "place"),
    objects=("puck",),
    difficulty="hard",
    scene=Scene(
        props=(Prop("puck_light", "obj", (0.0, 0.6, 0.02)), Prop("raised_table", "raised_table", (0.0, 0.6, 0.0))),
        goal_rgba=(0.0, 0.0, 0.8, 1.0),
        goal_radius=0.015,
    ),
    signals=ObjectSignals,
    reads={**PUCK_READS, "obj_quat": quat_wxyz("obj")},
    hand_low=(*HAND_BOX[0][:2], -0.05),
    random_low=(0.0, 0.75, 0.02, -0.1, 0.5, 0.15),
    random_high=(0.0, 0.75, 0.02, 0.1, 0.6, 0.3),
    accept=apart(0.15),
    goal_low=(-0.1, 0.5, 0.15),
    goal_high=(0.1, 0.6, 0.3),
    place=place_as_drawn,
    begin=begin_as_drawn,
    scores={"v2": score_v2, "v1": partial(pick_place.score_v1, lift_height=LIFT_HEIGHT_V1)},
    expert=lift_and_carry,
)
