"""What each combination of gradients costs per update, beside the backward pass that it comes after.

    python perf/gradients.py --tasks 10 50

The network is the published SAC critic (twins of 3 × 400, a head per task). Times are medians over rounds in which
calls of a kind take turns: passes, methods that weigh, methods that mix; of the first and the last, which take long, over a tenth as many.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from metaworld_baselines.gradients.combination import task_gradients
from metaworld_baselines.gradients.gram import combine, gram_matrix
from metaworld_baselines.gradients.methods import METHODS, find_method
from metaworld_baselines.gradients.weighting import Weighting
from metaworld_baselines.networks.actor_critic import twin
from metaworld_baselines.networks.multi_head import Network


def median_ms(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of each call until it returns, and until its result is there."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for call in calls.values():  # compile
        jax.block_until_ready(call())
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            result = call()
            returned = time.perf_counter()
            jax.block_until_ready(result)
            times[name].append((returned - began, time.perf_counter() - began))
    return {name: tuple(1e3 * np.median(np.array(each), axis=0)) for name, each in times.items()}


def measure(num_tasks: int, batch: int, rounds: int) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Milliseconds of the backward passes and products, and of each method's weights."""
    ids = jnp.eye(num_tasks)[:, None]
    obs = jax.random.normal(jax.random.PRNGKey(0), (num_tasks, batch, 39))
    action, target = obs[..., :4], obs[..., 4]
    critic = Network(twin(num_tasks, 400, 3, "multi-head"), obs[0, 0], action[0, 0], ids[0, 0])
    params = critic.init(jax.random.PRNGKey(1))

    def losses(params: Any, obs: Any, action: Any, ids: Any, target: Any) -> tuple[Any, None]:
        return ((critic.apply(params, obs, action, ids) - target) ** 2).mean(axis=-1).sum(axis=0), None

    arrays = obs, action, ids, target
    mean = jax.jit(jax.grad(lambda params: losses(params, *arrays)[0].mean()))
    each = jax.jit(lambda params: task_gradients(losses, params, *arrays)[0])
    gradients = each(params)
    gram_of, combined, weights = jax.jit(gram_matrix), jax.jit(combine), jnp.full(num_tasks, 1.0 / num_tasks)
    calls = {
        "backward, of the mean": lambda: mean(params),
        "backward, of each task": lambda: each(params),
        "Gram matrix": lambda: gram_of(gradients),
        "weighted sum": lambda: combined(weights, gradients),
    }
    passes = {name: whole for name, (_, whole) in median_ms(calls, max(rounds // 10, 5)).items()}
    gram, ones = gram_of(gradients), jnp.ones(num_tasks)
    of_weights: dict[str, Callable[[], Any]] = {}
    of_mixing: dict[str, Callable[[], Any]] = {}
    for name in METHODS:
        if name in ("mean", "sum", "fixed"):
            continue
        method = find_method(name, num_tasks)
        noise = None if method.draw is None else method.draw(jax.random.PRNGKey(2))
        if isinstance(method, Weighting):
            of_weights[name] = partial(jax.jit(method.weigh), gram, ones, method.state, noise)
        else:
            of_mixing[name] = partial(jax.jit(method.mix), gradients, ones, method.init(params), noise)
    return passes, median_ms(of_weights, rounds) | median_ms(of_mixing, max(rounds // 10, 5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--batch", type=int, default=128, help="of each task")
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    found = {num_tasks: measure(num_tasks, options.batch, options.rounds) for num_tasks in options.tasks}
    print("| milliseconds |" + "".join(f" T = {num_tasks} |" for num_tasks in found))
    print("|---|" + "---:|" * len(found))
    for name in next(iter(found.values()))[0]:
        print(f"| {name} |" + "".join(f" {passes[name]:.1f} |" for passes, _ in found.values()))
    for name in next(iter(found.values()))[1]:
        cells = (methods[name] for _, methods in found.values())
        print(f"| `{name}` |" + "".join(f" {whole:.2f} ({returned:.2f}) |" for returned, whole in cells))


if __name__ == "__main__":
    main()
