"""Statistics for normalisation, as LeRobot data sets carry them: minimum, maximum, mean, standard deviation, count and five quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
LEVELS = 256  # of a colour channel

Statistics = dict[str, list[Any]]


def vector_statistics(values: NDArray[Any]) -> Statistics:
    """Per component, over frames.

    Args:
      values: (frames,) or (frames, size), numbers or booleans.
    """
    table = values.reshape(len(values), -1).astype(np.float64)
    quantiles = np.quantile(table, list(QUANTILES.values()), axis=0)
    return {
        "min": table.min(axis=0).tolist(),
        "max": table.max(axis=0).tolist(),
        "mean": table.mean(axis=0).tolist(),
        "std": table.std(axis=0).tolist(),
        "count": [len(table)],
        **dict(zip(QUANTILES, quantiles.tolist(), strict=True)),
    }


def channel_histogram(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each level occurs in each channel of a picture (height, width, 3), as (3, 256)."""
    return np.stack([np.bincount(picture[..., channel].ravel(), minlength=LEVELS) for channel in range(3)]).astype(np.int64)


def picture_statistics(histogram: NDArray[np.int64], frames: int) -> Statistics:
    """Per channel, of levels scaled to [0, 1], as (3, 1, 1) lists.

    Args:
      histogram: (3, 256) counts over all pictures.
      frames: number of pictures.
    """
    levels = np.arange(LEVELS) / (LEVELS - 1)
    pixels = int(histogram[0].sum())
    share = histogram / pixels
    mean = share @ levels
    at_most = histogram.cumsum(axis=1)  # pixels of this level or below
    present = histogram > 0
    values = {
        "min": levels[present.argmax(axis=1)],
        "max": levels[LEVELS - 1 - present[:, ::-1].argmax(axis=1)],
        "mean": mean,
        "std": np.sqrt(np.maximum((share * (levels - mean[:, np.newaxis]) ** 2).sum(axis=1), 0.0)),
        **{name: levels[(at_most < quantile * pixels).sum(axis=1)] for name, quantile in QUANTILES.items()},
    }
    return {**{name: value.reshape(3, 1, 1).tolist() for name, value in values.items()}, "count": [frames]}
