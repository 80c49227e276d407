"""The vocabulary of rewards: distances, tolerances, the Hamacher product, caging. Pure functions of floats, in SI units.

Written for one element in the subset of Python that a compiler takes (floats, tuples of floats, `if`, calls); see docs/decisions/0003.
"""

from __future__ import annotations

import math

from metaworld_py.sim.signals import Arm, Quat, Vec3

# All sigmoids of the DeepMind Control Suite's `tolerance` fall to this value one margin away from the bounds.
VALUE_AT_MARGIN = 0.1
_GAUSSIAN_SCALE_SQUARED = -2.0 * math.log(VALUE_AT_MARGIN)
_LONG_TAIL_SCALE_SQUARED = 1.0 / VALUE_AT_MARGIN - 1.0
GRIP_CAGING = 0.97  # caging above which closing the fingers counts as gripping


def distance(a: Vec3, b: Vec3) -> float:
    """Euclidean distance."""
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return math.sqrt(x * x + y * y + z * z)


def scaled_distance(a: Vec3, b: Vec3, scale: Vec3) -> float:
    """Norm of the difference, each axis multiplied by its scale."""
    x, y, z = scale[0] * (a[0] - b[0]), scale[1] * (a[1] - b[1]), scale[2] * (a[2] - b[2])
    return math.sqrt(x * x + y * y + z * z)


def distance_xy(a: Vec3, b: Vec3) -> float:
    """Distance in the horizontal plane."""
    x, y = a[0] - b[0], a[1] - b[1]
    return math.sqrt(x * x + y * y)


def distance_xz(a: Vec3, b: Vec3) -> float:
    """Distance in the vertical plane through x."""
    x, z = a[0] - b[0], a[2] - b[2]
    return math.sqrt(x * x + z * z)


def offset(pos: Vec3, by: Vec3) -> Vec3:
    """A point moved along the world's axes."""
    return (pos[0] + by[0], pos[1] + by[1], pos[2] + by[2])


def clip(x: float, low: float, high: float) -> float:
    """`x` limited to [low, high]."""
    return min(max(x, low), high)


def _margins_outside(x: float, low: float, high: float, margin: float) -> float:
    """How many margins `x` lies outside [low, high]; infinite for margin 0."""
    outside = low - x if x < low else x - high
    return outside / margin if margin > 0.0 else math.inf


def long_tail(x: float, low: float, high: float, margin: float) -> float:
    """1 within [low, high], then 1 / (9 d² + 1) at d margins outside; 0 outside if the margin is 0.

    Raises:
      ValueError: negative margin, as in the DeepMind Control Suite's `rewards.tolerance`.
    """
    if margin < 0.0:
        raise ValueError("margin must not be negative")
    if low <= x <= high:
        return 1.0
    d = _margins_outside(x, low, high, margin)
    return 1.0 / (_LONG_TAIL_SCALE_SQUARED * d * d + 1.0)


def gaussian(x: float, low: float, high: float, margin: float) -> float:
    """1 within [low, high], then exp(−½ (d √(−2 ln 0.1))²) at d margins outside; 0 outside if the margin is 0.

    Raises:
      ValueError: negative margin.
    """
    if margin < 0.0:
        raise ValueError("margin must not be negative")
    if low <= x <= high:
        return 1.0
    d = _margins_outside(x, low, high, margin)
    return math.exp(-0.5 * _GAUSSIAN_SCALE_SQUARED * d * d)


def hamacher(a: float, b: float) -> float:
    """Hamacher product a·b / (a + b − a·b) of two values in [0, 1]: high only if both are; 0 where the denominator is 0."""
    denominator = a + b - a * b
    return a * b / denominator if denominator > 0.0 else 0.0


def prism(pos: Vec3, zero: Vec3, one: Vec3) -> float:
    """Inside the box spanned by two corners: product over axes of the way from `zero` to `one`. Outside: 1."""
    product = 1.0
    for axis in range(3):
        p, a, b = pos[axis], zero[axis], one[axis]
        if not min(a, b) <= p <= max(a, b):
            return 1.0
        product *= (p - a) / (b - a)
    return product


