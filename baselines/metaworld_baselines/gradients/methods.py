"""All methods by the name that configurations give: `pcgrad`, or with settings `cagrad:c=0.5`, `fixed:weights=1/2/0.5`."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable
from typing import Any

from metaworld_baselines.gradients.aligned_mtl import aligned_mtl
from metaworld_baselines.gradients.cagrad import cagrad
from metaworld_baselines.gradients.db_mtl import db_mtl
from metaworld_baselines.gradients.dwa import dwa
from metaworld_baselines.gradients.fairgrad import fairgrad
from metaworld_baselines.gradients.famo import famo
from metaworld_baselines.gradients.graddrop import graddrop
from metaworld_baselines.gradients.gradnorm import gradnorm
from metaworld_baselines.gradients.gradvac import gradvac
from metaworld_baselines.gradients.imtl_g import imtl_g
from metaworld_baselines.gradients.mgda import mgda
from metaworld_baselines.gradients.nash_mtl import nash_mtl
from metaworld_baselines.gradients.pcgrad import pcgrad
from metaworld_baselines.gradients.plain import fixed, mean, total
from metaworld_baselines.gradients.random_weights import random_weights
from metaworld_baselines.gradients.uncertainty import uncertainty
from metaworld_baselines.gradients.upgrad import upgrad
from metaworld_baselines.gradients.weighting import Method

MEAN = "mean"
METHODS: dict[str, Callable[..., Method]] = {
    MEAN: mean,
    "sum": total,
    "fixed": fixed,
    "random": random_weights,
    "pcgrad": pcgrad,
    "gradvac": gradvac,
    "graddrop": graddrop,
    "mgda": mgda,
    "upgrad": upgrad,
    "cagrad": cagrad,
    "imtl-g": imtl_g,
    "aligned-mtl": aligned_mtl,
    "nash-mtl": nash_mtl,
    "fairgrad": fairgrad,
    "gradnorm": gradnorm,
    "famo": famo,
    "dwa": dwa,
    "uncertainty": uncertainty,
    "db-mtl": db_mtl,
}


def find_method(words: str, num_tasks: int, *, may_be_negative: bool = False) -> Method:
    """The method of that name and settings, for so many tasks.

    Args:
      words: NAME, or NAME:SETTING=VALUE,SETTING=VALUE; several numbers as 1/2/3.
      num_tasks: T.
      may_be_negative: whether the losses may be, such as a policy's.

    Raises:
      ValueError: unknown name, setting or value; or a method of positive losses where they may be negative.
    """
    name, _, rest = words.partition(":")
    if name not in METHODS:
        close = difflib.get_close_matches(name, METHODS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown combination of gradients {name!r}.{hint} There are {', '.join(METHODS)}")
    method = METHODS[name](num_tasks, **_settings(name, rest))
    if method.needs_losses and may_be_negative:
        others = ", ".join(other for other in METHODS if other not in _OF_LOSSES)
        raise ValueError(f"{name} needs positive losses, and a policy's may be negative: use it for the critic. For policies: {others}")
    return method


_OF_LOSSES = ("gradnorm", "famo", "dwa", "uncertainty", "db-mtl")


def _settings(name: str, words: str) -> dict[str, Any]:
    known = dict(list(inspect.signature(METHODS[name], eval_str=True).parameters.items())[1:])
    settings: dict[str, Any] = {}
    for word in filter(None, words.split(",")):
        setting, _, value = word.partition("=")
        if setting not in known:
            raise ValueError(f"{name} has {'the settings ' + ', '.join(known) if known else 'no settings'}, got {word!r}")
        try:
            numbers = tuple(int(one) if one.isdecimal() else float(one) for one in value.split("/"))
        except ValueError:
            raise ValueError(f"{name}: {setting} takes a number, or several as 1/2/3; got {value!r}") from None
        if not all(map(math.isfinite, numbers)) or (setting != "weights" and len(numbers) > 1):
            raise ValueError(f"{name}: {setting} takes {'finite numbers' if setting == 'weights' else 'one finite number'}, got {value!r}")
        if known[setting].annotation is int and not isinstance(numbers[0], int):
            raise ValueError(f"{name}: {setting} takes a whole number, got {value!r}")
        settings[setting] = numbers if setting == "weights" else numbers[0]
    if "weights" in known and "weights" not in settings:
        raise ValueError(f"{name} needs weights, one for each task: {name}:weights=1/2/0.5")
    return settings
