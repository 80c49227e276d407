"""Numbers as people read them."""

from __future__ import annotations

from datetime import datetime


def rate(share: float, digits: int = 1) -> str:
    """A rate in per cent; only a true 100 reads as 100, only a true 0 as 0."""
    text = f"{100 * share:.{digits}f}"
    if share < 1.0 and float(text) == 100.0:
        text = f"{100 - 10**-digits:.{digits}f}"
    elif share > 0.0 and float(text) == 0.0:
        text = f"{10**-digits:.{digits}f}"
    return f"{text} %"


def date(finished_at: str) -> str:
    """Day and time of an ISO 8601 moment in UTC; "" was not recorded."""
    if not finished_at:
        return "not recorded"
    moment = datetime.fromisoformat(finished_at)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units; None was not recorded."""
    if seconds is None:
        return "not recorded"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds:.1f} s"
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
