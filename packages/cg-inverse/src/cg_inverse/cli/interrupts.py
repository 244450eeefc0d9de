"""Ctrl-C and SIGTERM: the first stops a fit after its round, the second at once; nothing kept is lost by either."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(clean: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Give a function that raises KeyboardInterrupt once a signal has come; a second one ends the process.

    `clean` is called before: simulations run in threads that only the end of the process interrupts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) > 1:
            clean()
            print("cg-inverse: interrupted; the rounds before this one are kept", file=sys.stderr, flush=True)
            os._exit(130)
        print("\nstopping after this round; once more: at once", file=sys.stderr, flush=True)

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
