"""Kernels of the GPU engine are compiled for a card without one, and a second call compiles nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # minutes of compiling
pytest.importorskip("mujoco_warp", reason="needs the extra gpu")

ROOT = Path(__file__).parents[2]


def test_one_mechanism_compiles_for_an_h100_and_only_once(tmp_path):
    command = [sys.executable, ROOT / "tools/gpu/compile_kernels.py", tmp_path, "--benchmark", "door-open", "--worlds", "64"]
    told = [
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert any(b"ELF" in path.read_bytes()[:4] for path in tmp_path.rglob("*.cubin"))
    assert " 0 compiled" not in told[0]
    assert " 0 compiled" in told[1]
