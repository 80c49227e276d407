"""Soccer: push a ball into a goal. Task: soccer."""

from __future__ import annotations

from functools import partial

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, body_pos, quat_xyzw, touch
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import Action, FreeBody, Observation, Placement, RandVec, Score, Start, TaskDef, apart, vec3
from metaworld_py.tasks.common.free_objects import PUCK_GEOM, HeldSignals, grasp_and_carry, is_lifted
from metaworld_py.tasks.common.shaping import clip, distance, effortless_grasp, long_tail, scaled_distance
from metaworld_py.tasks.push import score_v1

SUCCESS_DISTANCE = 0.07  # m between ball and goal point; along the table only in v1
SIDEWAYS_SCALE: Vec3 = (3.0, 1.0, 1.0)  # sideways misses count three times
BALL_Z = 0.03  # m at reset
CLEAR_OF_POSTS = 0.14  # m in y before the goal's middle where the palm passes the posts


def ball_start(rand_vec: RandVec) -> Vec3:
    return (rand_vec[0], rand_vec[1], BALL_Z)


def place(rand_vec: RandVec, settled: HeldSignals) -> Placement:
    return Placement((FreeBody("balljoint", ball_start(rand_vec)),))


def begin(rand_vec: RandVec, settled: HeldSignals, placed: HeldSignals) -> Start:
    return Start(settled.arm.tcp_pos, ball_start(rand_vec), vec3(rand_vec, 3))


def beside_goal(ball: Vec3, goal: Vec3) -> float:
    """What a ball costs that lies beside the goal, from 0 at 10 cm before it."""
    line_y = goal[1] - 0.1
    is_beside = ball[1] > line_y and abs(ball[0] - goal[0]) > 0.1
    return 2.0 * (ball[1] - line_y) / (1.0 - line_y) if is_beside else 0.0


def score_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Cage the ball (3), bring it to the goal (6.5); 10 at the goal. The action is not used."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    to_goal_scaled = scaled_distance(now.obj_pos, start.goal_pos, SIDEWAYS_SCALE)
    # The margin is the way from the start, so that moving away from it pays as well, as published.
    margin = scaled_distance(now.obj_pos, start.obj_pos, SIDEWAYS_SCALE)
    in_place = long_tail(to_goal_scaled, 0.0, SUCCESS_DISTANCE, margin)
    in_place = clip(in_place - beside_goal(now.obj_pos, start.goal_pos), 0.0, 1.0)
    # half of the real ball's radius, as published
    grasp = effortless_grasp(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.013, grip_margin=0.01, xz_margin=0.005)
    reward = 10.0 if to_goal_scaled < SUCCESS_DISTANCE else 3.0 * grasp + 6.5 * in_place
    near = distance(now.obj_pos, now.arm.tcp_pos) <= 0.03
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(near),
        grasp_success=float(is_lifted(now, start)),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def drag_into_goal(obs: Observation) -> Action:
    """Grasp the ball, bring it before the goal's middle, then in: pressed down, so that the palm slips under the roof."""
    ball, goal = expert.obj_pos(obs), expert.goal_pos(obs)
    is_before_middle = abs(ball[0] - goal[0]) < 0.04
    y = goal[1] if is_before_middle else min(ball[1], goal[1] - CLEAR_OF_POSTS)
    return grasp_and_carry(obs, (goal[0], y, goal[2]))


SOCCER = TaskDef(
    name="soccer",
    sentence="Push the ball into the goal.",
    family="ball",
    skills=("push",),
    objects=("ball",),
    difficulty="medium",
    scene=Scene(props=(Prop("soccer_ball", "soccer_ball", (0.0, 0.6, 0.03)), Prop("soccer_goal", "goal_whole", (0.0, 0.9, 0.0)))),
    signals=HeldSignals,
    reads={"obj_pos": body_pos("soccer_ball"), "obj_quat": quat_xyzw("soccer_ball"), "is_held": touch(PUCK_GEOM)},
    random_low=(-0.1, 0.6, 0.03, -0.1, 0.8, 0.0),
    random_high=(0.1, 0.7, 0.03, 0.1, 0.9, 0.0),
    accept=apart(0.15),
    goal_low=(-0.1, 0.8, 0.0),
    goal_high=(0.1, 0.9, 0.0),
    fixtures={"goal_whole": lambda rand_vec: vec3(rand_vec, 3)},
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": partial(score_v1, success_distance=SUCCESS_DISTANCE)},
    expert=drag_into_goal,
)