def funnel_floor(off_xy: float, *, rim: float, steepness: float, height: float) -> float:
    """Lowest welcome height (m) of a hand that shall come from above: 0 within `rim` (m), rising with ln(off_xy − rim) outside."""
    return steepness * math.log(off_xy - rim) + height if off_xy > rim else 0.0


def above_funnel(z: float, floor: float, margin: float) -> float:
    """1 at or above the funnel's floor, falling below it."""
    return 1.0 if z >= floor else long_tail(floor - z, 0.0, 0.01, margin)


def alignment(quat: Quat, ideal: Quat, tolerance: float) -> float:
    """1 at the ideal orientation, falling linearly to 0 at `tolerance`. Of four numbers: q and −q differ, as published."""
    (a, b, c, d), (e, f, g, h) = quat, ideal
    return max(1.0 - math.sqrt((a - e) ** 2 + (b - f) ** 2 + (c - g) ** 2 + (d - h) ** 2) / tolerance, 0.0)


def snapped_to_hand(pos: Vec3, hand_pos: Vec3, within: float) -> Vec3:
    """A point on a handle along x: right under the hand if that is within `within` (m) along x, so that any place on the handle will do."""
    return (hand_pos[0], pos[1], pos[2]) if abs(pos[0] - hand_pos[0]) < within else pos


def approach_bonus(
    distance_left: float, distance_start: float, *, weight: float = 1000.0, near_weight: float = 1000.0, width: float = 0.01
) -> float:
    """Progress term of the original rewards: weight (D − d) + near_weight (exp(−d²/width) + exp(−10 d²/width))."""
    d = distance_left
    return weight * (distance_start - d) + near_weight * (math.exp(-(d**2) / width) + math.exp(-(d**2) / (width / 10.0)))


def reach_v1(to_tcp: float, to_tcp_xy: float, effort: float, lag: float, *, near: float = 0.05, above: float = 0.05) -> float:
    """Reaching term of the original rewards, and closing effort once there.

    Args:
      to_tcp, to_tcp_xy: m from the object to the tcp, and its horizontal part.
      effort: gripper effort.
      lag: m, weighted, that the tcp is off its height while it is not above the object.
      near: m within which effort pays.
      above: m, the horizontal distance within which the tcp counts as above the object.
    """
    if to_tcp < near:
        return -to_tcp + max(effort, 0.0) / 50.0
    return -to_tcp if to_tcp_xy < above else -to_tcp_xy - lag


def lift_v1(z: float, z_start: float, z_picked: float, *, is_done: bool, is_near: bool) -> float:
    """Lifting term of the original rewards: 100 per metre of the object's height, all of it once done."""
    if is_done:
        return 100.0 * z_picked
    return 100.0 * min(z_picked, z) if is_near and z > z_start + 0.005 else 0.0


def caging(
    arm: Arm,
    pos: Vec3,
    pos_start: Vec3,
    tcp_pos_start: Vec3,
    *,
    object_radius: float,
    pad_margin: float,
    xz_margin: float,
) -> float:
    """How well the pads enclose a point: along y between the pads, and close to the tool centre in x and z. In [0, 1].

    The pads' margins compare the current pads with the object's start, as published.
    """
    left, right = arm.left_pad_pos[1], arm.right_pad_pos[1]
    caging_y = hamacher(
        long_tail(abs(left - pos[1]), object_radius, pad_margin, abs(abs(left - pos_start[1]) - pad_margin)),
        long_tail(abs(right - pos[1]), object_radius, pad_margin, abs(abs(right - pos_start[1]) - pad_margin)),
    )
    margin_xz = distance_xz(pos_start, tcp_pos_start) - xz_margin
    caging_xz = long_tail(distance_xz(arm.tcp_pos, pos), 0.0, xz_margin, margin_xz)
    return hamacher(caging_y, caging_xz)


def grip(caged: float, effort: float, full_effort: float = 1.0) -> float:
    """Caging joined with closing effort; the fingers count once the object is caged. In [0, 1]."""
    gripping = clip(effort, 0.0, full_effort) / full_effort if caged > GRIP_CAGING else 0.0
    return hamacher(caged, gripping)


