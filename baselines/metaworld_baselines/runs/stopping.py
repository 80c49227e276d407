"""Ctrl-C, `kill` and closed terminals: a run ends once it is saved, and what it has started with it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


class Stop:
    """A wish that a run end where it can go on from.

    Attributes:
      is_asked: it is wished for.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._numbers = set[int]()

    def ask(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal. Another one than before may be the same wish: Ctrl-C reaches all processes, each is told by its parent, too.

        Raises:
          KeyboardInterrupt: the same signal for the second time.
        """
        if number in self._numbers:
            raise KeyboardInterrupt
        self._numbers.add(number)
        if not self.is_asked:  # `print` may be at work, which this interrupts
            os.write(2, b"\nends after this iteration, saved; the same again ends it at once\n")
        self.is_asked = True


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """What Ctrl-C, `kill` and a closed terminal ask for, within the block."""
    stop = Stop()
    with signals_handled(stop.ask, ("SIGINT", "SIGTERM", "SIGHUP")):
        yield stop


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let `kill` and a closed terminal raise `KeyboardInterrupt`, as Ctrl-C does."""
    with signals_handled(signal.default_int_handler, ("SIGTERM", "SIGHUP")):
        yield


@contextmanager
def signals_handled(handler: Handler, names: Sequence[str]) -> Iterator[None]:
    """Handle signals within the block; one that is ignored (nohup), or handled by somebody else, stays so."""
    if threading.current_thread() is not threading.main_thread():  # no other can set handlers
        yield
        return
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    defaults = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) in defaults}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
