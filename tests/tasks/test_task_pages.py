"""What all task pages have in common, and that a new task is one page and one part."""

import ast
import importlib
import inspect
import os
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from metaworld_py import tasks
from metaworld_py.sim.scene import ASSETS
from metaworld_py.tasks.common.definition import SKILLS, Score

PAGES = [module.name for module in pkgutil.iter_modules(tasks.__path__) if not module.ispkg]

PAGE = '''"""Nudge: bring the hand to a die on the table. Task: nudge."""

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import body_pos, quat_xyzw
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import HAND_BOX, FreeBody, ObjectSignals, Placement, Score, Start, TaskDef, vec3
from metaworld_py.tasks.common.shaping import distance, long_tail


def place(rand_vec, settled):
    return Placement((FreeBody("diejoint", vec3(rand_vec)),))


def begin(rand_vec, settled, placed):
    return Start(settled.arm.tcp_pos, placed.obj_pos, vec3(rand_vec, 3))


def score(now, start, effort):
    """10 at the die."""
    to_obj = distance(now.obj_pos, now.arm.tcp_pos)
    return Score(10.0 * long_tail(to_obj, 0.0, 0.05, margin=0.2), to_obj <= 0.05, obj_to_target=to_obj)


NUDGE = TaskDef(
    name="nudge",
    sentence="Bring the hand to the die.",
    family="die",
    skills=("reach",),
    objects=("die",),
    scene=Scene(props=(Prop("die", "die", (0.0, 0.6, 0.02)),)),
    signals=ObjectSignals,
    reads={"obj_pos": body_pos("die"), "obj_quat": quat_xyzw("die")},
    random_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.1),
    random_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.1),
    goal_low=HAND_BOX[0],
    goal_high=HAND_BOX[1],
    place=place,
    begin=begin,
    scores={"v2": score, "v1": score},
    expert=lambda obs: expert.move_tcp(obs, expert.obj_pos(obs), expert.OPEN),
)
'''

PART = """<mujoco model="die">
  <worldbody>
    <body name="die">
      <freejoint name="diejoint"/>
      <inertial mass="0.1" pos="0 0 0" diaginertia="2.67e-05 2.67e-05 2.67e-05"/>
      <geom name="dieGeom" type="box" size="0.02 0.02 0.02" group="4"/>
    </body>
  </worldbody>
</mujoco>
"""

PLAY = """
import gymnasium, metaworld_py
from metaworld_py.evaluation import evaluate
from metaworld_py.agents import ExpertAgent
from metaworld_py.instances.catalogue import task_table
assert list(metaworld_py.TASKS)[-1] == "nudge" and len(metaworld_py.TASKS) == 51
assert [task.name for task in task_table(family="die")] == ["nudge"]
env = gymnasium.make("Meta-World/MT1", env_name="nudge", seed=1)
env.reset(seed=0)
print(evaluate(ExpertAgent(), "nudge", instances_per_task=2, max_episode_steps=100).success_rate)
"""


def test_a_new_task_is_one_page_and_one_part(tmp_path):
    """In a copy of the package that differs in nothing else."""
    package = Path(inspect.getfile(tasks)).parents[1]
    unwanted = shutil.ignore_patterns("__pycache__", "assets")
    shutil.copytree(package, tmp_path / "metaworld_py", ignore=unwanted)
    shutil.copytree(ASSETS, tmp_path / "metaworld_py" / "assets")
    (tmp_path / "metaworld_py" / "tasks" / "nudge.py").write_text(PAGE)
    (tmp_path / "metaworld_py" / "assets" / "props" / "die.xml").write_text(PART)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "METAWORLD_PY_CACHE": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", PLAY], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "1.0"


@pytest.mark.parametrize("page", PAGES)
def test_score_is_a_name_for_functions_of_signals_start_and_effort(page):
    """Helpers are called finish_*, factories make_score_*."""
    module = importlib.import_module(f"metaworld_py.tasks.{page}")
    for name, value in vars(module).items():
        if name.startswith("score") and inspect.isfunction(value) and value.__module__ == module.__name__:
            parameters = inspect.signature(value).parameters.values()
            positional = [one.name for one in parameters if one.kind is not one.KEYWORD_ONLY]
            assert positional == ["now", "start", "effort"] and value.__annotations__["return"] in ("Score", Score), f"{page}.{name}"


@pytest.mark.parametrize("page", PAGES)
def test_scores_name_the_info_that_they_fill(page):
    source = Path(inspect.getfile(importlib.import_module(f"metaworld_py.tasks.{page}"))).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Score":
            assert len(node.args) <= 2, f"{page}.py, line {node.lineno}: reward and success by place, all else by name"


@pytest.mark.parametrize("name", tasks.TASKS)
def test_the_facts_of_a_task_stand_on_its_page(name):
    task = tasks.TASKS[name]
    assert task.family and task.objects and set(task.skills) <= set(SKILLS)
