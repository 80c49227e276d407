"""Several environments: by our own native stepping, or by Gymnasium's sync and async classes."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from metaworld_py.envs.env_of_vector import checkpoint_id
from metaworld_py.envs.options import Options, check_keyword, checked_autoreset_mode
from metaworld_py.envs.pixels import FrameStackVectorEnv, PixelVectorEnv
from metaworld_py.envs.seen_env import HUMAN
from metaworld_py.envs.vector_env import VECTOR_RENDER_MODES, MetaWorldVectorEnv
from metaworld_py.envs.vector_wrappers import TransformedVectorEnv
from metaworld_py.instances.selection import Selector
from metaworld_py.instances.task import checked_seed
from metaworld_py.registration.layers import as_visible, make_env
from metaworld_py.rendering.renderer import has_drawn

NATIVE, SYNC, ASYNC = "native", "sync", "async"
STRATEGIES = (NATIVE, SYNC, ASYNC)


def checked(**keywords: Any) -> list[Any]:
    """Values of keywords in order; see `check_keyword`.

    Raises:
      ValueError: not what a keyword may be.
    """
    return [check_keyword(name, value) for name, value in keywords.items()]


def check_vector_keywords(vector_strategy: str, autoreset_mode: AutoresetMode | str) -> None:
    """Refuse strategies and modes that there are not.

    Raises:
      ValueError: says which there are.
    """
    if vector_strategy not in STRATEGIES:
        raise ValueError(f"vector_strategy must be one of {STRATEGIES}, got {vector_strategy!r}")
    checked_autoreset_mode(autoreset_mode)


def make_vector_env(
    selectors: Sequence[Selector],
    options: Options,
    *,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    seed: int | None = None,
) -> Any:
    """Several environments, by our own native stepping or by Gymnasium's sync or async classes; same numbers for the same seeds.

    Args:
      selectors: one per environment.
      options: see `Options`.
      vector_strategy: "native", "sync" or "async" (a process each).
      autoreset_mode: how a finished environment starts anew.
      seed: environment i's generator gets seed + i.

    Raises:
      ValueError: unknown strategy, or a window for several environments.
    """
    check_vector_keywords(vector_strategy, autoreset_mode)
    seed = None if seed is None else checked_seed(seed, maximum=None)
    if options.rendering.render_mode == HUMAN:
        raise ValueError(
            f"render_mode of several environments must be None or one of {VECTOR_RENDER_MODES}: windows are for one environment"
        )
    if vector_strategy == NATIVE:
        envs = MetaWorldVectorEnv(
            [as_visible(selector, options) for selector in selectors],
            autoreset_mode=autoreset_mode,
            use_one_hot=options.observation.use_one_hot,
            record_episode_statistics=options.observation.record_episode_statistics,
            seed=seed,
            **vars(options.episode),
            **vars(options.stepping),
            **vars(options.rendering),
        )
        return seen_vectors(TransformedVectorEnv.wrap(envs, options.observation), options)
    if options.stepping.compiled or options.stepping.n_threads:
        raise ValueError(f"compiled=True and n_threads go with vector_strategy='native', not {vector_strategy!r}")
    names = list(dict.fromkeys(selector.env_name for selector in selectors))
    functions: list[Callable[[], gymnasium.Env[Any, Any]]] = [
        partial(
            make_env,
            selector,
            options,
            seed=None if seed is None else seed + index,
            one_hot=(names.index(selector.env_name), len(names)),
            env_id=checkpoint_id(selector.env_name, index),
        )
        for index, selector in enumerate(selectors)
    ]
    vector_class: Any = SyncEnvs if vector_strategy == SYNC else AsyncEnvs
    mode: Any = checked_autoreset_mode(autoreset_mode)
    extra = {"context": _clean_processes()} if vector_strategy == ASYNC and options.draws else {}
    made: VectorEnv[Any, Any, Any] = vector_class(
        functions, autoreset_mode=mode, observation_mode="different", copy=options.stepping.copy, **extra
    )
    return made


class SeedsOfNumPy:
    """Lets `reset` of Gymnasium's vector environments take NumPy's whole numbers as seeds, as ours does."""

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        """Start episodes; see `gymnasium.vector.VectorEnv.reset`."""
        above: Any = super()
        return above.reset(seed=int(seed) if isinstance(seed, np.integer) else seed, options=options)


class SyncEnvs(SeedsOfNumPy, SyncVectorEnv):
    """Gymnasium's environments one after the other."""


class AsyncEnvs(SeedsOfNumPy, AsyncVectorEnv):
    """Gymnasium's environments in a process each."""


def seen_vectors(envs: Any, options: Options) -> Any:
    """A native vector environment, with pixels and stacked frames where its options ask for them."""
    observed = options.observation
    if observed.pixels is not None:
        envs = PixelVectorEnv(envs, observed.pixels)
    return FrameStackVectorEnv(envs, observed.frame_stack) if observed.frame_stack > 1 else envs


def _clean_processes() -> str | None:
    """How to start processes that draw; None for the platform's default.

    A fork is quickest and safe as long as this process has drawn nothing; later it would hang in OpenGL.

    Raises:
      RuntimeError: a process started by this function has come here again, because its script has no main guard.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            "a process for environments has run the whole script again: put what makes environments under `if __name__ == '__main__':`, "
            "or make them before the first picture is drawn"
        )
    methods = multiprocessing.get_all_start_methods()
    if "fork" in methods and sys.platform.startswith("linux") and not has_drawn():
        return "fork"
    if "forkserver" not in methods:
        return None
    multiprocessing.get_context("forkserver").set_forkserver_preload(["metaworld_py"])
    return "forkserver"
