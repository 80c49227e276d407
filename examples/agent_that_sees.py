"""An agent that sees: it says what it wants to observe, and whatever plays it shows it that.

python examples/agent_that_sees.py, or
metaworld-py evaluate reach --agent examples.agent_that_sees:Servo --episodes 5 --max-episode-steps 60
"""

import numpy as np

from metaworld_py.evaluation import evaluate

INPUTS = {
    "obs_mode": "pixels+state",
    "obs_cameras": "corner3_upright",
    "obs_kinds": ("segmentation", "point_cloud"),
    "obs_width": 64,
    "obs_height": 64,
    "action_repeat": 2,
    "instruction": True,
}


class Servo:
    """Drives the hand to the goal marker that it sees, asked at every second control step. Of the state it reads the hand alone."""

    inputs = INPUTS

    def eval_action(self, observations: dict) -> np.ndarray:
        """Actions (n, 4) towards the mean of the points that the marker covers, which has the highest number in a segmentation."""
        assert "goal" in observations["instruction"][0], "the task's sentence, one per environment"
        tcps = observations["state"][:, :3] - (0.0, 0.0, 0.045)  # m, from the wrist to between the finger tips
        seen = zip(observations["segmentation"], observations["point_cloud"], strict=True)
        goals = np.array([points[bodies == bodies.max()].mean(axis=0) for bodies, points in seen])
        return np.pad(np.clip(10.0 * (goals - tcps), -1.0, 1.0), ((0, 0), (0, 1))).astype(np.float32)


if __name__ == "__main__":
    print(evaluate(Servo(), "reach", instances_per_task=5, max_episode_steps=60))
