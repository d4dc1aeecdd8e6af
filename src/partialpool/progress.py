"""A sign of life on standard error when work takes longer than a second.

Only where somebody can see it: never into a file or a pipe.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

__all__ = ["counting", "working"]


@contextmanager
def working(message: str, after: float = 1.0) -> Iterator[None]:
    """Show a message while the block runs, once it has run for some time.

    Parameters
    ----------
    message
        What is going on.
    after
        Seconds of silence before it is shown.
    """
    if not sys.stderr.isatty():
        yield
        return
    done = Event()
    watcher = Thread(target=_watch, args=(message, after, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(message: str, after: float, done: Event) -> None:
    if done.wait(after):
        return
    # Imported only now: quick work never pays for it.
    from rich.console import Console

    with Console(stderr=True).status(message):
        done.wait()


@contextmanager
def counting(message: str, total: int, after: float = 1.0) -> Iterator[Callable[[int], None]]:
    """Show how far work that is counted has come, once it has run for some time.

    Parameters
    ----------
    message
        What is counted.
    total
        How many there will be.
    after
        Seconds of silence before it is shown.

    Yields
    ------
    callable
        To be told how many are done so far.
    """
    bar = _Bar(message, total, time.monotonic() + after)
    try:
        yield bar.show if sys.stderr.isatty() else lambda done: None
    finally:
        bar.close()


class _Bar:
    """A progress bar that appears when its time has come."""

    def __init__(self, message: str, total: int, due: float) -> None:
        self._message, self._total, self._due = message, total, due
        self._progress: Any = None

    def show(self, done: int) -> None:
        if self._progress is None and time.monotonic() > self._due:
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
            self._progress.add_task(self._message, total=self._total)
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=done)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
