"""Collecting on a device: the very experience of the collector on the processor, whatever becomes of the worlds' arrays."""

from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.algorithms import ppo
from metaworld_baselines.algorithms.ppo_config import TUNED, PpoConfig
from metaworld_baselines.experience import device_collector
from metaworld_baselines.experience.device_collector import DeviceCollector, make_worlds
from metaworld_baselines.experience.off_policy import make_envs
from metaworld_baselines.experience.on_policy import OnPolicyCollector

H, STEPS, NAMES = 4, 6, ["reach", "drawer-close"]
CONFIG = PpoConfig(
    **{**vars(TUNED), "benchmark": ",".join(NAMES), "envs_per_task": 2, "rollout_steps": STEPS, "width": 8, "depth": 1, "minibatches": 2}
)
IDS = np.eye(len(NAMES), dtype=np.float32)[ppo.task_numbers(CONFIG)]


class Worlds:
    """Environments on the processor that hand out arrays as the GPU engine does: always the same ones, spoilt before each step."""

    def __init__(self, seed=1):
        self.envs = make_envs(NAMES, seed, CONFIG.envs_per_task, max_episode_steps=H, reward_version="v2")
        self.num_envs, self.counters = self.envs.num_envs, {"blow_ups": 0}
        n = self.num_envs
        self.obs, self.final_obs = (np.zeros((n, 39), np.float32) for _ in range(2))
        self.reward, self.returns, self.running = np.zeros(n, np.float32), np.zeros(n, np.float32), np.zeros(n)
        self.over, self.success, self.has_succeeded = (np.zeros(n, bool) for _ in range(3))
        self.close = self.envs.close

    def reset(self, *, seed, options):
        self.seeds = [*getattr(self, "seeds", []), seed]
        self.obs[:], infos = self.envs.reset(options=options)
        return self.obs, infos

    def step(self, action):
        action = np.array(action)
        for array in (self.obs, self.final_obs, self.reward, self.returns):
            array[:] = np.nan
        self.obs[:], self.reward[:], terminated, truncated, infos = self.envs.step(action)
        self.over[:] = terminated | truncated
        self.running += self.reward
        self.has_succeeded |= infos["success"] > 0
        if self.over.any():
            self.final_obs[self.over] = np.stack(infos["final_obs"][self.over])
        self.returns[self.over], self.success[:] = self.running[self.over], self.has_succeeded
        self.running[self.over], self.has_succeeded[self.over] = 0.0, False
        ended = {"r": self.returns, "any_success": self.success}
        return self.obs, self.reward, terminated, truncated, {"_final_obs": self.over, "final_obs": self.final_obs, "episode": ended}


@pytest.fixture(scope="module")
def learner():
    return ppo.make_learner(CONFIG)


@pytest.fixture(scope="module")
def both(learner):
    """Two stretches of one policy's steps by either collector."""
    policy, act = ppo.acting(learner, ppo.init(learner, seed=0)), partial(ppo.make_act(learner), IDS)
    envs = make_envs(NAMES, 1, CONFIG.envs_per_task, max_episode_steps=H, reward_version="v2")
    elapsed = np.array([0, 1, 2, 3])
    collectors = OnPolicyCollector(envs, act, seed=5, elapsed_steps=elapsed), DeviceCollector(Worlds(), act, seed=5, elapsed_steps=elapsed)
    return [[collector.collect(policy, STEPS, first) for first in (0, STEPS)] for collector in collectors]


def test_the_experience_is_that_of_the_collector_on_the_processor(both):
    for (wanted, chunk, _), (got, on_device, _) in zip(*both, strict=True):
        for name, one, other in zip(wanted._fields, got, wanted, strict=True):
            assert isinstance(one, jax.Array) and (one.shape, one.dtype) == (other.shape, other.dtype), name
            # Of the rewards among them a tenth is taken in single precision here, in double there.
            assert np.allclose(one, other, rtol=1e-6, atol=1e-7) if name == "previous" else np.array_equal(one, other), name
        assert np.allclose(on_device.returns, chunk.returns) and on_device.successes == chunk.successes
    assert wanted.is_end.any() and len(chunk.returns) == 6, "episodes ended within the stretch"


