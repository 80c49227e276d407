"""What an offline GPU machine is given: the wheels are complete and small enough, and our package imports among them."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")]

ROOT = Path(__file__).parents[2]
MODULES = ("mujoco", "mujoco.batch", "gymnasium", "tyro", "tensorboardX")  # from the wheels
OURS = (
    *("metaworld_py", "metaworld_py.engine.compiled", "metaworld_py.evaluation", "metaworld_py.envs.vector_env"),
    *("metaworld_baselines.jobs", "metaworld_baselines.algorithms.ppo"),
)
ON_THE_MACHINE = {  # of what our package and the wheels ask for
    *("absl-py", "cloudpickle", "etils", "flax", "imageio", "jax", "jaxtyping", "matplotlib", "numba", "numpy", "optax", "packaging"),
    *("pillow", "protobuf", "safetensors", "scipy", "tqdm", "typing-extensions"),
}
NOT_NEEDED = {  # imported only for films, pictures, MuJoCo's viewer in a browser, tables
    "imageio-ffmpeg": "imageio_ffmpeg",
    "pyopengl": "OpenGL",
    "websockets": "websockets",
    "jsonschema": "jsonschema",
}
FOR_312 = pytest.mark.skipif(sys.version_info[:2] != (3, 12) or sys.platform != "linux", reason="the wheels are for Python 3.12 on Linux")
NEEDS_ENGINE = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="needs the extra gpu")
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(39, 4, -1)]


def bash(script, *arguments, **variables):
    own = {"PYTHON": sys.executable, "PIECES": "/none"}  # a developer may have some
    environment = {**os.environ, **own, **{name: str(value) for name, value in variables.items()}}
    return subprocess.run(["bash", ROOT / "tools/gpu" / script, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder as `prepare.sh` fills it; what travels is packed beside it."""
    folder = tmp_path_factory.mktemp("plain") / "wheels"
    probe = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder / "probe"), "farama-notifications"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("pip or an index to download from is missing")
    prepared = bash("prepare.sh", folder, PACK_OPTIONS="--preset 1")
    assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    return folder


def test_every_requirement_travels_or_is_there(wheels):
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    ours = map(Requirement, project["dependencies"] + extras["baselines"] + extras["fast"])
    wanted = {canonicalize_name(one.name) for one in ours if is_meant(one)} - {canonicalize_name(project["name"])}
    carried, tags = set(), {*cpython_tags((3, 12), platforms=PLATFORMS), *compatible_tags((3, 12), "cp312", PLATFORMS)}
    for path in wheels.glob("*.whl"):
        name, _, _, fits = parse_wheel_filename(path.name)
        assert fits & tags, path.name
        assert name not in carried, f"{name} twice: pip would refuse all"
        carried.add(name)
        with zipfile.ZipFile(path) as archive:
            metadata = next(entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA"))
            lines = Parser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist", [])
        wanted |= {canonicalize_name(one.name) for one in map(Requirement, lines) if is_meant(one)}
    assert wanted - carried - ON_THE_MACHINE - NOT_NEEDED.keys() == set()
    assert not carried & (ON_THE_MACHINE | NOT_NEEDED.keys())


def is_meant(requirement):
    there = {"extra": "", "python_version": "3.12", "sys_platform": "linux"}
    return requirement.marker is None or requirement.marker.evaluate(there)


def test_a_second_call_fetches_nothing_and_too_much_is_refused(wheels):
    before = {path: path.stat().st_mtime_ns for path in wheels.iterdir()}
    refused = bash("prepare.sh", wheels, LIMIT_MIB=1)
    assert refused.returncode == 1 and "too little to carry anything" in refused.stderr
    assert {path: path.stat().st_mtime_ns for path in wheels.iterdir()} == before


def test_what_travels_is_a_fraction_of_the_wheels(wheels):
    parts = list((wheels.parent / "packed").glob("*/*.part"))
    assert len(parts) == 1
    assert parts[0].stat().st_size < 0.4 * sum(path.stat().st_size for path in wheels.glob("*.whl"))


def test_without_wheels_it_says_what_to_do(tmp_path):
    missing = bash("run.sh", "--python", "-c", "", PACKED=tmp_path, SITE=tmp_path / "site")
    assert missing.returncode == 1 and "prepare.sh" in missing.stderr


@FOR_312
def test_the_package_imports_among_the_wheels(wheels, tmp_path):
    site = tmp_path / "site"
    lines = [f"import sys; sys.modules.update(dict.fromkeys({list(NOT_NEEDED.values())}))"]  # importing one fails
    lines += [f"import {module}; assert {module}.__file__.startswith({str(site)!r}), {module}.__file__" for module in MODULES]
    lines += [f"import {module}" for module in OURS]
    for _ in range(2):  # the second time it is installed already
        ran = bash("run.sh", "--python", "-W", "error", "-c", "\n".join(lines), PACKED=wheels.parent / "packed", SITE=site)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_without_the_engine_its_versions_are_not_guessed(tmp_path):
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    refused = bash("prepare.sh", "--engine", tmp_path / "engine", PYTHON=fake)
    assert refused.returncode == 1 and "pip install -e '.[gpu]'" in refused.stderr


@pytest.fixture(scope="module")
def engine(wheels, tmp_path_factory):
    """The GPU engine's pieces as `prepare.sh` cuts them, quickly packed, with what a rehearsal without a card needs."""
    folder = tmp_path_factory.mktemp("engine")
    prepared = bash("prepare.sh", "--engine", folder / "wheels", PACK_OPTIONS="--preset 1 --with-processor", KERNELS=folder / "none")
    assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    assert f"carries {folder}/pieces/1, runs tools/gpu/run.sh --look" in prepared.stdout
    looked = bash("run.sh", "--look", PIECES=folder / "pieces")
    assert looked.returncode == 0 and "numba" in looked.stdout, looked.stderr
    return folder / "pieces"


@NEEDS_ENGINE
@FOR_312
def test_the_engine_comes_out_of_its_pieces(engine, tmp_path):
    """It imports from there, and steps on the processor; kernels are this machine's where it has them."""
    site, kernels = tmp_path / "site-engine", Path.home() / ".cache" / "warp"
    there = {"PIECES": engine, "SITE": tmp_path / "site", "PIP_NO_INDEX": 1, "WARP_CACHE_PATH": kernels}
    lines = [f"import {one}; assert {one}.__file__.startswith({str(site)!r}), {one}.__file__" for one in ("warp", "mujoco_warp", *MODULES)]
    speed = ("perf/gpu.py", "--benchmark", "door-open", "--worlds", "2", "--device", "cpu", "--steps", "2")
    for words in (("-c", "\n".join([*lines, "import metaworld_baselines.algorithms.ppo"])), speed):
        ran = bash("run.sh", "--python", *words, **there)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 worlds on" in ran.stdout
