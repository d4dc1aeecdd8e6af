"""A sign of life on standard error when work takes longer than a second."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

__all__ = ["working"]


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
