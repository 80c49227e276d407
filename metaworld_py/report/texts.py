"""Numbers as people read them."""

from __future__ import annotations

from datetime import datetime

from metaworld_py.evaluation.intervals import rate

__all__ = ["date", "duration", "rate"]


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
