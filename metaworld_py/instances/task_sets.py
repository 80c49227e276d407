"""The published task sets, in the order in which their instances are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from metaworld_py.tasks import TASKS, find_task

MT10 = (
    "reach",
    "push",
    "pick-place",
    "door-open",
    "drawer-open",
    "drawer-close",
    "button-press-topdown",
    "peg-insert-side",
    "window-open",
    "window-close",
)

MT25 = (
    "reach",
    "push",
    "pick-place",
    "door-open",
    "drawer-open",
    "drawer-close",
    "button-press-topdown",
    "peg-insert-side",
    "window-open",
    "window-close",
    "coffee-pull",
    "pick-out-of-hole",
    "disassemble",
    "pick-place-wall",
    "basketball",
    "stick-pull",
    "button-press-wall",
    "faucet-open",
    "door-lock",
    "lever-pull",
    "sweep-into",
    "faucet-close",
    "coffee-button",
    "button-press-topdown-wall",
    "dial-turn",
)

MT50 = (
    "assembly",
    "basketball",
    "bin-picking",
    "box-close",
    "button-press-topdown",
    "button-press-topdown-wall",
    "button-press",
    "button-press-wall",
    "coffee-button",
    "coffee-pull",
    "coffee-push",
    "dial-turn",
    "disassemble",
    "door-close",
    "door-lock",
    "door-open",
    "door-unlock",
    "hand-insert",
    "drawer-close",
    "drawer-open",
    "faucet-open",
    "faucet-close",
    "hammer",
    "handle-press-side",
    "handle-press",
    "handle-pull-side",
    "handle-pull",
    "lever-pull",
    "pick-place-wall",
    "pick-out-of-hole",
    "pick-place",
    "plate-slide",
    "plate-slide-side",
    "plate-slide-back",
    "plate-slide-back-side",
    "peg-insert-side",
    "peg-unplug-side",
    "soccer",
    "stick-push",
    "stick-pull",
    "push",
    "push-wall",
    "push-back",
    "reach",
    "reach-wall",
    "shelf-place",
    "sweep-into",
    "sweep",
    "window-open",
    "window-close",
)

ML10_TRAIN = (
    "reach",
    "push",
    "pick-place",
    "door-open",
    "drawer-close",
    "button-press-topdown",
    "peg-insert-side",
    "window-open",
    "sweep",
    "basketball",
)

ML10_TEST = (
    "drawer-open",
    "door-close",
    "shelf-place",
    "sweep-into",
    "lever-pull",
)

ML25_TRAIN = MT25

# As published: basketball is also a training task (see `benchmarks.ML25`).
ML25_TEST = (
    "basketball",
    "door-close",
    "shelf-place",
    "sweep",
    "button-press",
)

ML45_TRAIN = (
    "assembly",
    "basketball",
    "button-press-topdown",
    "button-press-topdown-wall",
    "button-press",
    "button-press-wall",
    "coffee-button",
    "coffee-pull",
    "coffee-push",
    "dial-turn",
    "disassemble",
    "door-close",
    "door-open",
    "drawer-close",
    "drawer-open",
    "faucet-open",
    "faucet-close",
    "hammer",
    "handle-press-side",
    "handle-press",
    "handle-pull-side",
    "handle-pull",
    "lever-pull",
    "pick-place-wall",
    "pick-out-of-hole",
    "push-back",
    "pick-place",
    "plate-slide",
    "plate-slide-side",
    "plate-slide-back",
    "plate-slide-back-side",
    "peg-insert-side",
    "peg-unplug-side",
    "soccer",
    "stick-push",
    "stick-pull",
    "push-wall",
    "push",
    "reach-wall",
    "reach",
    "shelf-place",
    "sweep-into",
    "sweep",
    "window-open",
    "window-close",
)

ML45_TEST = (
    "bin-picking",
    "box-close",
    "hand-insert",
    "door-lock",
    "door-unlock",
)

TASK_SETS: dict[str, tuple[str, ...]] = {
    "MT10": MT10,
    "MT25": MT25,
    "MT50": MT50,
    "ML10-train": ML10_TRAIN,
    "ML10-test": ML10_TEST,
    "ML25-train": ML25_TRAIN,
    "ML25-test": ML25_TEST,
    "ML45-train": ML45_TRAIN,
    "ML45-test": ML45_TEST,
}


def listed(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """The values of a keyword that takes a list of texts.

    Raises:
      ValueError: a single text, whose letters would be taken for it.
    """
    if isinstance(values, str):
        raise ValueError(f"{name} must be a list, got the text {values!r}: write [{values!r}]")
    return tuple(values)


def task_names(benchmark: str | Sequence[str]) -> list[str]:
    """Tasks of a set, a single task, or a sequence of tasks, in order.

    Raises:
      ValueError: unknown or repeated tasks.
    """
    if isinstance(benchmark, str):
        if benchmark in TASK_SETS:
            return list(TASK_SETS[benchmark])
        if benchmark.upper() in TASK_SETS or benchmark[:2] in ("MT", "ML"):
            raise ValueError(f"unknown task set {benchmark!r}; known: {', '.join(TASK_SETS)}, and the {len(TASKS)} task names")
        return [find_task(benchmark).name]
    names = [find_task(name).name for name in benchmark]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"give at least one task and each only once, got {names}")
    return names
