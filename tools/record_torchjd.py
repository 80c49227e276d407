"""Values of another implementation for our tests: `python tools/record_torchjd.py`, in an environment with `pip install 'torchjd[full]'`.

Writes tests/baselines/gradients/torchjd.json: Gram matrices of random gradients, in double precision, the weights that TorchJD's weightings
give for them, and the versions that did. Runs without this package; needs no GPU.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torchjd import aggregation

PLACE = Path(__file__).resolve().parents[1] / "tests" / "baselines" / "gradients" / "torchjd.json"
SIZES = (2, 3, 10)  # tasks
SEEDS = (0, 1, 2)
WEIGHTINGS = {
    "mean": aggregation.MeanWeighting(),
    "sum": aggregation.SumWeighting(),
    "mgda": aggregation.MGDAWeighting(epsilon=1e-14, max_iters=3_000),  # Frank–Wolfe, which stays a little above the least norm
    "upgrad": aggregation.UPGradWeighting(),
    "cagrad:c=0.5": aggregation.CAGradWeighting(c=0.5),
    "imtl-g": aggregation.IMTLGWeighting(),
    "aligned-mtl": aggregation.AlignedMTLWeighting(),
    "fairgrad:alpha=1": aggregation.FairGradWeighting(alpha=1.0),
    "fairgrad:alpha=2": aggregation.FairGradWeighting(alpha=2.0),
}


def gradients(num_tasks: int, seed: int) -> np.ndarray:
    """Random ones, of lengths that differ by a factor of up to ten, so that some pairs conflict and none vanishes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(num_tasks, 2 * num_tasks)) * 10.0 ** rng.uniform(-0.5, 0.5, (num_tasks, 1))


def main() -> None:
    torch.set_default_dtype(torch.float64)
    cases = []
    for num_tasks in SIZES:
        for seed in SEEDS:
            matrix = gradients(num_tasks, seed)
            gram = torch.from_numpy(matrix @ matrix.T)
            weights = {name: weighting(gram).tolist() for name, weighting in WEIGHTINGS.items()}
            nash = aggregation.NashMTL(n_tasks=num_tasks, max_norm=0.0, optim_niter=50)
            weights["nash-mtl"] = nash(torch.from_numpy(matrix)).tolist()  # the update: it has no weighting of its own
            cases.append({"gradients": matrix.tolist(), "weights": weights})
    two = torch.from_numpy(gradients(2, 7))  # with two tasks the order of projections does not matter
    pairs = {"pcgrad": (aggregation.PCGradWeighting()(two @ two.T) / 2).tolist()}  # TorchJD takes the sum
    described = {
        "made_by": "python tools/record_torchjd.py",
        "versions": {name: version(name) for name in ("torchjd", "torch", "numpy")},
        "cases": cases,
        "two_tasks": {"gradients": two.tolist(), "weights": pairs},
    }
    PLACE.write_text(json.dumps(described) + "\n")


if __name__ == "__main__":
    main()
