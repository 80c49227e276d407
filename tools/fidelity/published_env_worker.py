"""Plays the published package's environments as a black box for compare_closed_loop.py; runs in its virtual environment.

Speaks JSON lines: {"task", "seed", "instance"} starts an episode and answers {"obs"}; {"action"} steps and answers {"obs", "success"};
{"policy": obs} answers {"action"} of the published policy.
"""

import json
import os
import sys

# Whatever the package prints goes to stderr: stdout is for answers. Before the imports, for they may print, too.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import metaworld
import numpy as np
from metaworld.policies import ENV_POLICY_MAP


class Worker:
    """One task at a time."""

    def __init__(self):
        self.key, self.env, self.tasks, self.policy = None, None, None, None

    def answer(self, message):
        if "task" in message:
            return self.start(message["task"], message["seed"], message["instance"])
        if "policy" in message:
            action = self.policy.get_action(np.array(message["policy"]))
            return {"action": np.clip(action, -1, 1).astype(float).tolist()}
        obs, _, _, _, info = self.env.step(np.array(message["action"], dtype=np.float32))
        return {"obs": obs.tolist(), "success": float(info["success"])}

    def start(self, task, seed, instance):
        if self.key != (task, seed):
            benchmark = metaworld.MT1(f"{task}-v3", seed=seed)
            self.key, self.env, self.tasks = (task, seed), benchmark.train_classes[f"{task}-v3"](), benchmark.train_tasks
            self.policy = ENV_POLICY_MAP[f"{task}-v3"]()
        self.env.set_task(self.tasks[instance])
        return {"obs": self.env.reset()[0].tolist()}


def main():
    worker = Worker()
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=ANSWERS, flush=True)


if __name__ == "__main__":
    main()
