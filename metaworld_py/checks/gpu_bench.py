"""Speed of the GPU engine: control steps per second by number of worlds, each mechanism alone, memory, and what overflowed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from metaworld_py.engine.machine import processor_name, resident_bytes
from metaworld_py.gpu import make_gpu

_NUM_ACTIONS = 8  # arrays of random actions that are played in turn
_WARM_UP_STEPS = 3  # the first loads kernels, the second records the graphs


@dataclass(frozen=True)
class GpuThroughput:
    """What one number of worlds gave.

    Attributes:
      worlds: of all tasks together.
      device: name of the card or processor.
      steps_per_second: control steps of all worlds, with rewards, endings and new episodes, actions being on the device already.
      mean_reward: of the last step: the same wherever the engine does the same, whatever is tried with it.
      physics_ms: of a control step of each mechanism alone, by its name; commands and reading of rows included.
      memory_mib: on a card, all that is taken of it, by other programs as well; on a processor, what this process took for the environment.
      constraints: most of any world, of as many as there is room for.
      contacts: mean of a world.
      iterations: most of the solver in any world.
      launches: kernels of the first control step of all mechanisms, which are run one by one; those of a loop as often as it ran.
      counters: see `GpuVectorEnv.counters`.
    """

    worlds: int
    device: str
    steps_per_second: float
    mean_reward: float
    physics_ms: dict[str, float]
    memory_mib: float
    constraints: int
    room_for_constraints: int
    contacts: float
    iterations: int
    launches: int
    counters: dict[str, int]

    def __str__(self) -> str:
        alone = ", ".join(f"{name} {ms:.2f}" for name, ms in self.physics_ms.items())
        return (
            f"{self.worlds} worlds on {self.device}: {self.steps_per_second:,.0f} control steps/s; {self.launches} kernels a step; "
            f"mean reward {self.mean_reward:.4f}; memory {self.memory_mib:,.0f} MiB\n"
            f"  physics of a mechanism alone (ms): {alone}\n  constraints ≤ {self.constraints} "
            f"(room for {self.room_for_constraints}), contacts {self.contacts:.1f} a world, iterations ≤ {self.iterations}; "
            + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in self.counters.items())
        )


def measure_gpu(benchmark: str | Sequence[str], worlds: int, *, device: str = "cuda:0", steps: int = 100) -> GpuThroughput:
    """Step worlds of a benchmark with random actions.

    Args:
      benchmark: as `make_gpu` takes it.
      worlds: how many.
      device: Warp's name of it.
      steps: control steps that are timed.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    before = resident_bytes() or 0
    env = make_gpu(benchmark, worlds, seed=0, device=device, num_goals=10)
    import warp as wp  # noqa: PLC0415  # an extra

    place = wp.get_device(device)
    rng = np.random.default_rng(0)
    actions = [wp.array(rng.uniform(-1, 1, (worlds, 4)).astype(np.float32), device=place) for _ in range(_NUM_ACTIONS)]
    env.reset(seed=0)
    launches = count_launches(lambda: env.step(actions[0]))  # the first step is run kernel by kernel
    for step in range(1, _WARM_UP_STEPS):
        env.step(actions[step])
    seconds = _seconds(place, steps, lambda step: env.step(actions[step % _NUM_ACTIONS]))
    mean_reward = float(env.step(actions[0])[1].numpy().mean())
    for group in env.worlds:
        for _ in range(_WARM_UP_STEPS):
            group.advance()
    alone = {group.mechanism.name: _seconds(place, max(steps // 4, 1), partial(_advance, group)) for group in env.worlds}
    used = (place.total_memory - place.free_memory if place.is_cuda else (resident_bytes() or 0) - before) / 2**20
    return GpuThroughput(
        worlds=worlds,
        device=place.name if place.is_cuda else processor_name(),
        steps_per_second=worlds / seconds,
        mean_reward=mean_reward,
        physics_ms={name: 1e3 * one for name, one in alone.items()},
        memory_mib=used,
        constraints=max(int(group.data.nefc.numpy().max()) for group in env.worlds),
        room_for_constraints=min(group.data.njmax for group in env.worlds),
        contacts=sum(int(group.data.nacon.numpy()[0]) for group in env.worlds) / worlds,
        iterations=max(int(group.data.solver_niter.numpy().max()) for group in env.worlds),
        launches=launches,
        counters=env.counters,
    )


def count_launches(function: Callable[[], object]) -> int:
    """Kernels that a call launches through Warp, one by one."""
    import mujoco_warp  # noqa: F401, PLC0415  # its modules call by `wp.launch`, and find what stands there
    import warp as wp  # noqa: PLC0415

    found = {name: getattr(wp, name) for name in ("launch", "launch_tiled")}
    counted: list[str] = []

    def counting(name: str) -> Callable[..., Any]:
        def launch(*arguments: Any, **keywords: Any) -> Any:
            counted.append(name)
            return found[name](*arguments, **keywords)

        return launch

    try:
        for name in found:
            setattr(wp, name, counting(name))
        function()
    finally:
        for name, original in found.items():
            setattr(wp, name, original)
    return len(counted)


def kernel_times(env: Any) -> dict[str, dict[str, list[float]]]:
    """How often each kernel of a mechanism's control step ran on a card, and what it took altogether (ms).

    The step is run kernel by kernel: a loop's kernels run as often as the loop did. Without a card there is nothing to tell.
    """
    import warp as wp  # noqa: PLC0415  # an extra

    told: dict[str, dict[str, list[float]]] = {}
    for group in env.worlds:
        kernels: dict[str, list[float]] = {}
        with wp.ScopedDevice(env.device):
            wp.timing_begin(wp.TIMING_ALL)
            group.advance_one_by_one()
            for result in wp.timing_end():
                number, ms = kernels.get(result.name, [0, 0.0])
                kernels[result.name] = [number + 1, ms + result.elapsed]
        told[group.mechanism.name] = dict(sorted(kernels.items(), key=lambda item: -item[1][1]))
    return told


def _advance(worlds: Any, _: int) -> None:
    worlds.advance()


def _seconds(device: Any, times: int, function: Callable[[int], object]) -> float:
    """Mean time of a call, with what it asked the device for."""
    import warp as wp  # noqa: PLC0415

    wp.synchronize_device(device)
    begun = time.perf_counter()
    for index in range(times):
        function(index)
    wp.synchronize_device(device)
    return (time.perf_counter() - begun) / times
