"""The engine's model and data in users' hands: they follow the episode, what is written into them acts, and copies keep it."""

import copy
import json
import pickle

import mujoco
import numpy as np
import pytest

from metaworld_py import MT1, MetaWorldVectorEnv
from metaworld_py.envs.env import env_class
from metaworld_py.envs.states import EnvState


def actions(steps, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, 4)).astype(np.float32)


def begun(task="push", **keywords):
    env = env_class(task)(**keywords)
    env.set_task(MT1(task, seed=1).train_tasks[0])
    env.reset(seed=0)
    return env


def rewards(env, steps=25):
    return [env.step(action)[1] for action in actions(steps, seed=1)]


@pytest.mark.parametrize("task", ["push", "door-open", "drawer-close"])
def test_data_that_someone_holds_follows_the_episode(task):
    env = begun(task)
    data, hand = env.data, env.data.body("hand")
    for action in actions(30):
        observation = env.step(action)[0]
        assert data.body("hand").xpos == pytest.approx(observation[:3], abs=1e-12)
    assert env.data is data and hand.xpos == pytest.approx(observation[:3], abs=1e-12)
    first = env.reset()[0]
    assert data.body("hand").xpos == pytest.approx(first[:3], abs=2e-4), "a reset observation shows the last physics step's kinematics"


def test_looking_at_the_data_changes_no_number():
    env, watched = begun("door-open"), begun("door-open")
    data = watched.data
    for action in actions(30):
        one, two = env.step(action), watched.step(action)
        assert np.array_equal(one[0], two[0]) and one[1:4] == two[1:4]
        assert data.time > 0.0


WRITES = {
    "mass": lambda env: env.model.body_mass.__imul__(30.0),
    "mass by name": lambda env: setattr(env.model.body("hand"), "mass", 40.0),
    "gravity": lambda env: env.model.opt.gravity.__setitem__(2, -30.0),
    "timestep": lambda env: setattr(env.model.opt, "timestep", 0.001),
    "friction": lambda env: env.model.geom_friction.__imul__(0.01),
    "damping": lambda env: env.model.dof_damping.__imul__(20.0),
    "positions": lambda env: env.data.qpos.__setitem__(slice(0, 7), env.data.qpos[:7] + 0.1),
    "velocities": lambda env: env.data.qvel.__setitem__(slice(0, 7), 1.0),
    "forces": lambda env: env.data.xfrc_applied.__setitem__((env.model.body("hand").id, 2), 60.0),
    "target": lambda env: env.data.mocap_pos.__setitem__((0, 2), 0.4),
}


@pytest.mark.parametrize("what", WRITES)
def test_what_is_written_acts_on_the_episode(what):
    plain, edited = begun(), begun()
    WRITES[what](edited)
    ends = []
    for env in (plain, edited):
        for action in actions(40):
            env.step(action * [0, 0, -1, 1] if what == "friction" else action)
        ends.append(env.get_state().episode.physics)
    if what != "friction":  # acts where things touch
        assert not np.array_equal(*ends)
    assert WRITES and edited.data.qpos.tolist() == edited._episode.simulation.qpos.tolist()


def test_objects_moved_through_the_data_are_observed():
    env = begun("push")
    joint = env.model.joint("objjoint") if "objjoint" in str(env.model.names) else env.model.joint(env.model.njnt - 1)
    at = joint.qposadr[0]
    env.data.qpos[at : at + 2] = [0.1, 0.65]
    assert env.step(np.zeros(4, np.float32))[0][4:6] == pytest.approx([0.1, 0.65], abs=5e-3)


def test_an_edited_environment_leaves_others_alone():
    edited, other = begun(), begun()
    expected = rewards(begun())
    edited.model.body_mass[:] *= 30.0
    rewards(edited)
    assert rewards(other) == expected and rewards(begun()) == expected


THROUGH = [
    lambda env: pickle.loads(pickle.dumps(env)),
    copy.deepcopy,
    lambda env: restored(env, env.get_state()),
    lambda env: restored(env, EnvState.from_plain(json.loads(json.dumps(env.get_state().to_plain())))),
]