def dense_grasp(caged: float, effort: float, full_effort: float = 1.0) -> float:
    """Grip and caging in equal parts, so that caging alone already pays (density "high"). In [0, 1]."""
    return (grip(caged, effort, full_effort) + caged) / 2.0


def reaching_grasp(grasp: float, pos: Vec3, tcp_pos: Vec3, pos_start: Vec3, tcp_pos_start: Vec3, *, radius: float) -> float:
    """Grip and plain nearness of the tcp (1 within `radius`, m) in equal parts (density "medium"). In [0, 1]."""
    margin = abs(distance(pos_start, tcp_pos_start) - radius)
    return (grasp + long_tail(distance(pos, tcp_pos), 0.0, radius, margin)) / 2.0


def _signed_pads(arm: Arm, y: float, low: float, high: float) -> float:
    """Both pads on their own side of `y`, within [low, high] of it. Margins come from the current pads, as published."""
    left, right = arm.left_pad_pos[1], arm.right_pad_pos[1]
    return hamacher(
        long_tail(left - y, low, high, abs(abs(y - left) - 0.05)),
        long_tail(y - right, low, high, abs(abs(y - right) - 0.05)),
    )


def signed_caging(arm: Arm, pos: Vec3, pos_start: Vec3, tcp_pos_start: Vec3, *, object_radius: float, xz_margin: float) -> float:
    """Caging with signed pad distances and margins from the current pads and the current object, as some families have it. In [0, 1]."""
    caging_y = _signed_pads(arm, pos[1], object_radius, 0.05)
    margin_xz = distance_xz(pos_start, tcp_pos_start) - xz_margin
    return hamacher(caging_y, long_tail(distance_xz(arm.tcp_pos, pos), 0.0, xz_margin, margin_xz))


def effortless_grasp(
    arm: Arm, pos: Vec3, pos_start: Vec3, tcp_pos_start: Vec3, *, object_radius: float, grip_margin: float, xz_margin: float
) -> float:
    """Signed caging and, once caged, closed pads in equal parts: what the fingers do counts, not the action. In [0, 1].

    Args:
      grip_margin: m beyond `object_radius` within which a pad counts as closed.
    """
    caged = signed_caging(arm, pos, pos_start, tcp_pos_start, object_radius=object_radius, xz_margin=xz_margin)
    gripping = _signed_pads(arm, pos[1], object_radius, object_radius + grip_margin) if caged > 0.95 else 0.0
    return (caged + gripping) / 2.0


def pick_and_place_v1(
    tcp_pos: Vec3,
    obj_pos: Vec3,
    effort: float,
    *,
    tcp_pos_start: Vec3,
    obj_pos_start: Vec3,
    goal_pos: Vec3,
    lift_height: float,
    lag_weight: float,
    to_goal: float,
    place_distance: float,
    above: float = 0.05,
    release_bonus: float = 0.0,
) -> float:
    """The original three-stage reward: reach + pick + place.

    Args:
      lift_height: m above the object's start at which it counts as picked.
      lag_weight: weight of the tcp's height off its start while the hand is not above the object.
      to_goal: m, decides whether a lowered object was dropped or delivered.
      place_distance: m, the distance that placing shortens.
      above: m, the horizontal distance within which the hand counts as above the object.
      release_bonus: added while placing pays.
    """
    to_tcp = distance(obj_pos, tcp_pos)
    to_tcp_xy = distance_xy(obj_pos, tcp_pos)
    reach = reach_v1(to_tcp, to_tcp_xy, effort, lag_weight * abs(tcp_pos[2] - tcp_pos_start[2]), above=above)

    picked_z = obj_pos_start[2] + lift_height
    is_picked = obj_pos[2] >= picked_z - 0.01
    is_dropped = obj_pos[2] < obj_pos_start[2] + 0.005 and to_goal > 0.02 and to_tcp > 0.02
    pick = lift_v1(obj_pos[2], obj_pos_start[2], picked_z, is_done=is_picked and not is_dropped, is_near=to_tcp < 0.1)

    place = 0.0
    if is_picked and to_tcp < 0.1 and not is_dropped:
        way = distance((obj_pos_start[0], obj_pos_start[1], picked_z), goal_pos) + picked_z
        place = max(approach_bonus(place_distance, way), 0.0) + release_bonus
    return reach + pick + place
