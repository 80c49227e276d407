"""Files of training runs that are damaged, absurd or of something else: refused by name, before anything is built."""

import json
import resource
import shutil
import signal
import struct
from dataclasses import asdict

import numpy as np
import pytest

pytest.importorskip("jax")

from safetensors import safe_open
from safetensors.numpy import save_file

from metaworld_baselines.algorithms import registry
from metaworld_baselines.algorithms.loading import load_agent
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.places import AGENTS
from metaworld_baselines.publishing import leaderboard, publish, summary
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.run import cut_table
from metaworld_baselines.runs.run_files import checked_fields, read_description, read_table
from metaworld_baselines.train import read_config
from metaworld_py.agents import load_agent as load_by_name

AGENT = AGENTS / "sac-reach" / "last.safetensors"

with safe_open(AGENT, framework="numpy") as whole:
    HEADER = whole.metadata()
    ARRAYS = {name: whole.get_tensor(name) for name in whole.keys()}  # noqa: SIM118  # no mapping
CONFIG = json.loads(HEADER["config"])
BYTES = AGENT.read_bytes()


def with_config(**changes):
    return {**HEADER, "config": json.dumps({**CONFIG, **changes})}


def changed_arrays(change):
    first = next(iter(ARRAYS))
    return {**ARRAYS, first: change(ARRAYS[first])}


HEADERS = {
    "absurd width": (with_config(width=10**9), "width is 1000000000, but the file has"),
    "width beyond all integers": (with_config(width=10**30), "width is 1"),
    "absurd depth": (with_config(depth=10**9), "depth is 1000000000, but the file has .* arrays"),
    "another width": (with_config(width=CONFIG["width"] + 1), "does not fit: params"),
    "negative width": (with_config(width=-3), "width must be at least 1"),
    "width in words": (with_config(width="wide"), "width of SacConfig cannot be 'wide'"),
    "width in a list": (with_config(width=[256]), r"width of SacConfig cannot be \[256\]"),
    "yes as a number": (with_config(overlap=1), "overlap of SacConfig cannot be 1"),
    "not a number": (with_config(discount=float("nan")), "discount of SacConfig cannot be nan"),
    "unknown field": (with_config(nonsense=1), "SacConfig has no field 'nonsense'"),
    "unknown method": (with_config(gradient_method="magic"), "unknown combination of gradients 'magic'"),
    "unknown benchmark": (with_config(benchmark="MT11"), "MT11"),
    "the same task often": (with_config(benchmark=",".join(["reach"] * 1000)), "only once"),
    "unknown algorithm": ({**HEADER, "algorithm": '"dqn"'}, "unknown algorithm 'dqn'; there are sac"),
    "no algorithm": ({name: value for name, value in HEADER.items() if name != "algorithm"}, "names no algorithm"),
    "algorithm is a number": ({**HEADER, "algorithm": "3"}, "names no algorithm"),
    "configuration is a list": ({**HEADER, "config": "[]"}, "names no algorithm and configuration"),
    "configuration is cut off": ({**HEADER, "config": "{"}, "JSONDecodeError"),
    "deeply nested": ({**HEADER, "config": '{"a":' * 100_000}, "RecursionError"),
    "another schema": ({**HEADER, "schema": '"else"'}, "its schema is 'else'"),
}
WEIGHTS = {
    "not numbers": (changed_arrays(lambda array: np.full_like(array, np.nan)), "weights that are not finite"),
    "infinite": (changed_arrays(lambda array: np.full_like(array, np.inf)), "weights that are not finite"),
    "missing": (dict(list(ARRAYS.items())[1:]), "has shape None there"),
    "one more": ({**ARRAYS, "more": np.zeros(3, np.float32)}, r"more has shape \(3,\) there, None here"),
    "of another shape": (changed_arrays(lambda array: array[..., :-1].copy()), "does not fit"),
    "whole numbers": (changed_arrays(lambda array: array.astype(np.int8)), "is int8 there, float32 here"),
    "double": (changed_arrays(lambda array: array.astype(np.float64) * 1e300), "is float64 there, float32 here"),
}
_HUGE = json.dumps({"x": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}, "__metadata__": HEADER}).encode()
JUNK = {
    "empty": b"",
    "truncated": BYTES[: len(BYTES) // 2],
    "truncated header": BYTES[:20],
    "text": b"not weights" * 50,
    "absurd header": struct.pack("<Q", 2**60) + BYTES[8:],
    "deeply nested": struct.pack("<Q", 600_000) + b'{"a":' * 120_000,
    "absurd array": struct.pack("<Q", len(_HUGE)) + _HUGE,
}


@pytest.mark.parametrize("what", [*HEADERS, *WEIGHTS, *JUNK])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path, what):
    path = tmp_path / "last.safetensors"
    if what in JUNK:
        path.write_bytes(JUNK[what])
    if what in HEADERS:
        save_file(ARRAYS, path, metadata=HEADERS[what][0])
    if what in WEIGHTS:
        save_file(WEIGHTS[what][0], path, metadata=HEADER)
    says = {**HEADERS, **WEIGHTS}.get(what, (None, "is not a checkpoint"))[1]
    for load in (load_agent, lambda path: load_by_name(f"baselines:{path}")):
        with pytest.raises(ValueError, match=f"(?s)last.safetensors.*{says}"):
            load(path)


