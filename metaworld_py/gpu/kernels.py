"""What happens around the physics of a control step, as Warp kernels: a thread is a world. Array shapes: n worlds, N environments.

Worlds are those of one mechanism, environments those of all: `env[world]` says which environment a world is.
"""

# No `from __future__ import annotations`: Warp reads the annotations themselves.

import warp as wp

from metaworld_py.engine.control import SIGNAL_SUM_BOUND
from metaworld_py.engine.episode import NO_SCORE
from metaworld_py.engine.layout import FRAME_SIZE, MAX_DISPLACEMENT, OBJECT_BOUND, OBSERVATION_SIZE

N_SCORES = len(NO_SCORE)
COUNTERS = ("bad_actions", "blow_ups", "constraint_overflows", "contact_overflows")
BAD_ACTIONS, BLOW_UPS, CONSTRAINT_OVERFLOWS, CONTACT_OVERFLOWS = range(len(COUNTERS))
OWN_OVERFLOW = 3  # bits of MuJoCo Warp: constraints of this world alone were dropped
SHARED_OVERFLOW = 28  # contacts of any world were

_FRAME_SIZE = wp.constant(FRAME_SIZE)
_OBSERVATION_SIZE = wp.constant(OBSERVATION_SIZE)
_MAX_DISPLACEMENT = wp.constant(MAX_DISPLACEMENT)
_OBJECT_BOUND = wp.constant(wp.float64(OBJECT_BOUND))
_SIGNAL_SUM_BOUND = wp.constant(wp.float64(SIGNAL_SUM_BOUND))
_N_SCORES = wp.constant(N_SCORES)


@wp.struct
class Steps:
    """What a step hands out, (N,) each unless said otherwise; written anew by every step."""

    observation: wp.array2d[float]  # (N, 39)
    final_observation: wp.array2d[float]  # (N, 39), where an episode ended
    scores: wp.array2d[float]  # (7, N), the fields of `Score`
    terminated: wp.array[wp.bool]
    truncated: wp.array[wp.bool]
    over: wp.array[wp.bool]
    unstable: wp.array[wp.bool]
    overflow: wp.array[int]  # bits of `mujoco_warp.OverflowType`
    episode_return: wp.array[float]  # of episodes that ended
    episode_length: wp.array[int]
    episode_success: wp.array[wp.bool]  # at any step


@wp.struct
class Running:
    """What is known of the episodes that run, (N,) each."""

    length: wp.array[int]
    elapsed: wp.array[int]  # steps before the first one that count for the time limit
    total_reward: wp.array[float]
    success: wp.array[wp.bool]
    number: wp.array[int]  # how many episodes began


@wp.kernel
def command(
    actions: wp.array2d[float],  # (N, 4)
    env: wp.array[int],
    low: wp.array[wp.vec3],
    high: wp.array[wp.vec3],
    target: wp.array2d[wp.vec3],
    ctrl: wp.array2d[float],
    effort: wp.array[wp.float64],
    is_bad: wp.array[wp.bool],
):
    """Move the hand's target within its box, and set the fingers. An action that is not finite moves nothing, and is told of."""
    world = wp.tid()
    at = env[world]
    bad = False
    for part in range(4):
        bad = bad or not wp.isfinite(actions[at, part])
    is_bad[world] = bad
    if not bad:
        pos = target[world, 0]
        for axis in range(3):
            moved = pos[axis] + wp.clamp(actions[at, axis], -1.0, 1.0) * _MAX_DISPLACEMENT
            pos[axis] = wp.min(wp.max(moved, low[world][axis]), high[world][axis])
        target[world, 0] = pos
        ctrl[world, 0] = actions[at, 3]
        ctrl[world, 1] = -actions[at, 3]
        effort[world] = wp.float64(actions[at, 3])


@wp.kernel
def gather(
    signals: wp.array2d[float],
    task: wp.array[int],
    columns: wp.array2d[int],  # of each task; -1 beyond its row
    rows: wp.array2d[wp.float64],
    is_sound: wp.array[wp.bool],
):
    """Read each world's row as its task has it. A row that no healthy simulation has is left as the last one was, and told of."""
    world = wp.tid()
    total = wp.float64(0.0)
    for number in range(columns.shape[1]):
        column = columns[task[world], number]
        if column >= 0:
            total += wp.float64(signals[world, column])
    sound = total > -_SIGNAL_SUM_BOUND and total < _SIGNAL_SUM_BOUND  # false for NaN
    is_sound[world] = sound
    if sound:
        for number in range(columns.shape[1]):
            column = columns[task[world], number]
            if column >= 0:
                rows[world, number] = wp.float64(signals[world, column])


@wp.func
def instance_row(seed: int, env: int, number: int, first: int, count: int):
    """Row of the bank for an environment's episode: drawn anew for each, whatever the others do."""
    state = wp.rand_init(int(wp.rand_init(seed, env)), number)
    return first + wp.min(int(wp.randf(state) * float(count)), count - 1)


