"""How many kernels an update is on a GPU, without one."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "gpu" / "count_kernels.py"
spec = importlib.util.spec_from_file_location("count_kernels", TOOL)
count_kernels = importlib.util.module_from_spec(spec)
spec.loader.exec_module(count_kernels)

PROGRAM = """
%fused_add (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  ROOT %add = f32[4]{0} add(%p, %p)
}

%region_1.2 (arg: (s32[], f32[4])) -> (s32[], f32[4]) {
  %arg = (s32[], f32[4]{0}) parameter(0)
  %x = f32[4]{0} get-tuple-element(%arg), index=1
  %loop_add_fusion = f32[4]{0} fusion(%x), kind=kLoop, calls=%fused_add
  %custom-call.1 = (f32[4]{0}, s8[64]{0}) custom-call(%loop_add_fusion, %x), custom_call_target="__cublas$lt$matmul"
  %y = f32[4]{0} get-tuple-element(%custom-call.1), index=0
  %copy.1 = f32[4]{0} copy(%y)
  ROOT %tuple = (s32[], f32[4]{0}) tuple(%n, %copy.1)
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  %copy.2 = f32[4]{0} copy(%x)
  ROOT %while = (s32[], f32[4]{0}) while(%t), condition=%region_2.3, body=%region_1.2
}
"""


def test_what_launches_something_in_the_loop_counts():
    assert count_kernels.kernels_in_loop(PROGRAM) == {"fusion": 1, "product": 1, "copy": 1}
    assert count_kernels.kernels_in_loop("ENTRY %main (x: f32[]) -> f32[] {\n}").total() == 0


@pytest.mark.slow
@pytest.mark.skipif(
    not any(importlib.util.find_spec(f"jax_cuda{number}_plugin") for number in (12, 13)),
    reason="needs jax's CUDA plugin",
)
def test_an_update_is_few_kernels_with_gradient_surgery_too():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.run([sys.executable, TOOL], env=environment, capture_output=True, text=True, check=True).stdout
    counts = {name: int(number) for name, number in re.findall(r"^(\S+): (\d+) kernels", printed, re.MULTILINE)}
    assert counts.keys() == {"mtmh-sac", "pcgrad-sac"} and max(counts.values()) <= 120, printed
