"""The methods in NumPy, and the loop that docs/gradients.md changes."""

import re
from pathlib import Path

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.gradients.for_numpy import TaskWeights

PAGE = Path(__file__).parents[3] / "docs" / "gradients.md"


def loop_of_the_page(sign):
    """The loop before (-) or after (+) the change."""
    diff = re.search(r"```diff\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    return "\n".join(line[1:] for line in diff.splitlines() if line[0] in (" ", sign))


def test_the_page_s_change_to_a_pytorch_loop_runs_and_opposes_no_task():
    """Two tasks pull one output apart: with the mean one loss rises before the end, with UPGrad none does, but for its ridge."""
    torch = pytest.importorskip("torch")
    inputs, targets = torch.ones(8, 3), [torch.full((8, 1), 1.0), torch.full((8, 1), 0.5)]
    rises = {}
    for sign in "-+":
        torch.manual_seed(0)
        model, losses = torch.nn.Linear(3, 1), []
        optimizer = torch.optim.SGD(model.parameters(), lr=0.02)

        def batches(model=model, losses=losses):
            for _ in range(100):
                losses.append([float(((model(inputs) - target) ** 2).mean().detach()) for target in targets])
                yield inputs, targets

        exec(
            loop_of_the_page(sign),
            {"torch": torch, "numpy": np, "model": model, "optimizer": optimizer, "tasks": targets, "batches": batches()},
        )
        assert losses[-1][0] < losses[0][0], "nothing was learned"
        rises[sign] = np.diff(losses, axis=0).max()
    assert max(rises["+"], 0.0) < rises["-"] / 10, rises


def test_state_is_kept_between_updates():
    """FAMO gives weight to the task whose loss stands still."""
    weigh, gram = TaskWeights("famo:learning_rate=0.5", 2), np.eye(2)
    first = weigh(gram, losses=np.array([1.0, 1.0]))
    later = [weigh(gram, losses=np.array([0.8**step, 1.0])) for step in range(1, 6)][-1]
    assert np.allclose(first, 0.5) and later[1] * 1.0 > later[0] * 0.8**5 * 1.5, (first, later)


def test_draws_depend_on_the_generator_alone():
    gram = np.array([[1.0, -0.5, -0.4], [-0.5, 1.0, -0.3], [-0.4, -0.3, 2.0]])
    one, two = TaskWeights("random", 3), TaskWeights("random", 3)
    assert np.array_equal(one(gram, np.random.default_rng(1)), two(gram, np.random.default_rng(1)))
    assert not np.array_equal(one(gram, np.random.default_rng(1)), one(gram, np.random.default_rng(2)))


def test_weights_of_losses_follow_their_papers():
    losses = np.array([1.0, 4.0])
    dwa = TaskWeights("dwa:period=1", 2)
    for now in ([2.0, 4.0], [1.0, 4.0]):
        assert np.allclose(dwa(np.eye(2), losses=np.array(now)), 0.5), "equal during the first two periods"
    rates = np.exp(np.array([0.5, 1.0]) / 2.0)
    assert np.allclose(dwa(np.eye(2), losses=losses), rates / rates.sum(), atol=1e-6)
    uncertainty = TaskWeights("uncertainty:learning_rate=0.05", 2)
    for _ in range(400):
        weights = uncertainty(np.eye(2), losses=losses)
    assert np.allclose(weights, 0.5 / losses, rtol=0.02), "exp(s) = L"
    gradnorm = TaskWeights("gradnorm", 2)
    for _ in range(400):
        weights = gradnorm(np.diag([1.0, 9.0]), losses=np.ones(2))
    assert np.allclose(weights, [0.75, 0.25], atol=0.02), "equal training rates: w ‖g‖ the same"
