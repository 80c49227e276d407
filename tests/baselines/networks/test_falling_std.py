"""A bound of the standard deviation that falls in the last fifth of a run."""

from types import SimpleNamespace

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.networks.falling_std import check_final_max_std, max_std_at, with_std_below
from metaworld_baselines.networks.gaussian import bounded

CONFIG = SimpleNamespace(min_std=0.05, initial_std=0.7, max_std=1.0, final_max_std=0.1, total_env_steps=1_000)


def stds(params):
    return np.exp(bounded(params["log_std"], CONFIG.min_std, CONFIG.max_std, CONFIG.initial_std))


def test_the_bound_falls_exponentially_at_the_end():
    assert np.allclose([max_std_at(CONFIG, steps) for steps in (0, 800, 900, 1_000, 2_000)], [1.0, 1.0, 0.1**0.5, 0.1, 0.1])


def test_it_is_a_bound_and_not_a_value():
    params = {"log_std": jnp.array([-3.0, -0.5, 0.0, 1.0]), "other": jnp.ones(2)}
    before = stds(params)
    for steps in (0, 850, 900, 1_000):
        cut = with_std_below(CONFIG, params, steps)
        assert np.allclose(stds(cut), np.minimum(before, max_std_at(CONFIG, steps)), atol=2e-3) and cut["other"] is params["other"]
    assert np.array_equal(with_std_below(CONFIG, params, 0)["log_std"], params["log_std"])


def test_bounds_that_cannot_fall_are_refused():
    check_final_max_std(CONFIG)
    check_final_max_std(SimpleNamespace(final_max_std=None))
    for changes, has_one_std in (({"max_std": None}, True), ({}, False)):
        with pytest.raises(ValueError, match="set max_std, its start, and switch state_dependent_std off"):
            check_final_max_std(SimpleNamespace(**{**vars(CONFIG), **changes}), has_one_std=has_one_std)
    for final in (0.05, 1.5):
        with pytest.raises(ValueError, match=f"not above max_std 1.0, got {final}"):
            check_final_max_std(SimpleNamespace(**{**vars(CONFIG), "final_max_std": final}))