def test_a_whole_checkpoint_is_taken():
    action = load_agent(AGENT).eval_action(np.zeros((1, 39)))
    assert np.shape(action) == (1, 4) and np.isfinite(action).all()


def test_what_a_run_goes_on_from_is_checked_too(tmp_path):
    path = tmp_path / checkpoints.RESUME
    for header, says in (({"env_steps": 3}, "is not what a training run"), ({"env_steps": "x", "seconds": 1}, "is not what")):
        checkpoints.save(path, {"a": np.zeros(2)}, {"algorithm": "sac", "config": {}, **header})
        from metaworld_baselines.runs.run import Run

        with pytest.raises(ValueError, match=f"{checkpoints.RESUME} {says}"):
            Run(tmp_path, "sac", {}, 10, unit="env_steps", is_on_tensorboard=False)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"algorithm": 3}', b'{"algorithm": "sac"}', b'{"a":' * 100_000, b"\xff\xfe"])
def test_damaged_descriptions_of_runs_are_refused_by_name(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    of_folders = [publish.read_run] if content.endswith(b"}") else [publish.read_run, summary.row]
    for read in (read_description, read_config, *[lambda path, of=of: of(path.parent) for of in of_folders]):
        with pytest.raises(ValueError, match=r"config\.json"):
            read(tmp_path / "config.json")


@pytest.mark.parametrize("change", [{"algorithm": "dqn"}, {"config": {"seed": 1, "width": "wide"}}, {"config": {"seed": 1, "field": 3}}])
def test_descriptions_of_other_algorithms_are_refused_by_name(tmp_path, change):
    described = {"algorithm": "sac", "config": {**asdict(SacConfig()), "seed": 1}, **change}
    (tmp_path / "config.json").write_text(json.dumps(described))
    for read in (read_config, lambda path: publish.read_run(path.parent)):
        with pytest.raises(ValueError, match=r"config\.json is not the configuration of an algorithm"):
            read(tmp_path / "config.json")


@pytest.mark.parametrize("content", ["", "a,b\n", "a,b\n1,x\n", "a,b\n1\n", "\x00\x00"])
def test_damaged_tables_are_refused_by_name(tmp_path, content):
    (tmp_path / "curve.csv").write_text(content)
    for read in (read_table, lambda path: publish.read_curve(path.parent)):
        with pytest.raises(ValueError, match=r"curve\.csv is not a table"):
            read(tmp_path / "curve.csv")


def test_a_damaged_table_of_a_run_that_goes_on_is_refused_by_name(tmp_path):
    (tmp_path / "progress.csv").write_text("env_steps,x\nmany,1\n")
    with pytest.raises(ValueError, match=r"progress\.csv"):
        cut_table(tmp_path / "progress.csv", 3)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"rows": 3}', b'{"a":' * 100_000])
def test_a_damaged_leaderboard_is_refused_by_name(tmp_path, content):
    (tmp_path / leaderboard.FILE).write_bytes(content)
    with pytest.raises(ValueError, match=leaderboard.FILE):
        leaderboard.read(tmp_path)


def test_fields_may_be_of_each_kind_that_they_declare():
    config = SacConfig()
    assert checked_fields(config, {"discount": 0.5, "width": 3, "max_grad_norm": 1}) == {"discount": 0.5, "width": 3, "max_grad_norm": 1}
    for algorithm in registry.algorithms().values():
        assert algorithm.config_from(json.loads(json.dumps(asdict(algorithm.config)))) == algorithm.config


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path):
    path = tmp_path / checkpoints.LAST
    shutil.copyfile(AGENT, path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        with pytest.raises(OSError, match=r"last\.safetensors could not be written"):
            checkpoints.save(path, ARRAYS, {"algorithm": "sac", "config": {}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == BYTES and list(tmp_path.iterdir()) == [path]
