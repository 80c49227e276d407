"""Uses the installed wheel, nothing of the checkout: run in an empty folder, with the folder that it was installed to as argument."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import metaworld_baselines
import metaworld_py
from metaworld_baselines.publishing import leaderboard
from metaworld_py.agents import ExpertAgent, load_agent
from metaworld_py.agents.cards import cards
from metaworld_py.evaluation import evaluate
from metaworld_py.sim.scene import ASSETS

installed = Path(sys.argv[1]).resolve()
for place in (metaworld_py.__file__, metaworld_baselines.__file__, ASSETS):
    assert Path(place).is_relative_to(installed), f"{place} is not of the wheel in {installed}"

assert evaluate(ExpertAgent(), "door-open", instances_per_task=2).success_rate == 1.0
names = list(cards())
assert "sac-reach" in names, names
assert evaluate(load_agent("sac-reach"), "reach", instances_per_task=2, max_episode_steps=200).success_rate == 1.0
assert not leaderboard.check(), leaderboard.check()

command = [sys.executable, "-m", "metaworld_baselines.train", "sac", "--benchmark", "reach", "--total-env-steps", "400"]
sizes = "--envs-per-task 2 --width 8 --batch-per-task 4 --buffer-per-task 1000 --warmup-vector-steps 50 --eval-instances 1"
subprocess.run([*command, *sizes.split(), "--max-episode-steps", "40", "--seed", "1"], check=True, capture_output=True)
agent = load_agent("baselines:runs/sac-reach-seed1")
evaluate(agent, "reach", instances_per_task=1, max_episode_steps=20)
print(f"the wheel works in an empty folder: experts, {len(names)} agents, leaderboard, a training run")
