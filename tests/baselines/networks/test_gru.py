"""A GRU over many steps is Flax's cell, step by step: numbers and derivatives."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import flax.linen as nn
import jax.numpy as jnp

from metaworld_baselines.networks.gru import unrolled
from metaworld_baselines.networks.recurrent import RecurrentPolicy

MEMORY, INPUTS, STEPS = 5, 3, 7
CELL = nn.GRUCell(MEMORY, recurrent_kernel_init=nn.initializers.orthogonal())


def step_by_step(params, memory, inputs):
    def step(memory, now):
        memory = CELL.apply({"params": params}, memory, now)[0]
        return memory, memory

    return jax.lax.scan(step, memory, inputs)[1]


def example(batch):
    """Parameters, a memory, inputs and weights of the outputs, all of them other than zero."""
    keys = iter(jax.random.split(jax.random.PRNGKey(0), 20))
    params = CELL.init(next(keys), jnp.zeros(MEMORY), jnp.zeros(INPUTS))["params"]
    params = jax.tree.map(lambda x: x + 0.3 * jax.random.normal(next(keys), x.shape), params)
    memory, inputs, weights = (
        jax.random.normal(next(keys), shape) for shape in ((*batch, MEMORY), (STEPS, *batch, INPUTS), (STEPS, *batch, MEMORY))
    )
    return params, memory, inputs, weights


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_numbers_and_derivatives_are_those_of_the_cell_step_by_step(batch):
    *arguments, weights = example(batch)
    (ours, derivatives), (theirs, expected) = (
        jax.jit(jax.value_and_grad(lambda *args, of=of: (weights * of(*args)).sum(), argnums=(0, 1, 2)))(*arguments)
        for of in (unrolled, step_by_step)
    )
    assert np.allclose(unrolled(*arguments), step_by_step(*arguments), atol=1e-6) and np.isclose(ours, theirs, atol=1e-4)
    ours, theirs = jax.tree.leaves(derivatives), jax.tree.leaves(expected)
    assert len(ours) == 12 and all(np.abs(of_cell).max() > 1e-3 for of_cell in theirs)
    assert all(np.allclose(of_ours, of_cell, atol=1e-5, rtol=1e-4) for of_ours, of_cell in zip(ours, theirs, strict=True))


def test_it_can_be_mapped_over_tasks():
    params, _, inputs, _ = example(())
    memories, many = jnp.arange(2.0)[:, None] * jnp.ones(MEMORY), jnp.stack([inputs, -inputs])
    mapped = jax.vmap(jax.grad(lambda memory, inputs: unrolled(params, memory, inputs).sum()))(memories, many)
    apart = [jax.grad(lambda memory, inputs: unrolled(params, memory, inputs).sum())(*args) for args in zip(memories, many, strict=True)]
    assert np.allclose(mapped, np.stack(apart), atol=1e-6)


def test_products_of_inputs_may_be_rounded_and_the_memory_is_not():
    params, memory, inputs, _ = example((4,))
    of_inputs = {gate: dict(params[gate], kernel=to_bfloat16(params[gate]["kernel"])) for gate in ("ir", "iz", "in")}
    found = unrolled(params, memory, inputs, jnp.bfloat16)
    assert found.dtype == jnp.float32 and np.allclose(found, step_by_step(params | of_inputs, memory, to_bfloat16(inputs)), atol=1e-5)
    assert 1e-4 < np.abs(found - unrolled(params, memory, inputs)).max() < 0.1


def to_bfloat16(array):
    return jnp.asarray(array, jnp.bfloat16).astype(jnp.float32)


@pytest.mark.parametrize("dtype", [None, jnp.bfloat16])
@pytest.mark.parametrize("is_forgetful", [False, True])
def test_a_policy_remembers_over_many_steps_what_it_remembers_step_by_step(is_forgetful, dtype):
    policy = RecurrentPolicy(8, MEMORY, is_forgetful, dtype=dtype)
    weights = policy.init(jax.random.PRNGKey(1), jnp.zeros(MEMORY), jnp.zeros(45))
    memory, encoded = jnp.ones((2, MEMORY)), jax.random.normal(jax.random.PRNGKey(2), (STEPS, 2, 8))
    found = policy.apply(weights, memory, encoded, method="unroll")
    for after, now in zip(found, encoded, strict=True):
        memory = policy.apply(weights, memory, now, method="remember")
        assert np.allclose(after, memory, atol=1e-6)
