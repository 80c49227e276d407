"""The speed table: its structure and plausibility, never its time."""

import json
import math
from dataclasses import replace

import pytest

from metaworld_py.checks import bench
from metaworld_py.cli.main import main
from metaworld_py.engine import machine

TINY = replace(bench.quick_config(), tasks=("reach",), env_counts=(1, 4), rounds=1, seconds_per_cell=0.01, measures_memory=False)
# Wide, because other processes may take the machine in the middle of either measurement; a wrong unit or count would be outside.
PLAUSIBLE_SHARE = (0.001, 20.0)


def test_quick_table_has_every_cell_with_plausible_numbers(tmp_path, capsys):
    out = tmp_path / "speed.json"
    assert main(["bench", "--quick", "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    saved = json.loads(out.read_text())
    assert saved["schema"] == bench.SCHEMA and saved["num_threads"] == machine.available_cores()
    cells = {(cell["tasks"], cell["num_envs"]): cell for cell in saved["cells"]}
    assert list(cells) == [("reach", 1), ("reach", 10), ("MT10", 10)]
    for (tasks, num_envs), cell in cells.items():
        assert f"| {tasks} " in printed
        assert cell["interface"] == ("Env" if num_envs == 1 else "VectorEnv")
        assert cell["num_cores"] == min(num_envs, saved["num_threads"])
        assert cell["busy_cores"] > 0
        assert PLAUSIBLE_SHARE[0] < cell["floor_share"] < PLAUSIBLE_SHARE[1]
        assert all(math.isfinite(cell[name]) and cell[name] > 0 for name in ("steps_per_second", "resets_per_second"))
    assert set(saved["bytes_per_env"]) == {"reach", "MT10"}
    for size in saved["bytes_per_env"].values():
        assert size is None or 0 <= size < 50e6, "an environment is a few arrays"


def test_share_of_the_floor_is_of_all_cores_that_an_environment_may_use():
    cell = bench.measure("reach", 4, replace(TINY, num_threads=1))
    assert cell.num_cores == 1
    assert cell.floor_share == pytest.approx(cell.steps_per_second / cell.floor_steps_per_second), "one round, one core"


def test_the_floor_steps_what_the_environment_steps():
    instances = bench.CustomMT(["reach"], seed=0, per_task=1)
    floor = bench._Floor(["reach"], 1, instances, seed=0)
    _, model, data = floor._scenes[0]
    begun = data.time
    floor.time_chunks(1)
    assert model.nq == bench.find_task("reach").model.nq and model.ngeom == bench.find_task("reach").model.ngeom
    assert data.time - begun == pytest.approx(bench.CHUNK * bench.PHYSICS_STEPS * model.opt.timestep)


def test_windows_start_with_a_reset():
    envs = bench._Environments(["reach"], 2, bench.CustomMT(["reach"], seed=0, per_task=2), threads=1, config=bench.BenchConfig())
    envs.time_chunks(bench.WINDOW // bench.CHUNK)
    assert envs._position == bench.WINDOW
    envs.time_chunks(1)
    assert envs._position == bench.CHUNK


def test_progress_adds_up_to_one():
    parts = []
    bench.bench(TINY, progress=lambda what, part: parts.append(part))
    assert sum(parts) == pytest.approx(1.0)


def test_a_set_is_measured_where_the_count_is_a_multiple_of_its_tasks():
    config = bench.BenchConfig(tasks=("reach", "MT10"), env_counts=(1, 10, 15, 20))
    assert config.cells == [("reach", 1), ("reach", 10), ("reach", 15), ("reach", 20), ("MT10", 10), ("MT10", 20)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "rech"], "Did you mean 'reach'"),
        (["--tasks", "MT10", "--envs", "7"], "multiple"),
        (["--envs", "0"], "env_counts must be at least 1"),
        (["--rounds", "0"], "rounds must be at least 1"),
        (["--seconds", "0"], "above 0"),
        (["--threads", "100000"], "the cores of this machine"),
        (["--json", "speed.txt"], "takes a .json file"),
        (["--json", "no/such/folder/speed.json"], "create it first"),
    ],
)
def test_mistakes_give_one_clear_line(arguments, message, capsys):
    assert main(["bench", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("metaworld-py: ")
