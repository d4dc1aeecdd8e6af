"""A bar for chains at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["bar"]


@contextmanager
def bar() -> Iterator[Callable[[int, int], None]]:
    """Show a bar in the terminal or notebook, and return what moves it."""
    from rich.progress import Progress  # late: 0.1 s

    with Progress(transient=True) as progress:
        task = progress.add_task("Sampling", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
