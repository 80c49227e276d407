"""A long run of all fifty tasks under random actions that must go without a fault; exit status 1 if it does not.

    python perf/soak.py                      # 10⁶ control steps, then 10⁴ resets
    python perf/soak.py --steps 50000 --resets 1000

Counted: exceptions and Python warnings, NaN, observations outside the space, episodes that blew up (`is_unstable`), warnings of the engine
(which it writes to MUJOCO_LOG.TXT), and how much memory grows after the warm-up. A quarter of the environments each gets uniform actions,
random corners of the action box, and both of them held for half a second, which drives the hand against everything there is.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from tqdm import tqdm

from metaworld_py import MT50
from metaworld_py.checks.bench import table
from metaworld_py.engine.machine import resident_bytes
from metaworld_py.evaluation import installed_versions

ENGINE_LOG = Path("MUJOCO_LOG.TXT")
HELD_STEPS = 40  # half a second
MAX_EXCEPTIONS = 10
# Python's and the engine's allocators move by a few MB; a leak of one float per step would be 8 MB in 10⁶ steps, of an array far more.
MAX_GROWTH_BYTES = 16_000_000


class Actions:
    """Random actions (n, 4), environment i of kind i mod 4: uniform, corners, held uniform, held corners."""

    def __init__(self, num_envs: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._kind = np.arange(num_envs) % 4
        self._held = self._draw()
        self._step = 0

    def next(self) -> np.ndarray:
        fresh = self._draw()
        if self._step % HELD_STEPS == 0:
            self._held = fresh
        self._step += 1
        return np.where((self._kind >= 2)[:, np.newaxis], self._held, fresh).astype(np.float32)

    def _draw(self) -> np.ndarray:
        uniform = self._rng.uniform(-1, 1, (len(self._kind), 4))
        return np.where((self._kind % 2 == 1)[:, np.newaxis], np.sign(uniform), uniform)


class Inspector:
    """Looks at everything that environments hand out and counts faults per task."""

    def __init__(self, envs: Any) -> None:
        self._low, self._high = envs.single_observation_space.low, envs.single_observation_space.high
        self._names = list(envs.get_attr("task_name"))
        self.faults: dict[str, Counter[str]] = {
            fault: Counter() for fault in ("NaN", "outside the space", "blown up", "exceptions and warnings", "engine warnings")
        }

    def count(self, fault: str, envs: np.ndarray) -> None:
        self.faults[fault].update(self._names[env] for env in np.flatnonzero(envs).tolist())

    def look_at_observations(self, observations: np.ndarray) -> None:
        is_nan = ~np.isfinite(observations).all(axis=1)
        self.count("NaN", is_nan)
        self.count("outside the space", ~is_nan & ~((observations >= self._low) & (observations <= self._high)).all(axis=1))

    def look_at_step(self, result: tuple[Any, ...]) -> int:
        """Returns the number of episodes that ended."""
        observations, rewards, terminations, truncations, infos = result
        self.look_at_observations(observations)
        self.count("NaN", ~np.isfinite(rewards))
        for values in infos.values():
            if isinstance(values, np.ndarray) and values.dtype == float:
                self.count("NaN", ~np.isfinite(values))
        is_unstable = np.zeros(len(rewards), dtype=bool) | infos.get("is_unstable", False)
        self.count("blown up", is_unstable)
        is_over = terminations | truncations
        if is_over.any():
            final = np.where(is_over[:, np.newaxis], 0.0, self._low)
            final[is_over] = np.vstack(infos["final_obs"][is_over])
            self.look_at_observations(final)
        return int(is_over.sum())


def count_engine_warnings(inspector: Inspector) -> None:
    lines = ENGINE_LOG.read_text().splitlines() if ENGINE_LOG.exists() else []
    for line in lines:
        if "WARNING" in line or "ERROR" in line:
            # The engine does not say which simulation it was.
            inspector.faults["engine warnings"][line.partition(": ")[2].partition(" Time =")[0]] += 1


def warm_up(envs: Any, instances: int, seed: int) -> None:
    """Play every instance once: the process keeps what it settled."""
    benchmark = MT50(seed)
    drawn = {name: list(benchmark.instances_of(name)) for name in set(envs.get_attr("task_name"))}
    for index in tqdm(range(instances), desc="warm-up", disable=None):
        envs.reset(options={"tasks": [drawn[name][index] for name in envs.get_attr("task_name")]})
        envs.step(np.zeros((envs.num_envs, 4), dtype=np.float32))


def soak(options: argparse.Namespace) -> int:
    envs = gymnasium.make_vec(
        "Meta-World/MT50", num_envs=50 * options.copies, seed=options.seed, max_episode_steps=options.max_episode_steps
    )
    inspector = Inspector(envs)
    actions = Actions(envs.num_envs, options.seed)
    memory = {"start": resident_bytes()}
    warm_up(envs, options.instances, options.seed)
    observations, _ = envs.reset(seed=options.seed)
    inspector.look_at_observations(observations)
    for _ in range(options.max_episode_steps if options.steps >= 100_000 else HELD_STEPS):
        envs.step(actions.next())
    memory["after warm-up"] = resident_bytes()

    episodes, steps, started = 0, 0, time.perf_counter()
    with tqdm(total=options.steps, unit=" steps", unit_scale=True, desc="steps", disable=None) as bar:
        while steps < options.steps and inspector.faults["exceptions and warnings"].total() < MAX_EXCEPTIONS:
            try:
                episodes += inspector.look_at_step(envs.step(actions.next()))
            except Exception:  # whatever it is, it counts
                traceback.print_exc()
                inspector.faults["exceptions and warnings"]["steps"] += 1
                envs.reset()
            steps += envs.num_envs
            bar.update(envs.num_envs)
    seconds = time.perf_counter() - started
    memory["after the steps"] = resident_bytes()
    resets = 0
    with tqdm(total=options.resets, unit=" resets", unit_scale=True, desc="resets", disable=None) as bar:
        while resets < options.resets:
            inspector.look_at_observations(envs.reset()[0])
            resets += envs.num_envs
            bar.update(envs.num_envs)
    memory["end"] = resident_bytes()
    envs.close()
    count_engine_warnings(inspector)
    return report(inspector, memory, f"{steps} steps, {episodes} episodes, {resets} resets, {steps / seconds:.0f} steps/s")


def report(inspector: Inspector, memory: dict[str, int | None], done: str) -> int:
    """Print the table; returns the exit status."""
    rows = [
        (fault, f"{counts.total()}", ", ".join(f"{where} {count}" for where, count in counts.most_common()))
        for fault, counts in inspector.faults.items()
    ]
    growth = None
    if memory["end"] is not None and memory["after warm-up"] is not None:
        growth = memory["end"] - memory["after warm-up"]
        sizes = ", ".join(f"{when} {size / 1e6:.1f}" for when, size in memory.items() if size is not None)
        rows.append(("memory growth, MB", f"{growth / 1e6:.1f}", f"at most {MAX_GROWTH_BYTES / 1e6:.0f}; {sizes}"))
    print("\n".join([done, "", *table(("fault", "count", "where"), rows), ""]))
    print(" · ".join(f"{name} {version}" for name, version in installed_versions().items()) + f" · {sys.platform}")
    has_faults = any(counts.total() for counts in inspector.faults.values()) or (growth or 0) > MAX_GROWTH_BYTES
    print("FAILED" if has_faults else "no fault")
    return 1 if has_faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000, help="control steps, over all environments")
    parser.add_argument("--resets", type=int, default=10_000)
    parser.add_argument("--copies", type=int, default=4, help="environments of each task; a multiple of 4 gives each all kinds of actions")
    parser.add_argument("--instances", type=int, default=50, help="of each task that are played before memory is first read")
    parser.add_argument("--max-episode-steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if min(options.steps, options.resets, options.copies, options.instances) < 1 or options.instances > 50:
        parser.error("numbers must be at least 1, --instances at most 50")
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)  # where the engine writes its log
        try:
            return soak(options)
        finally:
            os.chdir(before)


if __name__ == "__main__":
    sys.exit(main())
