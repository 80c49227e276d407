"""PCGrad, gradient surgery (Yu et al. 2020, Algorithm 1): where two tasks' gradients conflict, each loses its component along the other.

    g̃_i ← g̃_i − (g̃_i · g_j / ‖g_j‖²) g_j   where g̃_i · g_j < 0, for all j in random order; the update is the mean of the g̃_i

A projected gradient is always a combination of the original ones, g̃_i = Σ_j C_ij g_j, and every inner product that the algorithm asks for
is an entry of C K, where K = G Gᵀ is the Gram matrix of the task gradients. So the surgery happens on T × T numbers, whatever the size of
the network: one product for K, one for the combination, and no projected gradient is ever written out.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.weighting import Weighting, of_projections

WRITTEN_OUT = 16  # up to so many tasks, surgery on a GPU is one kernel
BLOCK = 10  # steps of surgery on more tasks that are one kernel


def pcgrad(num_tasks: int) -> Weighting:
    """The mean of projected gradients; each task has a random order of its own at each update, as published.

    The paper takes their sum. Adam makes little difference between the two.
    """
    return of_projections(lambda gram, state, orders: surgery(gram, orders), draw=lambda key: random_orders(key, num_tasks))


def random_orders(key: Array, num_tasks: int) -> Int[Array, "task task"]:
    """For each task a random order of all tasks; its own place in it means nothing."""
    return jax.vmap(lambda one: jax.random.permutation(one, num_tasks))(jax.random.split(key, num_tasks))


def surgery(gram: Float[Array, "task task"], orders: Int[Array, "task task"]) -> Float[Array, "task task"]:
    """Coefficients C of the projected gradients, g̃_i = Σ_j C_ij g_j.

    Row i starts as g_i and meets the others in the order `orders[i]`. Where its inner product with the original g_j is negative, its
    component along g_j is taken out. A task without gradient (a zero on the diagonal) conflicts with none.
    """
    num_tasks = len(gram)
    squares = jnp.diagonal(gram)
    may_conflict = (orders != jnp.arange(num_tasks)[:, None]) & (squares[orders] > 0.0)
    # By step: whom each row meets, the inner products of all gradients with that one, its squared length, whether the two may conflict.
    steps = orders.T, jnp.moveaxis(gram[:, orders], -1, 0), jnp.where(may_conflict, squares[orders], 1.0).T, may_conflict.T
    columns = jnp.eye(num_tasks, dtype=gram.dtype)  # Cᵀ: each holds a number of every row
    on_gpu = _written_out if num_tasks <= WRITTEN_OUT else _in_blocks
    return jax.lax.platform_dependent(columns, steps, cpu=_in_a_loop, default=on_gpu).T


Steps = tuple[Int[Array, "step i"], Float[Array, "step k i"], Float[Array, "step i"], Bool[Array, "step i"]]


def _in_a_loop(columns: Float[Array, "k i"], steps: Steps) -> Float[Array, "k i"]:
    tasks = jnp.arange(len(columns))[:, None]

    def meet(columns: Array, step: tuple[Array, ...]) -> tuple[Array, None]:
        others, products, lengths, may_conflict = step
        share = _share((columns * products).sum(axis=0), lengths, may_conflict)
        return columns - jnp.where(others == tasks, share, 0.0), None

    return jax.lax.scan(meet, columns, steps)[0]


def _written_out(columns: Float[Array, "k i"], steps: Steps) -> Float[Array, "k i"]:
    """The same without an axis to sum over: on a GPU one kernel instead of several for each step. A processor's compiler chokes on it."""
    split = list(columns)
    for others, products, lengths, may_conflict in zip(*steps, strict=True):
        share = _share(sum(column * one for column, one in zip(split, products, strict=True)), lengths, may_conflict)
        split = [column - jnp.where(others == k, share, 0.0) for k, column in enumerate(split)]
    return jnp.stack(split)


def _in_blocks(columns: Float[Array, "k i"], steps: Steps) -> Float[Array, "k i"]:
    """The same for many tasks: a row meets each gradient once, so what it loses there is all that the coefficient changes by.

    The inner product at a step is that of the row's own gradient less what earlier steps have taken: substitution in a triangle, with the
    steps of a block written out, and one sum over the blocks before it.
    """
    others, products, lengths, may_conflict = steps
    num_tasks = len(columns)
    pairs = jnp.take_along_axis(products, others[None], axis=1)  # (step, earlier step, i): inner products of what is met at both
    own = jnp.diagonal(products, axis1=1, axis2=2)  # (step, i)
    shares = jnp.zeros((0, num_tasks), columns.dtype)  # (step, i)
    for start in range(0, num_tasks, BLOCK):
        left = own[start : start + BLOCK] - (shares * pairs[start : start + BLOCK, :start]).sum(axis=1)
        block: list[Array] = []
        for step, product in enumerate(left, start):
            taken = sum(share * pairs[step, start + k] for k, share in enumerate(block))
            block.append(_share(product - taken, lengths[step], may_conflict[step]))
        shares = jnp.concatenate([shares, jnp.stack(block)])
    return columns - jnp.where(others[:, None] == jnp.arange(num_tasks)[:, None], shares[:, None], 0.0).sum(axis=0)


def _share(product: Float[Array, " i"], length: Float[Array, " i"], may_conflict: Bool[Array, " i"]) -> Float[Array, " i"]:
    """How much of the gradient that is met each row loses."""
    return jnp.where(may_conflict & (product < 0.0), product / length, 0.0)