def test_so_inputs_advantages_and_targets_are_the_same(learner, both):
    agent, made = ppo.init(learner, seed=0), jax.jit(partial(ppo.make_batch, learner))
    one, other = (made(agent, collected[0][0]) for collected in both)
    assert all(np.array_equal(*pair) for pair in zip(*map(jax.tree.leaves, (one, other)), strict=True))
    assert len(one[0].advantage) == 4 * STEPS and np.isfinite(one[0].advantage).all()


def test_a_collector_goes_on_with_the_step_but_with_new_episodes(learner):
    """The engine has no states: noise goes on where it was, worlds begin anew, and do so alike each time."""
    policy, act = ppo.acting(learner, ppo.init(learner, seed=0)), partial(ppo.make_act(learner), IDS)
    collector = DeviceCollector(Worlds(), act, seed=5)
    collector.collect(policy, STEPS, 0)
    again, once_more = (DeviceCollector(Worlds(), act, seed=5) for _ in range(2))
    for one in (again, once_more):
        one.set_state(collector.get_state())
    assert again.worlds.seeds == once_more.worlds.seeds and len(set(again.worlds.seeds)) == 2
    assert again.collect(policy, 1, STEPS)[0].time.tolist() == [[0.0]] * 4
    assert again.get_state() == '{"vector_steps": 7}'


def test_a_run_of_the_other_engine_is_not_gone_on_with(learner):
    envs = make_envs(NAMES, 1, CONFIG.envs_per_task, max_episode_steps=H, reward_version="v2")
    state = OnPolicyCollector(envs, partial(ppo.make_act(learner), IDS), seed=5).get_state()
    with pytest.raises(ValueError, match="environments on the processor: go on without the GPU engine"):
        DeviceCollector(Worlds(), partial(ppo.make_act(learner), IDS), seed=5).set_state(state)


class Card:
    platform, local_hardware_id = "gpu", 0


def test_worlds_on_another_device_than_the_learners_are_refused(monkeypatch):
    sizes = {"max_episode_steps": 5, "reward_version": "v2"}
    with pytest.raises(ValueError, match=r"JAX learns on 'cpu'.*pip install 'jax\[cuda12\]'"):
        make_worlds(NAMES, 1, 1, device="cuda:0", **sizes)
    monkeypatch.setattr(device_collector.jax, "devices", lambda: [Card()])
    for device, hint in (("cuda:1", "take 'cuda:0'"), ("cpu", "JAX_PLATFORMS=cpu")):
        with pytest.raises(ValueError, match=hint):
            make_worlds(NAMES, 1, 1, device=device, **sizes)
    monkeypatch.setattr(device_collector, "make_gpu", lambda names, worlds, **keywords: (names, worlds, keywords))
    names, worlds, keywords = make_worlds(NAMES, 1, 3, device="cuda:0", **sizes)
    assert (names, worlds, keywords["seed"], keywords["goal_visible"]) == (NAMES, 6, 1, True)


@pytest.mark.parametrize("device", ["gpu", "cuda", "cuda:first", ""])
def test_what_is_no_device_is_refused_when_the_settings_are_made(device):
    with pytest.raises(ValueError, match="gpu_engine must be a device as 'cuda:0' or 'cpu'"):
        PpoConfig(gpu_engine=device)


def test_without_the_extra_training_says_how_to_install_it(tmp_path, capsys, monkeypatch):
    from metaworld_baselines import train

    monkeypatch.setattr("metaworld_py.gpu._NEEDED", ("a_module_that_is_not_there",))
    words = ["ppo", "--benchmark", "reach", "--gpu-engine", "cpu", "--out", str(tmp_path)]
    assert train.main(words) == 2
    assert "pip install -e '.[gpu]'" in capsys.readouterr().err


def test_a_step_is_written_in_its_place():
    kept = device_collector.nothing_kept(2, 3)
    n = jnp.arange(2.0)
    now = device_collector.at_start(jnp.ones((2, 39)))
    stepped = device_collector.Stepped(jnp.zeros((2, 39)), n, n > 0, jnp.full((2, 39), 7.0), n, n > 0)
    kept, after = device_collector.keep(kept, 1, now, jnp.full((2, 4), 3.0), n, stepped)
    assert kept.rollout.obs[:, :, 0].tolist() == [[0, 1, 0]] * 2 and kept.rollout.action[0, 1].tolist() == [3.0] * 4
    assert kept.rollout.next_obs[:, 1, 0].tolist() == [0.0, 7.0], "the true successor, also where an episode ended"
    assert after.previous.tolist() == [[1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1]] and after.time.tolist() == [1.0, 0.0]