@wp.func
def count_faults(is_bad: bool, is_healthy: bool, overflow: int, counters: wp.array[int]):
    """Count what went wrong in a world's step."""
    if is_bad:
        wp.atomic_add(counters, BAD_ACTIONS, 1)
    elif not is_healthy:
        wp.atomic_add(counters, BLOW_UPS, 1)
    if (overflow & OWN_OVERFLOW) != 0:
        wp.atomic_add(counters, CONSTRAINT_OVERFLOWS, 1)
    if (overflow & SHARED_OVERFLOW) != 0:
        wp.atomic_add(counters, CONTACT_OVERFLOWS, 1)


@wp.kernel
def finish(
    env: wp.array[int],
    task: wp.array[int],
    out: wp.array2d[wp.float64],  # (n, 7 + 18): score, frame
    is_sound: wp.array[wp.bool],
    is_bad: wp.array[wp.bool],
    overflow: wp.array[int],
    max_steps: int,
    stop_at_success: bool,
    seed: wp.array[int],
    first: wp.array[int],
    count: wp.array[int],
    is_first: wp.array[wp.bool],
    row: wp.array[int],  # out: where the next episode begins, -1 for none
    running: Running,
    steps: Steps,
    counters: wp.array[int],
):
    """Observation, score and endings of a step; says which worlds begin another episode, and where."""
    world = wp.tid()
    at = env[world]
    healthy = is_sound[world] and wp.isfinite(out[world, 0])  # a reward that is no number would be learned from
    for number in range(_FRAME_SIZE):
        value = out[world, _N_SCORES + number]
        healthy = healthy and value >= -_OBJECT_BOUND and value <= _OBJECT_BOUND
    dropped = (overflow[world] & OWN_OVERFLOW) != 0
    stable = healthy and not is_bad[world] and not dropped
    for number in range(_FRAME_SIZE):
        steps.observation[at, _FRAME_SIZE + number] = steps.observation[at, number]
        if stable:
            steps.observation[at, number] = float(out[world, _N_SCORES + number])
    for number in range(_N_SCORES):
        steps.scores[number, at] = float(out[world, number]) if stable else 0.0
    is_first[world] = False
    success = steps.scores[1, at] > 0.0
    running.length[at] = running.length[at] + 1
    running.total_reward[at] = running.total_reward[at] + steps.scores[0, at]
    running.success[at] = running.success[at] or success
    terminated = stop_at_success and success
    truncated = running.length[at] + running.elapsed[at] >= max_steps or not stable
    over = terminated or truncated
    steps.terminated[at] = terminated
    steps.truncated[at] = truncated
    steps.over[at] = over
    steps.unstable[at] = not stable
    steps.overflow[at] = overflow[world]
    count_faults(is_bad[world], healthy, overflow[world], counters)
    overflow[world] = 0
    row[world] = -1
    if over:
        for number in range(_OBSERVATION_SIZE):
            steps.final_observation[at, number] = steps.observation[at, number]
        steps.episode_return[at] = running.total_reward[at]
        steps.episode_length[at] = running.length[at]
        steps.episode_success[at] = running.success[at]
        running.number[at] = running.number[at] + 1
        row[world] = instance_row(seed[0], at, running.number[at], first[task[world]], count[task[world]])


@wp.kernel
def draw(
    env: wp.array[int],
    task: wp.array[int],
    seed: wp.array[int],
    first: wp.array[int],
    count: wp.array[int],
    row: wp.array[int],
):
    """Draw where every world begins after a reset of all."""
    world = wp.tid()
    row[world] = instance_row(seed[0], env[world], 0, first[task[world]], count[task[world]])


@wp.kernel
def copy_rows(bank: wp.array2d[float], row: wp.array[int], values: wp.array2d[float]):
    """Set a field of the worlds that begin to their row of the bank."""
    world, number = wp.tid()
    if row[world] >= 0:
        values[world, number] = bank[row[world], number]


@wp.kernel
def clear(row: wp.array[int], values: wp.array2d[float]):
    """Zero a field of the worlds that begin."""
    world, number = wp.tid()
    if row[world] >= 0:
        values[world, number] = 0.0


@wp.kernel
def begin(
    env: wp.array[int],
    row: wp.array[int],
    bank_starts: wp.array2d[wp.float64],
    bank_observations: wp.array2d[float],
    starts: wp.array2d[wp.float64],
    is_first: wp.array[wp.bool],
    time: wp.array[float],
    overflow: wp.array[int],
    running: Running,
    steps: Steps,
):
    """Constants, observation and counts of the worlds that begin."""
    world = wp.tid()
    if row[world] < 0:
        return
    at = env[world]
    for number in range(starts.shape[1]):
        starts[world, number] = bank_starts[row[world], number]
    for number in range(_OBSERVATION_SIZE):
        steps.observation[at, number] = bank_observations[row[world], number]
    is_first[world] = True
    time[world] = 0.0
    overflow[world] = 0
    running.length[at] = 0
    running.elapsed[at] = 0
    running.total_reward[at] = 0.0
    running.success[at] = False