@pytest.mark.parametrize("task", ["push", "door-open"])
@pytest.mark.parametrize("through", THROUGH)
def test_changed_physics_travels_with_copies_and_states(task, through):
    env = begun(task)
    env.model.opt.gravity[2] = -30.0
    env.model.body_mass[:] *= 2.0
    env.data.xfrc_applied[env.model.body("hand").id, 2] = 5.0
    rewards(env, 5)
    twin = through(env)
    assert rewards(env) == rewards(twin)


def restored(env, state):
    other = begun(env.task_name)
    other.set_state(state)
    return other


def test_a_state_from_before_a_change_brings_the_old_physics_back():
    env = begun()
    state = env.get_state()
    expected = rewards(env)
    env.model.body_mass[:] *= 30.0
    rewards(env)
    env.set_state(state)
    assert rewards(env) == expected


class Alone:
    """A vector environment of one, played as a single environment is."""

    def __init__(self, task):
        self.envs = MetaWorldVectorEnv([MT1(task, seed=1).train_tasks])
        self.reset, self.get_state, self.set_state = self.envs.reset, self.envs.get_state, self.envs.set_state
        self.unwrapped = self.envs.envs[0]
        self.reset(seed=0)

    def step(self, action):
        return [one[0] for one in self.envs.step(action[np.newaxis])[:2]]

    @property
    def model(self):
        return self.unwrapped.model

    @property
    def data(self):
        return self.unwrapped.data


KINDS = pytest.mark.parametrize("kind", [begun, Alone])


def door_pos(env):
    return env.unwrapped._episode.simulation.model.body("door").pos.tolist()


@KINDS
@pytest.mark.parametrize("field", ["xfrc_applied", "qfrc_applied", "eq_active"])
def test_a_state_from_before_a_force_is_without_it(kind, field):
    env = kind("push")
    array, state = getattr(env.data, field), env.get_state()
    expected = rewards(env)
    env.set_state(state)
    array[:] = 0 if field == "eq_active" else 1.0
    assert rewards(env) != expected
    env.set_state(state)
    assert rewards(env) == expected and np.array_equal(array, getattr(kind("push").data, field))


@KINDS
def test_a_restored_state_has_fixtures_at_their_places_in_what_is_held_too(kind):
    env = kind("door-open")
    model, state, door = env.model, env.get_state(), door_pos(env)
    expected = rewards(env)
    for _ in range(2):
        env.set_state(state)
        assert model.body("door").pos.tolist() == door
        model.body_pos[1, 2] += 1e-3  # carries all bodies to the physics
        assert rewards(env) == expected and door_pos(env) == door


@KINDS
def test_an_edit_of_a_body_leaves_fixtures_at_the_places_of_a_new_instance(kind):
    env, door = kind("door-open"), None
    model = env.model
    for task in MT1("door-open", seed=1).train_tasks[1:3]:
        env.reset(options={"task": task})
        assert door_pos(env) != door
        door = door_pos(env)
        model.body_pos[1, 2] += 1e-9
        env.step(actions(1)[0])
        assert door_pos(env) == model.body("door").pos.tolist() == door


@pytest.mark.parametrize("through", THROUGH)
def test_a_fixture_that_was_moved_stands_there_in_copies_and_states(through):
    env = begun("door-open")
    env.model.body("door").pos[0] += 0.05
    env.step(actions(1)[0])
    twin = through(env)
    assert door_pos(twin) == door_pos(env) and rewards(twin) == rewards(env)
    env.reset(), twin.reset()
    assert door_pos(twin) == door_pos(env) == door_pos(begun("door-open")), "where the next episode's instance has it"


def test_a_fixture_that_was_moved_stands_there_in_copies_of_vector_environments():
    env = Alone("door-open")
    env.model.body("door").pos[0] += 0.05
    env.step(actions(1)[0])
    twin = pickle.loads(pickle.dumps(env.envs))
    assert np.array_equal(env.envs.step(actions(1))[0], twin.step(actions(1))[0]) and door_pos(twin.envs[0]) == door_pos(env)


