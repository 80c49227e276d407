"""All protocols of meta-learning side by side: how many episodes to adapt on, most likely or random actions, final or maximum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from metaworld_baselines.publishing.run_files import read_curve, read_trials
from metaworld_py.agents.cards import BEFORE, EVALUATION, SHOTS
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.evaluation.shots import load_shots

HEAD = ("algorithm", "episodes to adapt", "actions", "final", "maximum over training", "training goals, final")
Protocol = tuple[int, bool]  # episodes to adapt on, and whether actions are random


def protocol_rows(label: str, config: Any, folders: list[Path]) -> list[tuple[str, ...]]:
    """Rows of runs that differ in nothing but the seed: means over them, where all have the number."""
    final, best, on_training_goals = [], [], []
    for folder in folders:
        found, reached = final_by_protocol(folder, config), best_by_protocol(folder, config)
        final.append(found)
        on_training_goals.append(training_by_protocol(folder, config))
        best.append({protocol: max(rate, found.get(protocol, 0.0)) for protocol, rate in reached.items()})
    known = sorted({protocol for found in (*final, *best) for protocol in found}, key=lambda protocol: protocol[::-1])
    return [
        (
            label,
            str(episodes),
            "random" if is_random else "most likely",
            *(_mean(of, (episodes, is_random)) for of in (final, best, on_training_goals)),
        )
        for episodes, is_random in known
    ]


def _mean(found: list[dict[Protocol, float]], protocol: Protocol) -> str:
    if any(protocol not in one for one in found):
        return "not kept"
    return f"{np.mean([one[protocol] for one in found]):.1%}"


def final_by_protocol(folder: Path, config: Any) -> dict[Protocol, float]:
    """Success of the last weights: as the agent was published, else as at the end of the curve."""
    last = read_curve(folder)[-1]
    trials = read_trials(folder)
    found = _of_trials(trials[-1], config) if trials else {}
    found |= {(0, False): last["success_before"], (config.episodes, False): last["success"]}
    if (folder / SHOTS).is_file():
        found = {(shot.episodes, shot.is_sampled): shot.success for shot in load_shots(folder / SHOTS)}
    for episodes, file in ((0, BEFORE), (10, EVALUATION)):  # of more episodes and draws than a shot
        if (folder / file).is_file():
            found[episodes, False] = EvaluationResult.load(folder / file).success_rate
    return found


def training_by_protocol(folder: Path, config: Any) -> dict[Protocol, float]:
    """Success of the last weights on training goals; what it is ahead of the held-out goals by was memorised."""
    trials = read_trials(folder)
    return _of_trials(trials[-1], config, "train_") if trials else {}


def _of_trials(point: dict[str, float], config: Any, prefix: str = "") -> dict[Protocol, float]:
    """An evaluation's protocols: random actions while adapting, of the first episode alone where the agent changes after all of them, or
    plays some of them with the most likely actions.
    """
    random = _of(point, f"{prefix}while_adapting/")
    is_one_protocol = config.adapts_while_playing and not getattr(config, "rehearses", False)
    found = {(episodes, True): rate for episodes, rate in enumerate(random if is_one_protocol else random[:1])}
    before, once_adapted = _of(point, f"{prefix}before/"), _of(point, f"{prefix}once_adapted/")
    return found | {(0, False): float(np.mean(before)), (config.episodes, False): float(np.mean(once_adapted))}


def best_by_protocol(folder: Path, config: Any) -> dict[Protocol, float]:
    """Maximum over training of each task, mean over tasks. What was kept as a mean over tasks counts for a single one only."""
    curve, trials = read_curve(folder), read_trials(folder)
    found = {(config.episodes, False): _best([_of(point, "success/") for point in curve])}
    if trials:
        found[0, False] = _best([_of(point, "before/") for point in trials])
    elif len(config.tasks) == 1:
        found[0, False] = max(point["success_before"] for point in curve)
    if trials and config.task:
        evaluations = [_of_trials(point, config) for point in trials]
        found |= {protocol: max(one[protocol] for one in evaluations) for protocol in evaluations[0] if protocol[1]}
    return found


def _best(evaluations: list[list[float]]) -> float:
    return float(np.max(evaluations, axis=0).mean())


def _of(point: dict[str, float], prefix: str) -> list[float]:
    return [value for name, value in point.items() if name.startswith(prefix)]
