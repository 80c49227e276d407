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
    with pytest.raises(ValueError, match="switch state_dependent_std off"):
        check_final_max_std(CONFIG, has_one_std=False)
    for changes, final, start in (({}, 0.05, "max_std 1.0"), ({}, 1.5, "max_std 1.0"), ({"max_std": None}, 0.9, "initial_std 0.7")):
        with pytest.raises(ValueError, match=f"above min_std 0.05 and not above {start}, got {final}"):
            check_final_max_std(SimpleNamespace(**{**vars(CONFIG), **changes, "final_max_std": final}))


def test_without_a_bound_before_it_falls_from_the_first_standard_deviation():
    config = SimpleNamespace(**{**vars(CONFIG), "max_std": None})
    check_final_max_std(config)
    assert np.allclose([max_std_at(config, steps) for steps in (0, 790, 900, 1_000)], [np.inf, np.inf, (0.7 * 0.1) ** 0.5, 0.1])
    params = {"log_std": jnp.log(jnp.array([0.08, 0.5, 3.0]))}
    assert np.array_equal(with_std_below(config, params, 790)["log_std"], params["log_std"])
    assert np.allclose(jnp.exp(with_std_below(config, params, 1_000)["log_std"]), [0.08, 0.1, 0.1])