def test_a_state_of_an_older_file_has_fixtures_at_the_instance_s_places():
    env = begun("door-open")
    saved, expected = env.get_state().to_plain(), rewards(env)
    del saved["episode"]["fixtures"]
    assert rewards(restored(env, EnvState.from_plain(saved))) == expected


def test_looks_travel_with_copies():
    env = begun()
    env.model.cam_pos[2] = [0.75, 0.075, 0.7]
    env.model.geom_rgba[:, 0] = 0.25
    for twin in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert twin.model.cam_pos[2].tolist() == [0.75, 0.075, 0.7] and (twin.model.geom_rgba[:, 0] == 0.25).all()
    assert len(pickle.dumps(env)) < 40_000


def test_forces_end_with_the_episode_and_changes_of_the_model_stay():
    env = begun()
    env.data.xfrc_applied[:, 2] = 5.0
    env.model.opt.gravity[2] = -5.0
    env.step(np.zeros(4, np.float32))
    env.reset()
    assert not env.data.xfrc_applied.any() and env.model.opt.gravity[2] == -5.0
    assert not env._episode.simulation.data.xfrc_applied.any() and env._episode.simulation.model.opt.gravity[2] == -5.0


def test_positions_and_velocities_can_be_set_as_in_other_mujoco_environments():
    env = begun()
    qpos, qvel = env.data.qpos.copy(), env.data.qvel.copy()
    qpos[-7:-4] += [0.05, 0.02, 0.0]
    env.set_state(qpos, qvel)
    assert env.data.qpos == pytest.approx(qpos) and env._get_obs()[4:6] == pytest.approx(qpos[-7:-5])
    assert env.step(np.zeros(4, np.float32))[0][4:6] == pytest.approx(qpos[-7:-5], abs=1e-3)
    with pytest.raises(ValueError, match=r"give an EnvState .* or qpos"):
        env.set_state(qpos[:3], qvel)


def test_one_renderer_made_of_model_and_data_shows_the_episode(opengl):
    env = begun()
    renderer = mujoco.Renderer(env.model, 48, 48)
    try:
        pictures = []
        for _ in range(2):
            renderer.update_scene(env.data, camera="corner")
            pictures.append(renderer.render().copy())
            held = env.data
            for action in actions(30):
                env.step(action)
        renderer.update_scene(held, camera="corner")
        pictures.append(renderer.render().copy())
    finally:
        renderer.close()
    assert (pictures[0] != pictures[1]).any() and (pictures[1] != pictures[2]).any()


# Attributes that can be assigned


@pytest.mark.parametrize("name", ["reward_function_version", "episode_options"])
def test_another_reward_version_takes_effect_at_once(name):
    env, other = begun(), begun(reward_function_version="v1")
    if name == "episode_options":
        env.episode_options = other.episode_options
    else:
        env.reward_function_version = "v1"
    assert rewards(env) == rewards(other)
    with pytest.raises(ValueError, match="reward_function_version must be one of"):
        env.reward_function_version = "v3"
    assert env.reward_function_version == "v1" and pickle.loads(pickle.dumps(env)).reward_function_version == "v1"


def test_another_camera_takes_effect_at_once(opengl):
    env = begun(render_mode="rgb_array", width=32, height=32, camera_name="corner")
    first = env.render()
    env.camera_name = "topview"
    second = env.render()
    env.camera_id = 1
    assert env.camera_name is None and (first != second).any() and np.array_equal(env.render(), first)
    with pytest.raises(ValueError, match="unknown camera"):
        env.camera_name = "nowhere"
    with pytest.raises(ValueError, match="render_mode must be"):
        env.render_mode = "ascii"


@pytest.mark.parametrize(
    "name", ["action_scale", "dt", "frame_skip", "mocap_low", "task_name", "goal", "one_hot", "wrapper_options", "tcp_center"]
)
def test_what_cannot_be_changed_cannot_be_assigned(name):
    with pytest.raises(AttributeError):
        setattr(begun(), name, 1)
