"""Replays recorded actions in an exported scene. Runs under the published engine: needs nothing but mujoco and numpy.

python published_engine_worker.py SCENE.xml JOB.npz RESULT.npz     (called by replay_published_engine.py)
"""

import sys

import mujoco
import numpy as np


def main(model_file: str, job_file: str, result_file: str) -> None:
    model = mujoco.MjModel.from_xml_path(model_file)
    data = mujoco.MjData(model)
    job = np.load(job_file)
    restore_digits(model, data, job)
    n_episodes, n_steps = job["action"].shape[:2]
    settled = np.zeros((n_episodes, model.nq))
    qpos = np.zeros((n_episodes, n_steps, model.nq))
    step_qpos, leans = qpos.copy(), np.zeros((n_episodes, n_steps), dtype=bool)
    for episode in range(n_episodes):
        for name, pos in zip(job["fixtures"], job["fixture_pos"][episode], strict=True):
            model.body(str(name)).pos[:] = pos
        settle(model, data, job)
        settled[episode] = data.qpos
        # The solver's warm start stays as settled; the rest is the recorded state.
        data.qpos[:] = job["reset_qpos"][episode]
        data.qvel[:] = job["reset_qvel"][episode]
        mujoco.mj_forward(model, data)
        for step, action in enumerate(job["action"][episode]):
            control_step(model, data, job, action)
            qpos[episode, step] = data.qpos
        for step, action in enumerate(job["action"][episode]):
            resume(model, data, job, episode, step)
            leans[episode, step] = control_step(model, data, job, action)
            step_qpos[episode, step] = data.qpos
    np.savez(result_file, settled_qpos=settled, qpos=qpos, step_qpos=step_qpos, leans=leans)


def restore_digits(model, data, job):
    """Frames as they were before they were written as text. Frames of mesh geoms are the engine's own."""
    is_shape = model.geom_type != mujoco.mjtGeom.mjGEOM_MESH
    for field, rows in (("body_pos", slice(None)), ("body_quat", slice(None)), ("geom_pos", is_shape), ("geom_quat", is_shape)):
        read, exact = getattr(model, field), job[field]
        if not np.allclose(read[rows], exact[rows], atol=1e-5):
            raise ValueError(f"{field} differs from the exported scene's by more than rounding")
        read[rows] = exact[rows]
    mujoco.mj_setConst(model, data)


def settle(model, data, job):
    mujoco.mj_resetData(model, data)
    data.mocap_pos[0] = job["hand_start"]
    data.mocap_quat[0] = job["mocap_quat"]
    data.ctrl[:] = job["open_fingers"]
    mujoco.mj_step(model, data, int(job["settle_steps"]) + int(job["extra_settle_steps"]))


def resume(model, data, job, episode, step):
    """The recorded state before a control step."""
    before = [job[key][episode, step - 1] if step else job[f"reset_{key}"][episode] for key in ("qpos", "qvel", "mocap")]
    data.qpos[:], data.qvel[:], data.mocap_pos[0] = before[0], before[1], before[2][:3]
    mujoco.mj_forward(model, data)


def control_step(model, data, job, action):
    """One control step; returns whether the palm touched anything."""
    displacement = np.clip(action, -1, 1)[:3] * float(job["max_displacement"])
    data.mocap_pos[0] = np.clip(data.mocap_pos[0] + displacement, job["mocap_low"], job["mocap_high"])
    data.ctrl[:] = action[3], -action[3]
    palm, leans = model.geom("palm").id, False
    for _ in range(int(job["physics_steps"])):
        mujoco.mj_step(model, data)
        leans |= bool((data.contact.geom == palm).any())
    mujoco.mj_forward(model, data)
    return leans


if __name__ == "__main__":
    main(*sys.argv[1:])
