"""Residual torsos, critics with bins, and task embeddings."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.networks.actor_critic import twin
from metaworld_baselines.networks.multi_head import num_params
from metaworld_baselines.networks.residual import ResidualTorso
from metaworld_baselines.networks.task_embedding import EmbeddedCritics, TaskEmbedding

KEY = jax.random.PRNGKey(0)
OBS, ACTION, WIDTH = 39, 4, 8


def embedded(num_tasks=3, size=5, **more):
    critics = EmbeddedCritics(twin(num_tasks, WIDTH, 1, "one-hot", **more), TaskEmbedding(num_tasks, size))
    return critics, critics.init(KEY, jnp.ones(OBS), jnp.ones(ACTION), jnp.zeros(num_tasks))


def test_residual_torso_is_the_published_formula():
    """The same in NumPy, and its number of parameters."""
    inputs = np.random.default_rng(0).normal(size=(4, OBS)).astype(np.float32)
    torso, no_id = ResidualTorso(1, WIDTH, 2), jnp.ones(1)  # of a single task
    params = jax.tree.map(lambda leaf: leaf + 0.1, torso.init(KEY, inputs, no_id))  # biases and scales that show

    def normalized(layer, x):
        dense, norm = (params["params"][f"{kind}_{layer}"] for kind in ("Dense", "LayerNorm"))
        y = x @ dense["kernel"] + dense["bias"]
        return (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + 1e-6) * norm["scale"] + norm["bias"]

    stream = np.maximum(normalized(0, inputs), 0)
    for block in range(2):
        stream = stream + normalized(2 * block + 2, np.maximum(normalized(2 * block + 1, stream), 0))
    assert np.allclose(torso.apply(params, inputs, no_id), stream, atol=1e-4)
    assert num_params(params) == (OBS + 1) * WIDTH + 4 * (WIDTH + 1) * WIDTH + 5 * 2 * WIDTH


def test_critics_with_bins_give_logits_of_each_task_s_head():
    critics = twin(3, WIDTH, 1, "multi-head", torso="residual", bins=7)
    params = critics.init(KEY, jnp.ones(OBS), jnp.ones(ACTION), jnp.zeros(3))
    assert critics.apply(params, jnp.ones((3, 6, OBS)), jnp.ones((3, 6, ACTION)), jnp.eye(3)[:, None]).shape == (2, 3, 6, 7)
    assert params["params"]["Heads_0"]["Dense_0"]["kernel"].shape == (2, WIDTH, 3 * 7)


def test_embeddings_have_length_one_and_stand_for_the_ids():
    critics, params = embedded()
    table = critics.apply(params, jnp.eye(3), method="task_features")
    assert table.shape == (3, 5) and np.allclose(np.linalg.norm(table, axis=-1), 1.0, atol=1e-6)
    longer = jax.tree_util.tree_map_with_path(lambda path, leaf: 3 * leaf if "table" in jax.tree_util.keystr(path) else leaf, params)
    batch = jnp.ones((3, 6, OBS)), jnp.ones((3, 6, ACTION)), jnp.eye(3)[:, None]
    assert np.allclose(critics.apply(params, *batch), critics.apply(longer, *batch), atol=1e-6), "only directions count"


def test_critics_learn_a_task_s_embedding_from_that_task():
    critics, params = embedded()

    def loss(params):
        return critics.apply(params, jnp.ones((6, OBS)), jnp.ones((6, ACTION)), jnp.eye(3)[1]).sum()

    gradient = jax.grad(loss)(params)["params"]["embed"]["table"]
    assert (np.asarray(gradient)[[0, 2]] == 0).all() and np.abs(gradient[1]).max() > 0
