"""Plays the published package as a black box: environments and scripted policies by requests. Needs nothing but metaworld.

JSON lines, one request and one answer each (called by compare_closed_loop.py):
    {"do": "make", "task": "reach", "seed": 0}          -> {"instances": 50}
    {"do": "reset", "instance": 3}                      -> {"observation": [39 numbers]}
    {"do": "step", "action": [4 numbers]}               -> {"observation": [...], "success": false}
    {"do": "policies", "task": "reach", "count": 20}    -> {}
    {"do": "act", "observations": [[...], ...]}         -> {"actions": [[...], ...]}    row i by policy i
    {"do": "versions"}                                  -> {"metaworld": "...", "mujoco": "..."}
A request that fails is answered {"error": "..."}.
"""

import json
import os
import sys
from importlib.metadata import version

import metaworld
import numpy as np
from metaworld.policies import ENV_POLICY_MAP


class Worker:
    """Holds one environment and one set of policies."""

    def __init__(self):
        self.env = None
        self.instances = []
        self.policies = []

    def make(self, task, seed):
        if self.env is not None:
            self.env.close()
        benchmark = metaworld.MT1(f"{task}-v3", seed=seed)
        self.env = benchmark.train_classes[f"{task}-v3"]()
        self.instances = benchmark.train_tasks
        return {"instances": len(self.instances)}

    def reset(self, instance):
        self.env.set_task(self.instances[instance])
        observation, _ = self.env.reset()
        return {"observation": observation.tolist()}

    def step(self, action):
        observation, _, _, _, info = self.env.step(np.array(action, dtype=np.float32))
        return {"observation": observation.tolist(), "success": bool(info["success"])}

    def start_policies(self, task, count):
        self.policies = [ENV_POLICY_MAP[f"{task}-v3"]() for _ in range(count)]
        return {}

    def act(self, observations):
        pairs = zip(self.policies, observations, strict=True)
        return {"actions": [np.asarray(policy.get_action(np.array(row)), dtype=float).tolist() for policy, row in pairs]}

    def versions(self):
        return {name: version(name) for name in ("metaworld", "mujoco")}


def main():
    # The package may print: keep the answers' channel for answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker = Worker()
    actions = {
        "make": worker.make,
        "reset": worker.reset,
        "step": worker.step,
        "policies": worker.start_policies,
        "act": worker.act,
        "versions": worker.versions,
    }
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = actions[request.pop("do")](**request)
        except Exception as error:  # whatever it is, the caller must hear of it instead of waiting
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
