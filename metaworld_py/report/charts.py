"""Drawings of the report as inline SVG. Their coordinates are per cent, so that they fit any width; text around them is HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence

from metaworld_py.evaluation.reward_curves import Curve


def bar(rate: float, interval: tuple[float, float]) -> str:
    """A success rate from 0 to 1 as a bar, its interval as a whisker."""
    low, high = interval
    return (
        '<svg class="bar" aria-hidden="true">'
        f'<rect class="fill" y="20%" height="60%" width="{_percent(rate)}"/>'
        f'<line class="whisker" x1="{_percent(low)}" x2="{_percent(high)}" y1="50%" y2="50%"/>'
        + "".join(f'<line class="whisker" x1="{_percent(x)}" x2="{_percent(x)}" y1="30%" y2="70%"/>' for x in (low, high))
        + "</svg>"
    )


def curve_chart(steps: Sequence[int], curve: Curve, scale: tuple[float, float], marker: float | None) -> str:
    """A mean with its spread over control steps.

    Args:
      steps: control steps of the points.
      curve: the points.
      scale: values at the lower and upper edge.
      marker: control step of a vertical line, if any.
    """
    xs = [100.0 * step / steps[-1] for step in steps]
    mean, low, high = (_points(xs, values, scale) for values in (curve.mean, curve.low, curve.high))
    line = "" if marker is None else f'<path class="marker" d="M{100.0 * marker / steps[-1]:.1f},0V100"/>'
    return (
        '<svg class="curve" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="spread" d="M{" ".join([*high, *reversed(low)])}Z"/>{line}<path class="mean" d="M{" ".join(mean)}"/></svg>'
    )


def shared_scale(curves: Sequence[Curve]) -> tuple[float, float]:
    """Round limits within which all the curves lie, zero included."""
    low = min(0.0, *(value for curve in curves for value in (*curve.low, *curve.mean)))
    high = max(0.0, *(value for curve in curves for value in (*curve.high, *curve.mean)))
    return 0.0 - _round_up(-low), _round_up(high) if high > 0.0 or low < 0.0 else 1.0


def _round_up(value: float) -> float:
    """The next of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten."""
    if value <= 0.0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0) if value <= step * power * (1.0 + 1e-9))


def _points(xs: Sequence[float], values: Sequence[float], scale: tuple[float, float]) -> list[str]:
    low, high = scale
    return [f"{x:.1f},{100.0 * (high - value) / (high - low):.1f}" for x, value in zip(xs, values, strict=True)]


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f}%"
