"""Kernels of an update of the SAC family as compiled for an H100, without one: `python tools/gpu/count_kernels.py mtmh-sac pcgrad-sac`.

Needs jax's CUDA plugin (pip install jax-cuda13-plugin jax-cuda13-pjrt, --no-deps will do) and ptxas; no driver, no card. What a kernel
takes, only a card can tell; products are left to cuBLAS here, where a card's autotuning may choose others.
"""

# ruff: noqa: PLC0415  # jax comes after the environment that it reads

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from dataclasses import replace
from functools import partial

# A description of the card as XLA's compiler wants it. Versions decide what may become a CUDA graph.
H100 = """
gpu_device_info {
  name: "NVIDIA H100 80GB HBM3" device_vendor: "NVIDIA Corporation" platform_version: "Compute Capability 9.0a"
  cuda_compute_capability { major: 9 feature_extension: ACCELERATED_FEATURES }
  core_count: 132 fpus_per_core: 128 clock_rate_ghz: 1.98
  threads_per_warp: 32 threads_per_block_limit: 1024 threads_per_core_limit: 2048
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  shared_memory_per_block: 49152 shared_memory_per_block_optin: 232448 shared_memory_per_core: 233472
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  thread_dim_limit_x: 1024 thread_dim_limit_y: 1024 thread_dim_limit_z: 64
  device_memory_size: 84942979072 memory_bandwidth: 3352320000000 l2_cache_size: 52428800 pcie_bandwidth: 34359738368
  device_address_bits: 64 ecc_enabled: true
  driver_version: "13.0.0" runtime_version: "13.0.0" compile_time_toolkit_version: "13.0.0" dnn_version: "9.12.0"
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 12 patch: 0 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
NO_KERNELS = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all"}
OPTIONS = {"xla_gpu_enable_triton_gemm": False}


def kernels_in_loop(hlo: str) -> Counter[str]:
    """Instructions that launch something, by kind, of the largest loop's body in an optimised program."""
    bodies = set(re.findall(r"body=%?([\w.\-]+)", hlo))
    counts: dict[str, Counter[str]] = {}
    name = ""
    for line in hlo.splitlines():
        if header := re.match(r"(?:ENTRY )?%?([\w.\-]+) \(.*\{\s*$", line):
            name = header[1]
        elif name in bodies and (found := re.match(r"\s+(?:ROOT )?%?[\w.\-]+ = .*?([a-z][a-z\-]*)\((?:%|\)|[a-z0-9])", line)):
            kind = found[1]
            if kind not in NO_KERNELS:
                counts.setdefault(name, Counter())["product" if "cublas" in line or "kind=kCustom" in line else kind] += 1
    return max(counts.values(), key=Counter.total, default=Counter())


def count(algorithm: str, **settings: object) -> Counter[str]:
    """Of one update, with the published settings of MT10 but for these."""
    import jax
    import jax.numpy as jnp
    from jax.experimental import topologies

    from metaworld_baselines.algorithms import sac_learner, sac_update
    from metaworld_baselines.algorithms.registry import find_algorithm
    from metaworld_baselines.experience import replay

    topology = topologies.get_topology_desc(platform="cuda", target_config=H100, topology="1x1x1")
    there = jax.sharding.SingleDeviceSharding(topology.devices[0])
    learner = sac_learner.make_learner(replace(find_algorithm(algorithm).config, **settings), 0)
    shapes = (
        jax.eval_shape(lambda: sac_learner.init(learner, 0)),
        jax.eval_shape(partial(replay.empty, learner.num_tasks, learner.config.capacity)),
        jax.ShapeDtypeStruct((2,), jnp.uint32),
        jax.ShapeDtypeStruct((), jnp.int32),
    )
    shapes = jax.tree.map(lambda of: jax.ShapeDtypeStruct(of.shape, of.dtype, sharding=there), shapes)
    updates = jax.jit(partial(sac_update.update_often, learner), donate_argnums=0).trace(*shapes)
    return kernels_in_loop(updates.lower(lowering_platforms=("cuda",)).compile(compiler_options=OPTIONS).as_text())


def main() -> None:
    for algorithm in sys.argv[1:] or ["mtmh-sac", "pcgrad-sac"]:
        kinds = count(algorithm)
        print(f"{algorithm}: {kinds.total()} kernels an update ({', '.join(f'{number} {kind}' for kind, number in kinds.most_common())})")


if __name__ == "__main__":
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_autotune_level=0".strip()
    main()
